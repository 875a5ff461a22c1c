"""A live bot whose records are on PostgreSQL: kills, lost answers, a server that goes away."""

import random
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from dantaro_runtime.adapters.store.database import Database
from dantaro_runtime.errors import FencedOffError, StoreError
from tests.integration.runtime.conftest import MakeLiveRig
from tests.support.exchange.config import Rules
from tests.support.exchange.faults import FaultKind
from tests.support.live_rig import GRID, STAGED, LiveRig, assert_true, wave
from tests.support.postgres import Postgres
from tests.support.tcp_proxy import TcpProxy, tcp_proxy

pytestmark = [pytest.mark.integration, pytest.mark.parametrize("store_kind", ["postgresql"])]


_END_SESSIONS = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'"


@pytest.fixture
def proxy(postgres: Postgres) -> Iterator[TcpProxy]:
    with tcp_proxy(("127.0.0.1", postgres.port)) as proxy:
        yield proxy


def sent_once(rig: LiveRig) -> bool:
    return all(count == 1 for count in rig.exchange.pocket().posts.values())


def resting(rig: LiveRig) -> list[str]:
    return sorted(row["identifier"] for row in rig.exchange.pocket().resting)


@pytest.mark.parametrize("strategy", [GRID, STAGED], ids=["grid", "staged"])
async def test_kills_anywhere_lose_and_double_no_order(
    make_live_rig: MakeLiveRig, strategy: dict[str, Any]
) -> None:
    rig, rng = await make_live_rig(strategy), random.Random(11)

    def rearm() -> None:
        rig.die_soon(rng)

    rearm()
    rig.exchange.set_rules(Rules(partial=0.4, seed=11))
    for kind in (FaultKind.LOSE_AFTER, FaultKind.LOSE_BEFORE):
        rig.exchange.add_fault(
            kind, method="POST", path="/v1/order", count=None, probability=0.06, seed=11
        )
    await rig.walk(wave(11, 40), rearm=rearm)
    rig.exchange.clear_faults()
    await rig.start(seed=99)
    await rig.settle()

    assert rig.deaths > 20
    assert_true(rig)


@pytest.mark.parametrize("strategy", [GRID, STAGED], ids=["grid", "staged"])
async def test_lost_answers_to_commits_lose_and_double_no_record(
    make_live_rig: MakeLiveRig, postgres: Postgres, proxy: TcpProxy, strategy: dict[str, Any]
) -> None:
    rig, rng = await make_live_rig(strategy), random.Random(5)
    name = rig.store_url.rpartition("/")[2]
    rig.store_url = postgres.url(name, port=proxy.port)
    await rig.start()

    for price in wave(5, 40):
        proxy.lose_answer(b"COMMIT", after=rng.randrange(5))
        await rig.walk([price])
    proxy.lose_answer(b"")
    await rig.settle()

    assert rig.failures > 20
    assert_true(rig)
    assert sent_once(rig)
    filled = rig.rows("SELECT client_id, filled_volume::numeric FROM orders WHERE state = 'Done'")
    taken = rig.rows(
        "SELECT client_id, sum(volume::numeric) FROM fills GROUP BY client_id "
        "HAVING client_id IN (SELECT client_id FROM orders WHERE state = 'Done')"
    )
    assert sorted(filled) == sorted(taken)


async def test_a_server_that_is_away_stops_all_trade_until_it_is_back(
    live_rig: LiveRig, postgres: Postgres
) -> None:
    await live_rig.settle()
    before, posts = resting(live_rig), live_rig.exchange.pocket().posts
    assert live_rig.parts is not None

    postgres.stop()
    try:
        await live_rig.walk([3150, 3230])

        report = live_rig.parts.bot.report()
        assert (report.ready.ok, report.ready.reason) == (False, "StoreUnreachable")
        assert "goes on by itself" in report.message
        assert set(resting(live_rig)) < set(before)
        assert live_rig.exchange.pocket().posts == posts
    finally:
        postgres.start()
    await live_rig.settle()

    assert live_rig.parts.bot.report().ready.ok
    assert live_rig.rows("SELECT reason FROM engine_events WHERE reason = 'StoreUnreachable'")
    assert len(resting(live_rig)) == 8
    assert_true(live_rig)


async def test_a_server_that_takes_no_writes_is_waited_out(
    live_rig: LiveRig, postgres: Postgres
) -> None:
    await live_rig.settle()
    before, posts = resting(live_rig), live_rig.exchange.pocket().posts
    name = live_rig.store_url.rpartition("/")[2]
    assert live_rig.parts is not None

    postgres.execute(f"ALTER DATABASE {name} SET default_transaction_read_only = on")
    postgres.execute(_END_SESSIONS.format(name=name))
    await live_rig.walk([3150])

    assert live_rig.parts.bot.report().ready.reason == "StoreReadOnly"
    assert set(resting(live_rig)) <= set(before)
    assert live_rig.exchange.pocket().posts == posts

    postgres.execute(f"ALTER DATABASE {name} RESET default_transaction_read_only")
    postgres.execute(_END_SESSIONS.format(name=name))
    await live_rig.settle()

    assert live_rig.parts.bot.report().ready.ok
    assert len(resting(live_rig)) == 8
    assert_true(live_rig)


async def test_a_session_that_holds_a_lock_is_waited_out(
    live_rig: LiveRig, postgres: Postgres
) -> None:
    await live_rig.settle()
    posts = live_rig.exchange.pocket().posts
    assert live_rig.parts is not None

    with psycopg.connect(live_rig.store_url) as person:
        person.execute("LOCK TABLE fence IN ACCESS EXCLUSIVE MODE")
        live_rig.exchange.move_price(3150, market="KRW-XRP")
        await live_rig.turn()

        assert live_rig.parts.bot.report().ready.reason == "StoreLocked"
        assert live_rig.exchange.pocket().posts == posts
    await live_rig.settle()

    assert live_rig.parts.bot.report().ready.ok
    assert_true(live_rig)


async def test_two_processes_on_one_store_send_each_order_once(make_live_rig: MakeLiveRig) -> None:
    rig = await make_live_rig()
    other = rig.twin()
    await other.start(seed=2)

    await rig.settle(2)
    await other.settle()

    assert rig.fenced_off
    assert_true(other)
    assert sent_once(rig)
    await other.close()


def test_the_older_of_two_processes_can_write_nothing(postgres: Postgres, store_kind: str) -> None:
    assert store_kind == "postgresql"
    url = postgres.new_store()
    old = Database(url, token="old")
    with old.write():
        pass
    new = Database(url, token="new")
    with pytest.raises(FencedOffError), old.write():
        pass
    with new.write():
        pass
    old.close()
    new.close()


def test_an_empty_database_becomes_a_store(postgres: Postgres, store_kind: str) -> None:
    assert store_kind == "postgresql"
    database = Database(postgres.url(postgres.new_database()), token="one")
    with database.write():
        pass
    database.close()


def test_a_password_is_shown_to_nobody(postgres: Postgres, store_kind: str) -> None:
    assert store_kind == "postgresql"
    url = postgres.url("nothing").replace("dantaro@", "dantaro:secret-word@")
    with pytest.raises(StoreError, match="nothing") as refused:
        Database(url, token="one")
    assert "secret-word" not in str(refused.value)
