"""A worker of a live source, and what a venue, a clock and a disk do to it."""

import asyncio
from collections.abc import Iterator
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy import event

from dantaro_central.adapters.database.live_store import SqlWishStore
from dantaro_central.core.market_clock import MarketUse
from dantaro_central.errors import DatabaseDownError
from dantaro_central.live_ports import Prunable
from dantaro_central.services.candle_care import QualityService, RetentionService
from dantaro_crds.errors import RateLimitedError, TransientError
from dantaro_crds.values import Interval
from tests.support.candles import START
from tests.support.live_worker import LiveWorker, http_date, live_worker, venue_candles
from tests.support.upbit_public import UpbitPublic, upbit_public

pytestmark = pytest.mark.integration

MINUTE = timedelta(minutes=1)
TABLES = ("candles", "analyses", "market_status", "markets", "tickers", "indicators")


@pytest.fixture
def upbit() -> Iterator[UpbitPublic]:
    """Serve two markets to trade and two others."""
    with upbit_public(venue_candles(2, 2)) as server:
        yield server


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> list[object]:
    """Return all rows after a quarter of an hour without any fault."""

    async def run(upbit: UpbitPublic) -> list[object]:
        async with live_worker(tmp_path_factory.mktemp("undisturbed"), upbit) as worker:
            await worker.collection.start()
            await go_on(worker)
            return [worker.rows(table) for table in TABLES]

    with upbit_public(venue_candles(2, 2)) as server:
        return asyncio.run(run(server))


async def go_on(worker: LiveWorker) -> None:
    """Take in every market, then a quarter of an hour."""
    await worker.admit_all()
    await worker.go_to(5)
    await worker.go_to(15)


FAULTS = [
    pytest.param("candles/minutes/1", (429, "{}"), id="too-many-calls"),
    pytest.param("candles/minutes/1", (418, "blocked for 30 seconds"), id="blocked"),
    pytest.param("candles/minutes/1", (502, ""), id="server-error"),
    pytest.param("candles/minutes/1", (503, "<html>maintenance</html>"), id="maintenance"),
    pytest.param("candles/minutes/1", (200, "<html>maintenance</html>"), id="page-for-data"),
    pytest.param("candles/minutes/1", (200, '[{"market":'), id="half-an-answer"),
    pytest.param("candles/minutes/1", (200, '[{"market":"KRW-T0"}]'), id="fields-missing"),
    pytest.param("candles/minutes/60", (500, "oops"), id="no-history"),
    pytest.param("candles/days", (200, "null"), id="null-for-days"),
]


@pytest.mark.parametrize(("path", "answer"), FAULTS)
async def test_what_a_fault_leaves_equals_an_undisturbed_run(
    tmp_path: Path,
    upbit: UpbitPublic,
    undisturbed: list[object],
    path: str,
    answer: tuple[int, str],
) -> None:
    async with live_worker(tmp_path, upbit) as worker:
        await worker.collection.start()
        upbit.broken[path] = answer
        with pytest.raises(TransientError):
            await go_on(worker)
        worker.clock.waited += 60
        upbit.broken.clear()
        await go_on(worker)
        assert [worker.rows(table) for table in TABLES] == undisturbed


async def test_rows_in_the_wrong_order_and_told_twice_change_nothing(
    tmp_path: Path, upbit: UpbitPublic, undisturbed: list[object]
) -> None:
    upbit.is_shuffled = True
    async with live_worker(tmp_path, upbit) as worker:
        await worker.collection.start()
        await go_on(worker)
        assert [worker.rows(table) for table in TABLES] == undisturbed
        assert worker.source.duplicates["KRW-T0", Interval.M60] >= 250


