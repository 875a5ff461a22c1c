"""Keys, limits, several bundles at once, packed answers: a real process over a small recording."""

import gzip
import json
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest

from dantaro_central.core.views import BatchAnswers, DecisionList, IndicatorsView, QualityList
from dantaro_crds.wire.bundle import Bundle
from dantaro_crds.wire.problem import Problem
from tests.support.candles import write_recording
from tests.support.central_process import CentralClient, central
from tests.support.eventually import eventually
from tests.support.processes import command_path
from tests.support.redis import MissingToolError, Redis, running_redis

pytestmark = pytest.mark.integration

BUNDLE = "/api/v1/bundle"


@pytest.fixture(scope="module")
def redis() -> Iterator[Redis]:
    try:
        with running_redis() as server:
            yield server
    except MissingToolError as error:
        pytest.skip(str(error))


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CentralClient]:
    """Return a central that has replayed two markets; 10 requests a key in 600 s."""
    folder = tmp_path_factory.mktemp("access")
    recording = folder / "recording"
    write_recording(recording, ["KRW-BTC", "KRW-XRP"], minutes=90, hours=300)
    options = ("--source", "replay", "--folder", str(recording), "--speed", "max")
    limit = ("--limit-requests", "10", "--limit-seconds", "600")
    with central(folder, *options, *limit) as running:
        running.wait_until_ended()
        yield running


