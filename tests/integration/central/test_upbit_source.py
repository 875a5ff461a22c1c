"""Upbit as a source, against a server on loopback that speaks its public API."""

import json
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest

from dantaro_central.adapters.sources.upbit import UpbitSource
from dantaro_central.adapters.sources.upbit_client import UpbitClient
from dantaro_central.core.candles import Candle, floor_time
from dantaro_central.core.market_clock import Market, MarketUse
from dantaro_crds.errors import (
    DantaroError,
    NotFoundError,
    RateLimitedError,
    SpecError,
    TransientError,
)
from dantaro_crds.values import Interval
from tests.support.candles import START, make_candle, simulated_hours, simulated_minutes
from tests.support.central_process import central
from tests.support.eventually import eventually
from tests.support.upbit_public import UpbitPublic, upbit_public

pytestmark = pytest.mark.integration

MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
BTC = Market(symbol="KRW-BTC", use=MarketUse.TRADED)


class SteppedClock:
    """Waits by moving on."""

    def __init__(self, now: datetime) -> None:
        self.begin = now
        self.waited: list[float] = []

    def now(self) -> datetime:
        return self.begin

    def monotonic(self) -> float:
        return sum(self.waited)

    async def sleep(self, seconds: float) -> None:
        self.waited.append(seconds)


def candles_of(minutes: list[Candle]) -> dict[tuple[str, str], list[Candle]]:
    """Return what the server has: one market with hours and days."""
    return {
        ("KRW-BTC", "minutes/1"): minutes,
        ("KRW-BTC", "minutes/60"): simulated_hours("KRW-BTC", 450),
        ("KRW-BTC", "minutes/240"): simulated_hours("KRW-BTC", 10),
        ("KRW-BTC", "days"): simulated_hours("KRW-BTC", 10),
    }


@pytest.fixture
def upbit() -> Iterator[UpbitPublic]:
    """Serve 500 minutes, of which a few had no trade, and one in progress."""
    minutes = simulated_minutes("KRW-BTC", 501)
    quiet = {0, 7, 8, 300}
    with upbit_public(candles_of([c for n, c in enumerate(minutes) if n not in quiet])) as server:
        yield server


@asynccontextmanager
async def source_of(
    upbit: UpbitPublic, *symbols: str
) -> AsyncIterator[tuple[UpbitSource, SteppedClock]]:
    """Open a source on the server."""
    clock = SteppedClock(START + timedelta(minutes=500, seconds=30))
    async with httpx.AsyncClient(base_url=upbit.url) as client:
        yield UpbitSource(UpbitClient(client, clock), symbols=symbols or ("KRW-BTC",)), clock


async def test_minutes_come_in_order_whole_and_filled(upbit: UpbitPublic) -> None:
    recorded = simulated_minutes("KRW-BTC", 500)
    async with source_of(upbit) as (source, _):
        batch = await source.fetch([BTC], after=START, until=START + 500 * MINUTE)
    fetched = batch.minutes["KRW-BTC"]
    # The first minute had no trade, and none before is known.
    assert [c.time for c in fetched] == [START + n * MINUTE for n in range(1, 500)]
    for number in (7, 8, 300):
        filled = fetched[number - 1]
        assert filled.volume == 0
        assert filled.high == filled.low == filled.close
    assert fetched[6].close == recorded[6].close
    assert fetched[8] == recorded[9]
    # 501 candles wanted: three pages.
    assert len(upbit.requests) == 3


async def test_stepping_gives_the_same_minutes(upbit: UpbitPublic) -> None:
    async with source_of(upbit) as (source, _):
        whole = await source.fetch([BTC], after=START, until=START + 400 * MINUTE)
        stepped: list[Candle] = []
        for begin in range(0, 400, 80):
            part = await source.fetch(
                [BTC], after=START + begin * MINUTE, until=START + (begin + 80) * MINUTE
            )
            stepped += part.minutes["KRW-BTC"]
    assert stepped == whole.minutes["KRW-BTC"]


async def test_a_candle_that_is_told_twice_counts_once(upbit: UpbitPublic) -> None:
    row = {
        "candle_date_time_utc": (START - 2 * HOUR).isoformat()[:19],
        "opening_price": 100,
        "high_price": 110,
        "low_price": 90,
        "trade_price": 105,
        "candle_acc_trade_volume": 1,
    }
    async with source_of(upbit) as (source, _):
        whole = await source.history(BTC, before=START - HOUR)
        # The first page of each interval.
        upbit.failures.extend([(200, json.dumps([row, row]))])
        twice = await source.history(BTC, before=START - HOUR)
    first = next(iter(whole))
    assert [c.time for c in twice[first]] == [START - 2 * HOUR]
    assert twice[Interval.D1] == whole[Interval.D1]


async def test_the_history_is_paged_and_leaves_out_what_is_in_progress(upbit: UpbitPublic) -> None:
    async with source_of(upbit) as (source, _):
        history = await source.history(BTC, before=START - HOUR)
    hours = history[Interval.M60]
    assert (hours[0].time, hours[-1].time) == (START - 450 * HOUR, START - 2 * HOUR)
    assert len(hours) == 449
    assert all(c.time + 24 * HOUR <= START - HOUR for c in history[Interval.D1])