async def test_a_block_stops_every_call_until_it_ends(tmp_path: Path, upbit: UpbitPublic) -> None:
    async with live_worker(tmp_path, upbit) as worker:
        await worker.collection.start()
        upbit.failures.append((418, "blocked for 2 minutes"))
        with pytest.raises(RateLimitedError):
            await worker.go_to(1)
        sent = len(upbit.requests)
        for _ in range(3):
            with pytest.raises(RateLimitedError, match="blocked this address for another 120 s"):
                await worker.collection.fetch_prices()
        assert len(upbit.requests) == sent
        worker.clock.waited += 120
        await worker.go_to(1)


async def test_a_pause_that_is_asked_for_is_kept(tmp_path: Path, upbit: UpbitPublic) -> None:
    async with live_worker(tmp_path, upbit) as worker:
        await worker.collection.start()
        upbit.headers = {"Retry-After": "7"}
        upbit.failures.append((429, "{}"))
        with pytest.raises(RateLimitedError) as caught:
            await worker.go_to(1)
        assert caught.value.retry_after == timedelta(seconds=7)
        upbit.headers = {}
        before = worker.clock.waited
        await worker.go_to(1)
        assert worker.clock.waited - before >= 7


async def test_markets_that_vanish_and_appear_are_taken_note_of(
    tmp_path: Path, upbit: UpbitPublic
) -> None:
    async with live_worker(tmp_path, upbit, traded=("KRW-T0", "KRW-T1")) as worker:
        await worker.collection.start()
        await worker.admit_all()
        listed = upbit.markets
        gone = {key: told for key, told in listed.items() if key[0] != "KRW-T1"}
        upbit.markets = gone | {
            ("KRW-NEW", path): told for (name, path), told in listed.items() if name == "KRW-A0"
        }
        await worker.go_to(5)
        assert await worker.collection.list_again() == (1, 1)
        assert worker.collection.problems == ["history: 3 of 4 markets"]
        await worker.admit_all()
        await worker.go_to(10)
        markets = worker.store.load_markets()
        assert {name: m.use for name, m in markets.items()} == {
            "KRW-A0": MarketUse.ANALYSED,
            "KRW-A1": MarketUse.ANALYSED,
            "KRW-NEW": MarketUse.ANALYSED,
            "KRW-T0": MarketUse.TRADED,
            "KRW-T1": MarketUse.UNUSED,
        }
        assert markets["KRW-T1"].reason == "the venue lists KRW-T1 no longer"


async def test_a_list_of_hardly_any_market_is_not_believed(
    tmp_path: Path, upbit: UpbitPublic
) -> None:
    async with live_worker(tmp_path, upbit) as worker:
        await worker.collection.start()
        await worker.admit_all()
        upbit.broken["market/all"] = (200, '[{"market":"KRW-T0"}]')
        with pytest.raises(TransientError, match="is not believed"):
            await worker.collection.list_again()


async def test_what_a_bot_asks_for_gets_minutes(tmp_path: Path, upbit: UpbitPublic) -> None:
    upbit.markets = venue_candles(1, 2, hours=2250)
    async with live_worker(tmp_path, upbit) as worker:
        await worker.collection.start()
        await worker.admit_all()
        await worker.go_to(70)
        SqlWishStore(worker.engine).save_wish("KRW-A1", worker.clock.now())
        sent = len(upbit.requests)
        assert await worker.collection.take_up_wishes() == 1
        # The hour that closed since, the minutes of this hour, and those of 5, 15 and 30 minutes:
        # the long history is there already.
        assert len(upbit.requests) - sent == 5
        await worker.go_to(75)
        minutes = worker.store.load_candles("KRW-A1", Interval.M1, since=START)
        assert [c.time for c in minutes] == [START + n * MINUTE for n in range(60, 75)]
        assert worker.store.load_markets()["KRW-A1"].use is MarketUse.TRADED
        assert await worker.collection.take_up_wishes() == 0


