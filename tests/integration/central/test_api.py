"""The API of a real process over a small recording."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
from pydantic import TypeAdapter

from dantaro_central.core.candles import aggregate
from dantaro_central.core.views import CandlePage, MarketList, StatusView, SupportLevelsView
from dantaro_crds.values import Interval
from dantaro_crds.wire.bundle import CentralHealth
from dantaro_crds.wire.problem import Problem
from dantaro_crds.wire.recommendations import Recommendations
from tests.support.candles import START, simulated_minutes, write_recording
from tests.support.central_process import CentralClient, central

pytestmark = pytest.mark.integration

MINUTES = 1203
MINUTE = timedelta(minutes=1)


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CentralClient]:
    """Return a central that has replayed three markets to their end."""
    folder = tmp_path_factory.mktemp("api")
    recording = folder / "recording"
    write_recording(recording, ["KRW-BTC", "KRW-XRP"], minutes=MINUTES, hours=2300)
    write_recording(recording, ["KRW-SOL"], minutes=10)
    (recording / "KRW-SOL" / "1m.csv.gz").rename(recording / "KRW-SOL" / "5m.csv.gz")
    options = ("--source", "replay", "--folder", str(recording), "--speed", "max")
    with central(folder, *options) as running:
        running.wait_until_ended()
        yield running


def problem_of(response: httpx.Response) -> Problem:
    """Return the body of a refusal."""
    assert response.headers["Content-Type"] == "application/problem+json"
    return Problem.model_validate_json(response.text)


def test_pages_hold_every_recorded_candle_once(client: CentralClient) -> None:
    pages = list(client.pages("KRW-XRP"))
    assert [len(page.candles) for page in pages] == [500, 500, 203]
    served = [candle for page in pages for candle in page.candles]
    recorded = simulated_minutes("KRW-XRP", MINUTES)
    assert [(c.time, c.open, c.high, c.low, c.close, c.volume) for c in served] == [
        (c.time, c.open, c.high, c.low, c.close, c.volume) for c in recorded
    ]


def test_a_page_holds_the_analyses_that_its_candles_need(client: CentralClient) -> None:
    since = START + 501 * MINUTE
    page = client.bundle("KRW-BTC", since=since.isoformat())
    times = [analysis.data_until for analysis in page.analyses]
    assert page.candles[0].time == START + 502 * MINUTE
    assert times[0] == START + 500 * MINUTE
    assert times[-1] == START + 1000 * MINUTE
    assert times == [times[0] + n * 5 * MINUTE for n in range(len(times))]
    for analysis in page.analyses:
        assert analysis.support_levels is not None
        assert analysis.support_levels.conservative.price is not None
        assert analysis.market_status is not None
        assert analysis.indicators is not None
        assert analysis.indicators.interval == "1m"
        assert analysis.decision is not None


def test_a_bot_that_has_everything_gets_the_newest_analysis_alone(client: CentralClient) -> None:
    end = START + MINUTES * MINUTE
    page = client.bundle("KRW-BTC", since=(end - MINUTE).isoformat())
    assert page.candles == []
    assert [analysis.data_until for analysis in page.analyses] == [START + 1200 * MINUTE]
    assert (page.market_time, page.data_until) == (end, START + 1200 * MINUTE)
    assert (page.source.name, page.source.live, page.source.ended) == ("replay", False, True)
    assert page.ticker is not None
    assert (page.ticker.time, page.ticker.change24h) == (end, None)


def test_times_may_be_given_in_any_zone(client: CentralClient) -> None:
    utc = client.bundle("KRW-BTC", since="2025-09-01T01:00:00Z")
    assert client.bundle("KRW-BTC", since="2025-09-01T10:00:00+09:00") == utc
    bare = client.get("/api/v1/bundle?symbol=KRW-BTC&since=2025-09-01T10:00:00+09:00")
    assert bare.status_code == 200


def test_an_unchanged_page_is_not_sent_again(client: CentralClient) -> None:
    first = client.get("/api/v1/bundle", symbol="KRW-BTC")
    tag = first.headers["ETag"]
    headers = {"Authorization": f"Bearer {client.key}"}
    again = client.get(
        "/api/v1/bundle", symbol="KRW-BTC", headers=headers | {"If-None-Match": f'"x", {tag}'}
    )
    assert (again.status_code, again.content, again.headers["ETag"]) == (304, b"", tag)
    other = client.get("/api/v1/bundle", symbol="KRW-XRP", headers=headers | {"If-None-Match": tag})
    assert other.status_code == 200


@pytest.mark.parametrize(
    "path",
    ["bundle?symbol=KRW-BTC", "candles/KRW-BTC", "support-levels/KRW-BTC", "market-status",
     "markets", "recommendations"],
)  # fmt: skip
@pytest.mark.parametrize("header", [None, "Bearer wrong"])
def test_a_key_is_needed(client: CentralClient, path: str, header: str | None) -> None:
    headers = {"Authorization": header} if header else {"Accept": "*/*"}
    response = client.get(f"/api/v1/{path}", headers=headers)
    assert response.status_code == 401
    assert response.headers["WWW-Authenticate"] == "Bearer"
    assert problem_of(response).status == 401


@pytest.mark.parametrize(
    ("path", "want_status", "want_code", "want_detail"),
    [
        pytest.param(
            "bundle?symbol=KRW-NO", 404, "SymbolUnknown",
            "expected one of the markets KRW-BTC, KRW-XRP, found KRW-NO", id="unknown-market",
        ),
        pytest.param(
            "bundle?symbol=KRW-SOL", 404, "SymbolUnknown", "no 1-minute candles", id="not-traded"
        ),
        pytest.param("candles/KRW-NO", 404, "SymbolUnknown", "KRW-NO", id="candles-unknown"),
        pytest.param("support-levels/KRW-NO", 404, "SymbolUnknown", "KRW-NO", id="levels-unknown"),
        pytest.param("bundle", 422, "RequestInvalid", "symbol: Field required", id="no-symbol"),
        pytest.param("bundle?symbol=btc", 422, "RequestInvalid", "a market such", id="bad-symbol"),
        pytest.param(
            "bundle?symbol=KRW-BTC&since=soon", 422, "RequestInvalid", "since: ", id="bad-time"
        ),
        pytest.param(
            "bundle?symbol=KRW-BTC&interval=2m", 422, "RequestInvalid", "interval: ",
            id="bad-interval",
        ),
        pytest.param(
            "candles/KRW-BTC?limit=501", 422, "RequestInvalid", "limit: ", id="too-many"
        ),
        pytest.param("nothing", 404, "NotFound", "Not Found", id="no-such-path"),
    ],
)  # fmt: skip
def test_a_wrong_request_is_answered_with_a_problem(
    client: CentralClient, path: str, want_status: int, want_code: str, want_detail: str
) -> None:
    response = client.get(f"/api/v1/{path}")
    problem = problem_of(response)
    assert (response.status_code, problem.status) == (want_status, want_status)
    assert problem.code == want_code
    assert want_detail in problem.detail


def test_longer_candles_are_built_of_the_minutes(client: CentralClient) -> None:
    response = client.get(
        "/api/v1/candles/KRW-BTC", interval="60m", since=(START - 3 * 60 * MINUTE).isoformat()
    )
    page = CandlePage.model_validate_json(response.text)
    minutes = simulated_minutes("KRW-BTC", MINUTES)
    want = aggregate(minutes, Interval.M60, until=START + MINUTES * MINUTE)
    assert [c.time for c in page.candles[:2]] == [START - 120 * MINUTE, START - 60 * MINUTE]
    assert [(c.time, c.open, c.high, c.low, c.close, c.volume) for c in page.candles[2:]] == [
        (c.time, c.open, c.high, c.low, c.close, c.volume) for c in want
    ]
    assert response.headers["ETag"]


def test_candles_come_in_pages_of_the_asked_length(client: CentralClient) -> None:
    response = client.get("/api/v1/candles/KRW-BTC", limit=3)
    page = CandlePage.model_validate_json(response.text)
    assert [c.time for c in page.candles] == [START + n * MINUTE for n in range(3)]


def test_the_newest_analysis_is_served_apart(client: CentralClient) -> None:
    newest = client.bundle("KRW-BTC", since=(START + MINUTES * MINUTE).isoformat()).analyses[0]
    levels = SupportLevelsView.model_validate_json(
        client.get("/api/v1/support-levels/KRW-BTC").text
    )
    status = StatusView.model_validate_json(client.get("/api/v1/market-status").text)
    assert levels.support_levels == newest.support_levels
    assert status.market_status == newest.market_status
    assert levels.data_until == status.data_until == newest.data_until


def test_markets_are_listed_with_the_reason_why_one_is_not_used(client: CentralClient) -> None:
    listed = MarketList.model_validate_json(client.get("/api/v1/markets").text)
    assert [(m.symbol, m.use, bool(m.reason)) for m in listed.markets] == [
        ("KRW-BTC", "Traded", False),
        ("KRW-SOL", "Unused", True),
        ("KRW-XRP", "Traded", False),
    ]


def test_health_and_metrics_need_no_key(client: CentralClient) -> None:
    nobody = {"Accept": "*/*"}
    health = CentralHealth.model_validate_json(client.get("/health", headers=nobody).text)
    assert health.status == "ok"
    assert health.symbols == ["KRW-BTC", "KRW-XRP"]
    assert (health.market_start, health.market_time) == (START, START + MINUTES * MINUTE)
    assert client.get("/ready", headers=nobody).json() == {"status": "ready"}
    metrics = client.get("/metrics", headers=nobody).text
    for series in (
        'http_requests_total{method="GET",route="/ready",status="200"}',
        'http_request_duration_seconds_bucket{le="0.001",method="GET",route="/health",status="200"}',
        'scheduler_job_success_total{job="collect"}',
        'scheduler_job_duration_seconds_count{job="start"}',
        "dantaro_central_market_time_seconds",
        "process_resident_memory_bytes",
    ):
        assert series in metrics


def test_metrics_hold_templates_and_no_symbols(client: CentralClient) -> None:
    client.get("/api/v1/candles/KRW-BTC", limit=1)
    client.get("/no/such/path")
    text = client.get("/metrics").text
    assert 'route="/api/v1/candles/{symbol:path}"' in text
    assert "/no/such" not in text
    requests = [line for line in text.splitlines() if line.startswith("http_")]
    assert requests
    assert not [line for line in requests if "KRW-BTC" in line]


def test_markets_are_recommended_best_first_with_the_reasons(client: CentralClient) -> None:
    response = client.get("/api/v1/recommendations")
    answer = Recommendations.model_validate_json(response.text)
    assert answer.data_until == START + 1200 * MINUTE
    assert (answer.source.name, answer.market_time) == ("replay", START + MINUTES * MINUTE)
    found = answer.recommendations
    # KRW-SOL has no 1-minute candles: nobody can trade it.
    assert {item.symbol for item in found} == {"KRW-BTC", "KRW-XRP"}
    assert found[0].score >= found[1].score > 0
    assert all(part.reason for item in found for part in item.parts)

    best = Recommendations.model_validate_json(
        client.get("/api/v1/recommendations", limit=1).text
    ).recommendations
    assert best == found[:1]
    headers = {"If-None-Match": response.headers["ETag"]}
    headers["Authorization"] = f"Bearer {client.key}"
    assert client.get("/api/v1/recommendations", headers=headers).status_code == 304
    for limit in (0, 51):
        assert client.get("/api/v1/recommendations", limit=limit).status_code == 422


def test_the_key_file_is_for_its_owner_only(client: CentralClient) -> None:
    assert client.key_file.stat().st_mode & 0o777 == 0o600
    assert len(client.key) >= 32


def test_the_key_is_nowhere_in_the_database_or_the_log(client: CentralClient) -> None:
    files = [Path(client.folder, name) for name in ("central.db", "central.db-wal", "log")]
    assert all(client.key.encode() not in file.read_bytes() for file in files if file.exists())


def test_the_schema_of_the_api_names_the_bundle(client: CentralClient) -> None:
    schemas = TypeAdapter(dict[str, dict[str, dict[str, object]]]).validate_python(
        {"components": client.get("/openapi.json").json()["components"]["schemas"]}
    )
    assert "Bundle" in schemas["components"]