def keys(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run `dantaro-central keys` on the database in a folder."""
    command = [command_path("dantaro-central"), "keys", *arguments]
    command += ["--database-url", f"sqlite:///{folder}/central.db"]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=30)


def new_key(client: CentralClient, name: str, *options: str) -> dict[str, str]:
    """Make a key; return the header that it is sent in."""
    made = keys(client.folder, "create", name, *options)
    assert made.returncode == 0, made.stderr
    return {"Authorization": f"Bearer {made.stdout.strip()}"}


def ask(client: CentralClient, header: dict[str, str], path: str = BUNDLE) -> httpx.Response:
    """Ask for a page with a key; one that does not count yet is tried again."""

    def answer() -> httpx.Response | None:
        found = client.get(path, headers=header, symbol="KRW-BTC")
        unknown = found.status_code == 401 and found.json()["code"] == "KeyUnknown"
        return None if unknown else found

    found = eventually(answer)
    assert found is not None
    return found


def test_a_key_works_until_it_is_revoked_and_its_row_stays(client: CentralClient) -> None:
    header = new_key(client, "short-lived")
    assert ask(client, header).status_code == 200
    assert keys(client.folder, "revoke", "short-lived").stdout == "short-lived is revoked\n"
    eventually(lambda: ask(client, header).status_code == 401, timeout=15)
    problem = Problem.model_validate_json(ask(client, header).text)
    assert problem.code == "KeyRevoked"
    table = keys(client.folder, "list").stdout.splitlines()
    assert table[0].split() == ["NAME", "SCOPES", "LIMIT", "CREATED", "REVOKED"]
    row = next(line.split() for line in table if line.startswith("short-lived"))
    assert (row[1], row[2], len(row)) == ("read", "default", 5)
    assert any(line.startswith("key-file") and " none " in line for line in table)
    secret = header["Authorization"].removeprefix("Bearer ")
    files = [Path(client.folder, name) for name in ("central.db", "central.db-wal", "log")]
    assert all(secret.encode() not in file.read_bytes() for file in files if file.exists())


def test_a_rotated_key_is_unknown(client: CentralClient) -> None:
    header = new_key(client, "rotated")
    assert ask(client, header).status_code == 200
    made = keys(client.folder, "rotate", "rotated").stdout.strip()
    assert ask(client, {"Authorization": f"Bearer {made}"}).status_code == 200

    def is_refused() -> bool:
        return client.get(BUNDLE, headers=header, symbol="KRW-BTC").status_code == 401

    eventually(is_refused, timeout=15)


@pytest.mark.parametrize(
    ("arguments", "want_code", "want_text"),
    [
        pytest.param(("revoke", "nobody"), 78, "expected the name of a key", id="unknown"),
        pytest.param(("create", "a b"), 78, "found 'a b'", id="bad-name"),
        pytest.param(("create", "x", "--scope", "write"), 2, "invalid choice", id="bad-scope"),
    ],
)
def test_a_wrong_key_command_says_what_to_do(
    client: CentralClient, arguments: tuple[str, ...], want_code: int, want_text: str
) -> None:
    done = keys(client.folder, *arguments)
    assert (done.returncode, done.stdout) == (want_code, "")
    assert want_text in done.stderr


def test_keys_need_a_prepared_database(tmp_path: Path) -> None:
    done = keys(tmp_path, "create", "bots")
    assert done.returncode == 75
    assert "the database is not prepared" in done.stderr


def test_a_key_that_asks_too_often_is_told_when_to_come_again(client: CentralClient) -> None:
    header = new_key(client, "eager")
    other = new_key(client, "calm")
    answers = [ask(client, header) for _ in range(12)]
    refused = [answer for answer in answers if answer.status_code == 429]
    assert refused
    answer = refused[0]
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert Problem.model_validate_json(answer.text).code == "RateLimited"
    assert 1 <= int(answer.headers["Retry-After"]) <= 600
    assert answer.headers["RateLimit-Limit"] == "10"
    assert answer.headers["RateLimit-Remaining"] == "0"
    assert answer.headers["RateLimit-Reset"] == answer.headers["Retry-After"]
    assert ask(client, other).status_code == 200
    # The key of the key file is for processes of this machine: it has no limit.
    assert {client.get(BUNDLE, symbol="KRW-BTC").status_code for _ in range(30)} == {200}


def post(client: CentralClient, body: object, header: dict[str, str]) -> httpx.Response:
    """Send a body to `POST /bundle`."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    headers = header | {"Content-Type": "application/json"}
    return httpx.post(client.url + BUNDLE, content=content, headers=headers, timeout=10)


def test_several_bundles_are_each_what_get_answers(client: CentralClient) -> None:
    header = {"Authorization": f"Bearer {client.key}"}
    requests = [
        {"symbol": "KRW-BTC", "interval": "60m"},
        {"symbol": "KRW-NO"},
        {"symbol": "KRW-XRP", "since": "2025-09-01T01:00:00Z"},
    ]
    answer = post(client, {"requests": requests}, header)
    assert answer.status_code == 200, answer.text
    first, second, third = BatchAnswers.model_validate_json(answer.text).answers
    assert first.bundle == client.bundle("KRW-BTC", interval="60m")
    assert third.bundle == client.bundle("KRW-XRP", since="2025-09-01T01:00:00Z")
    assert second.bundle is None
    unknown = client.get(BUNDLE, symbol="KRW-NO")
    assert second.problem == Problem.model_validate_json(unknown.text)


def test_several_bundles_count_as_many_requests(client: CentralClient) -> None:
    header = new_key(client, "batches")
    item = {"symbol": "KRW-BTC"}
    answer = eventually(
        lambda: (
            (found := post(client, {"requests": [item] * 4}, header)).status_code != 401 and found
        )
    )
    assert answer is not False
    assert answer.status_code == 200
    assert post(client, {"requests": [item] * 7}, header).status_code == 429
    assert post(client, {"requests": [item] * 5}, header).status_code == 200


@pytest.mark.parametrize(
    ("body", "want_status"),
    [
        pytest.param({"requests": []}, 422, id="none"),
        pytest.param({"requests": [{"symbol": "KRW-BTC"}] * 101}, 422, id="too-many"),
        pytest.param({"requests": [{"symbol": "btc"}]}, 422, id="bad-symbol"),
        pytest.param({"requests": [{"symbol": "KRW-BTC"}], "more": 1}, 422, id="unknown-field"),
        pytest.param(b"{", 422, id="no-json"),
        pytest.param(b"[" * 60_000, 400, id="deep"),
        pytest.param(b" " * 70_000, 413, id="too-long"),
    ],
)
def test_a_wrong_body_is_a_problem(client: CentralClient, body: object, want_status: int) -> None:
    answer = post(client, body, {"Authorization": f"Bearer {client.key}"})
    assert answer.status_code == want_status, answer.text
    assert Problem.model_validate_json(answer.text).status == want_status


def test_large_answers_are_packed_for_who_asks(client: CentralClient) -> None:
    plain = {"Authorization": f"Bearer {client.key}", "Accept-Encoding": "identity"}
    packed = plain | {"Accept-Encoding": "gzip"}
    wanted = client.get(BUNDLE, headers=plain, symbol="KRW-BTC")
    for _ in range(2):
        with httpx.stream(
            "GET", f"{client.url}{BUNDLE}?symbol=KRW-BTC", headers=packed
        ) as response:
            raw = b"".join(response.iter_raw())
        assert response.headers["Content-Encoding"] == "gzip"
        assert gzip.decompress(raw) == wanted.content
        assert len(raw) < len(wanted.content) / 3
    assert "Content-Encoding" not in wanted.headers
    assert wanted.headers["Vary"] == response.headers["Vary"] == "Accept-Encoding"
    tags = [wanted.headers["ETag"], response.headers["ETag"]]
    assert len(set(tags)) == 2
    for headers in (plain, packed):
        for tag in tags:
            again = client.get(BUNDLE, headers=headers | {"If-None-Match": tag}, symbol="KRW-BTC")
            assert (again.status_code, again.content) == (304, b"")
    short = client.get("/api/v1/market-status", headers=packed)
    assert "Content-Encoding" not in short.headers


@pytest.mark.parametrize(
    "path",
    ["bundle?symbol=KRW-BTC", "candles/KRW-BTC", "support-levels/KRW-BTC", "market-status",
     "markets", "recommendations", "indicators/KRW-BTC", "data-quality", "decisions/KRW-BTC"],
)  # fmt: skip
def test_every_answer_has_a_tag_and_the_age_of_its_data(client: CentralClient, path: str) -> None:
    first = client.get(f"/api/v1/{path}")
    assert first.status_code == 200, first.text
    assert first.headers["Cache-Control"] == "private, no-cache"
    if path != "data-quality" or first.json()["markets"]:
        # The recording ended 90 minutes after its start; no figure is of another age.
        assert 0 <= int(first.headers["Dantaro-Data-Age"]) <= 90 * 60
    headers = {"Authorization": f"Bearer {client.key}", "If-None-Match": first.headers["ETag"]}
    assert client.get(f"/api/v1/{path}", headers=headers).status_code == 304


def test_indicators_decisions_and_quality_are_served_apart(client: CentralClient) -> None:
    newest = client.bundle("KRW-BTC", interval="60m", since="2025-09-01T01:29:00Z").analyses[-1]
    view = IndicatorsView.model_validate_json(
        client.get("/api/v1/indicators/KRW-BTC", interval="60m").text
    )
    assert view.indicators == newest.indicators
    listed = DecisionList.model_validate_json(client.get("/api/v1/decisions/KRW-BTC", limit=3).text)
    assert [item.data_until for item in listed.decisions] == sorted(
        (item.data_until for item in listed.decisions), reverse=True
    )
    if newest.decision is not None:
        assert listed.decisions[0].action == newest.decision.action
    QualityList.model_validate_json(client.get("/api/v1/data-quality").text)
    for path in ("indicators", "decisions"):
        assert client.get(f"/api/v1/{path}/KRW-NO").status_code == 404


def test_the_first_answer_and_the_remembered_one_are_the_same(client: CentralClient) -> None:
    path = f"{BUNDLE}?symbol=KRW-XRP&interval=15m&since=2025-09-01T00:10:00Z"
    answers = [client.get(path) for _ in range(5)]
    assert len({answer.content for answer in answers}) == 1
    assert len({answer.headers["ETag"] for answer in answers}) == 1
    Bundle.model_validate_json(answers[-1].text)


def test_processes_share_a_limit_while_redis_is_there(
    client: CentralClient, redis: Redis, tmp_path: Path
) -> None:
    header = new_key(client, "shared")
    options = ["--database-url", f"sqlite:///{client.folder}/central.db"]
    options += ["--limit-requests", "10", "--limit-seconds", "600", "--redis-url", redis.url]
    with ExitStack() as stack:
        first, second = (
            stack.enter_context(central(tmp_path / name, *options, role="api"))
            for name in ("first", "second")
        )

        def shared() -> list[bool]:
            series = "dantaro_central_limits_shared 1.0"
            return [series in node.get("/metrics").text for node in (first, second)]

        eventually(lambda: all(shared()))
        for _ in range(8):
            assert ask(first, header).status_code == 200
        # What one counted reaches the other with its own next request, two tenths later.
        eventually(lambda: ask(second, header).status_code == 429, timeout=10)
        redis.kill()
        eventually(lambda: not any(shared()))
        other = new_key(client, "alone")
        for node in (first, second):
            assert [ask(node, other).status_code for _ in range(11)] == [200] * 10 + [429]
        redis.start()
        eventually(lambda: all(shared()))
        assert redis.url not in first.run.tail()