async def test_one_call_tells_all_prices_and_the_books_of_the_traded(
    tmp_path: Path, upbit: UpbitPublic
) -> None:
    async with live_worker(tmp_path, upbit, traded=("KRW-T0", "KRW-T1")) as worker:
        await worker.collection.start()
        await worker.admit_all()
        await worker.go_to(6)
        sent = len(upbit.requests)
        assert await worker.collection.fetch_prices() == 4
        assert len(upbit.requests) - sent == 2
        assert [row[0] for row in worker.rows("order_books")] == ["KRW-T0", "KRW-T1"]
        told = worker.rows("tickers", "symbol = 'KRW-A0'")
        assert len(told) == 1
        await worker.go_to(10)
        assert worker.rows("tickers", "symbol = 'KRW-A0'") == told


async def test_without_a_traded_market_the_first_wish_begins(
    tmp_path: Path, upbit: UpbitPublic
) -> None:
    async with live_worker(tmp_path, upbit, traded=()) as worker:
        await worker.collection.start()
        await worker.go_to(7)
        SqlWishStore(worker.engine).save_wish("KRW-A0", worker.clock.now())
        await worker.admit_all()
        assert await worker.collection.take_up_wishes() == 1
        await worker.go_to(9)
        assert len(worker.rows("candles", "interval = '1m' AND symbol = 'KRW-A0'")) == 9
        uses = {market.use for market in worker.store.load_markets().values()}
        assert uses == {MarketUse.ANALYSED, MarketUse.TRADED}


async def test_a_long_outage_is_caught_up_by_whole_pages(
    tmp_path: Path, upbit: UpbitPublic
) -> None:
    async with live_worker(tmp_path, upbit, traded=("KRW-T0", "KRW-T1")) as worker:
        await worker.collection.start()
        await worker.admit_all()
        await worker.go_to(5)
        sent, waited = len(upbit.requests), worker.clock.waited
        await worker.go_to(485)
        calls = len(upbit.requests) - sent
        assert calls == 2 * 3
        assert worker.clock.waited - waited >= (calls - 1) / 8
        assert len(worker.rows("candles", "interval = '1m'")) == 2 * 485
        sent = len(upbit.requests)
        assert await worker.collection.fetch_hours() == 2 * 8
        assert len(upbit.requests) - sent == 2


async def test_a_candle_that_came_late_is_read_again(tmp_path: Path, upbit: UpbitPublic) -> None:
    async with live_worker(tmp_path / "late", upbit) as worker:
        await worker.collection.start()
        minutes = upbit.markets["KRW-T0", "minutes/1"]
        late = minutes.pop(7)
        await worker.go_to(65)
        filler = worker.store.load_candles("KRW-T0", Interval.M1, since=START)[7]
        assert filler.time == late.time
        assert filler.volume == 0
        minutes.insert(7, late)
        assert await worker.collection.read_again() == 1
        assert await worker.collection.read_again() == 0
        got = worker.rows("candles", "symbol = 'KRW-T0'")
    async with live_worker(tmp_path / "whole", upbit) as worker:
        await worker.collection.start()
        await worker.go_to(65)
        assert worker.rows("candles", "symbol = 'KRW-T0'") == got


async def test_a_market_that_fell_silent_is_analysed_no_more(
    tmp_path: Path, upbit: UpbitPublic
) -> None:
    whole = upbit.markets["KRW-T1", "minutes/1"]
    async with live_worker(tmp_path, upbit, traded=("KRW-T0", "KRW-T1")) as worker:
        await worker.collection.start()
        await worker.admit_all()
        upbit.markets["KRW-T1", "minutes/1"] = whole[:20]
        await worker.go_to(370)
        await worker.collection.fetch_hours()
        await worker.go_to(371)
        assert worker.collection.problems == []
        for minute in range(375, 396, 5):
            await worker.go_to(minute)
        (problem,) = worker.collection.problems
        assert problem.startswith("market KRW-T1 is not analysed: its last trade is of 2025-09-01T")
        newest = "data_until > '2025-09-01T06:26:00Z'"
        assert {row[0] for row in worker.rows("analyses", newest)} == {
            "KRW-A0", "KRW-A1", "KRW-T0"
        }  # fmt: skip
        report = QualityService(worker.collection, worker.source, worker.store, worker.clock)
        assert await report.report() == 2
        stale = {(row[0], row[1]): row[6] for row in worker.rows("data_quality")}
        assert stale["KRW-T1", "1m"] == 375
        assert stale["KRW-T0", "1m"] == 0
        upbit.markets["KRW-T1", "minutes/1"] = whole
        await worker.go_to(400)
        assert worker.collection.problems == []
        await worker.go_to(405)
        assert ("KRW-T1",) in {
            row[:1] for row in worker.rows("analyses", "data_until > '2025-09-01T06:41'")
        }