async def test_markets_that_are_not_listed_are_told_and_the_start_is_a_full_hour(
    upbit: UpbitPublic,
) -> None:
    async with source_of(upbit, "KRW-BTC", "KRW-NO") as (source, _):
        outline = await source.prepare(None)
        again = await source.prepare(START)
    assert [(m.symbol, m.use, m.reason) for m in outline.markets] == [
        ("KRW-BTC", MarketUse.TRADED, ""),
        ("KRW-NO", MarketUse.BROKEN, "Upbit lists no market KRW-NO"),
    ]
    assert (outline.start, outline.end) == (START + 8 * HOUR, None)
    assert again.start == START


@pytest.mark.parametrize(
    ("status", "body", "want", "want_pause"),
    [
        pytest.param(429, "{}", RateLimitedError, 1, id="too-many-calls"),
        pytest.param(418, "blocked for 30 seconds", RateLimitedError, 30, id="blocked-seconds"),
        pytest.param(418, "blocked for 2 minutes", RateLimitedError, 120, id="blocked-minutes"),
        pytest.param(418, "blocked", RateLimitedError, 60, id="blocked-for-unknown-time"),
        pytest.param(500, "oops", TransientError, None, id="server-error"),
        pytest.param(503, "", TransientError, None, id="maintenance"),
        pytest.param(200, "<html>", TransientError, None, id="no-json"),
        pytest.param(200, '{"error":1}', TransientError, None, id="no-list"),
        pytest.param(200, "[1]", TransientError, None, id="no-candle"),
        pytest.param(404, "{}", NotFoundError, None, id="unknown"),
        pytest.param(400, "{}", SpecError, None, id="our-mistake"),
    ],
)
async def test_failures_become_our_errors(
    upbit: UpbitPublic,
    status: int,
    body: str,
    want: type[DantaroError],
    want_pause: int | None,
) -> None:
    upbit.failures.append((status, body))
    async with source_of(upbit) as (source, _):
        with pytest.raises(DantaroError) as caught:
            await source.candles("KRW-BTC", Interval.M1, after=START, until=START + MINUTE)
    assert type(caught.value) is want
    if want_pause is not None:
        assert isinstance(caught.value, TransientError)
        assert caught.value.retry_after == timedelta(seconds=want_pause)


async def test_a_server_that_is_gone_is_transient() -> None:
    with upbit_public({}) as upbit:
        pass
    async with source_of(upbit) as (source, _):
        with pytest.raises(TransientError, match="ConnectError"):
            await source.prepare(None)


async def test_calls_keep_a_distance_of_an_eighth_of_a_second(upbit: UpbitPublic) -> None:
    async with source_of(upbit) as (source, clock):
        for _ in range(9):
            await source.fetch([BTC], after=START, until=START + MINUTE)
    assert sum(clock.waited) == pytest.approx(1.0)


async def test_the_next_second_is_awaited_when_nothing_is_left_of_this_one(
    upbit: UpbitPublic,
) -> None:
    upbit.remaining = "group=candles; min=600; sec=0"
    async with source_of(upbit) as (source, clock):
        for _ in range(3):
            await source.fetch([BTC], after=START, until=START + MINUTE)
    assert sum(clock.waited) == pytest.approx(2.0)


def live_market(now: datetime) -> dict[tuple[str, str], list[Candle]]:
    """Return a market around the present wall time."""
    hour = floor_time(now, HOUR)
    minutes = [make_candle(hour + n * MINUTE, 1_000_000 + 1000 * n) for n in range(-5, 180)]
    hours = [make_candle(hour - n * HOUR, 900_000) for n in range(200, 0, -1)]
    return {
        ("KRW-BTC", "minutes/1"): minutes,
        ("KRW-BTC", "minutes/60"): hours,
        ("KRW-BTC", "minutes/240"): [],
        ("KRW-BTC", "days"): [],
    }


def test_a_live_central_follows_the_wall_clock_and_survives_failures(
    tmp_path: Path, wall: Callable[[], datetime]
) -> None:
    with upbit_public(live_market(wall())) as upbit:
        upbit.failures.extend([(500, "oops"), (429, "{}")])
        options = (
            "--source", "upbit", "--symbols", "KRW-BTC,KRW-NO", "--upbit-url", upbit.url
        )  # fmt: skip
        with central(tmp_path, *options, is_ready=False) as client:
            client.wait_for_port()
            eventually(lambda: "status 500" in client.get("/health").json()["status"])
            client.wait_until_ready()
            newest = eventually(lambda: client.bundle("KRW-BTC").ticker)
            page = client.bundle("KRW-BTC")
            assert (page.candles, page.source.live, page.source.ended) == ([], True, False)
            assert newest is not None
            start = client.get("/health").json()["marketStart"]

            def caught_up() -> bool:
                # A candle is taken up to 2 s after it closed; the test may cross a minute's edge.
                return wall() - client.bundle("KRW-BTC").market_time < timedelta(seconds=70)

            eventually(caught_up)
            before = datetime.fromisoformat(start) - MINUTE
            candles = client.bundle("KRW-BTC", since=before.isoformat()).candles
            assert [c.time for c in candles] == [
                before + (n + 1) * MINUTE for n in range(len(candles))
            ]
            assert client.get("/health").json()["status"] == "Upbit lists no market KRW-NO"


@pytest.fixture
def wall() -> Callable[[], datetime]:
    """Return the wall clock."""
    return lambda: datetime.now(UTC)