async def test_a_clock_ahead_of_the_venue_makes_no_minutes_up(
    tmp_path: Path, upbit: UpbitPublic
) -> None:
    async with live_worker(tmp_path, upbit) as worker:
        await worker.collection.start()
        await worker.admit_all()
        await worker.go_to(5)
        upbit.until = START + 6 * MINUTE
        upbit.headers = {"Date": http_date(START + 6 * MINUTE + timedelta(seconds=5))}
        with pytest.raises(TransientError, match="set this machine's clock"):
            await worker.go_to(66)
        assert worker.source.now() == START + 6 * MINUTE + timedelta(seconds=5)
        assert worker.collection.problems == [
            "this machine's clock is 3600 s ahead of Upbit's, which is followed: set it"
        ]
        await worker.collection.advance(START + 6 * MINUTE)
        assert len(worker.rows("candles", "interval = '1m'")) == 6


async def test_a_clock_that_goes_back_an_hour_stores_nothing_twice(
    tmp_path: Path, upbit: UpbitPublic
) -> None:
    async with live_worker(tmp_path, upbit) as worker:
        await worker.collection.start()
        await worker.go_to(90)
        before, sent = worker.rows("candles"), len(upbit.requests)
        await worker.collection.advance(START + 30 * MINUTE)
        assert (worker.rows("candles"), len(upbit.requests)) == (before, sent)
        await worker.go_to(91)
        assert len(worker.rows("candles", "interval = '1m'")) == 91


async def test_a_full_disk_is_told_and_gone_through(
    tmp_path: Path, upbit: UpbitPublic, undisturbed: list[object]
) -> None:
    async with live_worker(tmp_path, upbit) as worker:
        await worker.collection.start()
        await worker.admit_all()
        await worker.go_to(5)
        limit = ["PRAGMA max_page_count = 1"]

        def confine(connection: object, _: object) -> None:
            connection.execute(limit[0]).close()  # type: ignore[attr-defined]

        event.listen(worker.engine, "connect", confine)
        worker.engine.dispose()
        for _ in range(2):
            with pytest.raises(DatabaseDownError, match="full"):
                await worker.go_to(15)
        limit[0] = "PRAGMA max_page_count = 1000000"
        worker.engine.dispose()
        await worker.go_to(15)
        assert [worker.rows(table) for table in TABLES] == undisturbed


async def test_what_is_old_is_forgotten_and_the_newest_stays(
    tmp_path: Path, upbit: UpbitPublic
) -> None:
    async with live_worker(tmp_path, upbit) as worker:
        await worker.collection.start()
        await worker.admit_all()
        await worker.go_to(120)
        minutes = {"symbol": "KRW-T0", "interval": "1m"}
        before = START + 60 * MINUTE
        keep = RetentionService(
            worker.collection, worker.store, worker.clock, minutes_kept=timedelta(hours=1)
        )
        # A restart needs more minutes than there are.
        assert await keep.forget() == 0
        prune = partial(worker.store.prune, Prunable.CANDLES, before=before, key=minutes)
        assert [prune(limit=9, keep=119), prune(limit=9, keep=90), prune(limit=9, keep=90)] == [
            1,
            9,
            9,
        ]
        assert prune(limit=99, keep=1) == 41
        left = worker.store.load_candles("KRW-T0", Interval.M1, since=START)
        assert [left[0].time, left[-1].time] == [before, START + 119 * MINUTE]
        assert await keep.forget() == 0
        assert worker.rows("analyses") != []
