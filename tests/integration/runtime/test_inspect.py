"""`dantaro-bot inspect` on stores that real bots wrote, also while they write."""

import asyncio
import csv
import io
import json
import sqlite3
import subprocess
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from dantaro_runtime.commands.inspect import inspect
from tests.integration.runtime.conftest import MakeRig
from tests.integration.runtime.test_positions import TellingCentral, walk
from tests.support.bot_rig import BotRig, candle, make_config
from tests.support.live_rig import LiveRig, wave
from tests.support.processes import command_path

pytestmark = pytest.mark.integration

STRATEGY = {"signal": {"takeProfitPercent": "0.5"}}


@pytest.fixture
def rig(make_rig: MakeRig) -> BotRig:
    """A bot that traded over a change of the trading day, and keeps its store open."""
    late = [candle(minute, "3240 3240 3240 3240") for minute in (899, 901, 960, 961)]
    candles = [*walk(160), *late]
    rig = make_rig(make_config(STRATEGY, kind="TradingBot", reset="1"), candles)
    rig.central = TellingCentral(candles=candles)
    return rig


def show(store: str, *arguments: str) -> str:
    out = io.StringIO()
    assert inspect(["--store", store, *arguments], out) == 0
    return out.getvalue()


def objects(store: str, *arguments: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in show(store, "-o", "json", *arguments).splitlines()]


async def ran(rig: BotRig) -> BotRig:
    rig.start()
    await rig.run()
    return rig


@pytest.mark.parametrize("store_kind", ["sqlite", "postgresql"])
async def test_it_shows_every_record_as_it_is_stored_the_newest_last(rig: BotRig) -> None:
    await ran(rig)
    for name, table, columns in (
        ("orders", "orders", ("ts", "client_id", "price", "volume", "fee", "state")),
        ("fills", "fills", ("ts", "client_id", "trade_id", "price", "volume", "fee")),
        ("decisions", "decisions", ("ts", "decision", "reason", "inputs")),
        ("signals", "signals", ("ts", "market", "signal", "score", "meta")),
        ("events", "engine_events", ("ts", "level", "reason", "message")),
    ):
        stored = rig.rows(f"SELECT {', '.join(columns)} FROM {table} ORDER BY id")
        assert stored
        found = objects(rig.store_url, name, "--limit", "0")
        assert [tuple(row[column] for column in columns) for row in found] == stored
        lines = show(rig.store_url, name, "--limit", "0").splitlines()
        assert len(lines) == len(stored) + 1
        assert lines[-1].startswith(stored[-1][0])


async def test_a_table_is_aligned_and_csv_holds_the_same_money(rig: BotRig) -> None:
    await ran(rig)
    head, *lines = show(rig.store_url, "fills").splitlines()
    sheet = list(csv.DictReader(io.StringIO(show(rig.store_url, "fills", "-o", "csv"))))
    assert [row["fee"] for row in sheet] == [fee for (fee,) in rig.rows("SELECT fee FROM fills")]
    end = head.index("PRICE") + len("PRICE")
    assert [line[:end].split()[-1] for line in lines] == [row["price"] for row in sheet]
    assert {row["market"] for row in sheet} == {"KRW-XRP"}


async def test_pnl_adds_up_to_the_ledger(rig: BotRig) -> None:
    await ran(rig)
    assert rig.parts is not None
    days = objects(rig.store_url, "pnl")
    assert [day["date"] for day in days] == ["2026-01-01", "2026-01-02"]
    for day in days:
        assert Decimal(day["start"]) + Decimal(day["change"]) == Decimal(day["end"])
    ledger, book = rig.parts.desk.desk.ledger, rig.parts.desk.book
    assert sum(Decimal(day["fees"]) for day in days) == ledger.fees
    assert sum(Decimal(day["realized"]) for day in days) == book.realized
    total = show(rig.store_url, "pnl").splitlines()[-1].split()
    assert total[:3] == ["total", days[0]["start"], days[-1]["end"]]
    assert Decimal(total[-1]) == ledger.fees


async def test_records_are_chosen_by_number_time_and_market(rig: BotRig) -> None:
    await ran(rig)
    fills = objects(rig.store_url, "fills")
    assert objects(rig.store_url, "fills", "--limit", "2") == fills[-2:]
    assert objects(rig.store_url, "fills", "--since", fills[3]["ts"]) == fills[3:]
    assert objects(rig.store_url, "fills", "--symbol", "KRW-XRP") == fills
    assert objects(rig.store_url, "orders", "--symbol", "KRW-BTC") == []
    assert show(rig.store_url, "orders", "--symbol", "KRW-BTC") == "no orders\n"
    assert [d["date"] for d in objects(rig.store_url, "pnl", "--since", "2026-01-02")] == [
        "2026-01-02"
    ]


async def test_it_reads_while_the_bot_writes_and_disturbs_nothing(rig: BotRig) -> None:
    rig.start()
    seen: list[int] = []

    async def look() -> None:
        while True:
            fills = await asyncio.to_thread(objects, rig.store_url, "fills", "--limit", "0")
            orders = await asyncio.to_thread(objects, rig.store_url, "orders", "--limit", "0")
            assert {f["client_id"] for f in fills} <= {o["client_id"] for o in orders}
            seen.append(len(fills))

    looking = asyncio.create_task(look())
    await rig.run()
    looking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await looking
    assert seen == sorted(seen)
    assert len(seen) > 1
    assert len(rig.rows("SELECT 1 FROM fills")) >= 6


async def test_it_leaves_the_store_of_a_bot_that_ended_as_it_was(rig: BotRig) -> None:
    await ran(rig)
    rig.close()
    before = {path.name: path.read_bytes() for path in rig.folder.iterdir()}
    assert objects(rig.store_url, "orders")
    assert objects(str(rig.folder / "store.db"), "pnl")
    assert {path.name: path.read_bytes() for path in rig.folder.iterdir()} == before


async def test_it_shows_a_live_bots_orders_as_the_exchange_has_them(live_rig: LiveRig) -> None:
    await live_rig.walk(wave(1, 20))
    await live_rig.settle()
    shown = {row["client_id"]: row for row in objects(live_rig.store_url, "orders", "--limit", "0")}
    for order in live_rig.exchange.pocket().orders:
        row = shown[order["identifier"]]
        assert Decimal(row["filled_volume"]) == Decimal(order["executed_volume"])
        assert (
            row["state"] == {"wait": "Open", "done": "Done", "cancel": "Cancelled"}[order["state"]]
        )


@pytest.mark.parametrize(
    ("make", "message"),
    [
        pytest.param(None, "expected a bot's store, found no file", id="missing"),
        pytest.param("text", "expected a bot's store, found something else", id="text"),
        pytest.param("CREATE TABLE t (a)", "found something else", id="other-database"),
        pytest.param(
            "UPDATE alembic_version SET version_num = '0000'",
            "found 0000 in {file}: start its bot once with this version",
            id="older",
        ),
        pytest.param(
            "UPDATE alembic_version SET version_num = '9999'",
            "found 9999 in {file}: use the version of dantaro-bot that runs its bot",
            id="newer",
        ),
    ],
)
def test_what_is_no_store_of_this_version_is_told_and_left_alone(
    make: str | None,
    message: str,
    tmp_path: Path,
    empty_store: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    file = tmp_path / "store.db"
    if make == "text":
        file.write_text("a text\n" * 99)
    elif make is not None:
        if make.startswith("UPDATE"):
            file.write_bytes(empty_store.read_bytes())
        with sqlite3.connect(file) as link:
            link.execute(make)
        link.close()
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}

    assert inspect(["--store", str(file), "orders"]) == 1

    assert message.format(file=file) in capsys.readouterr().err
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--since", "yesterday", "orders"], "expected a day such as 2026-01-31"),
        (["--limit", "-1", "orders"], "expected a number from 0 on, found '-1'"),
        (["--symbol", "KRW-BTC", "pnl"], "pnl are of the whole bot"),
        (["cakes"], "invalid choice: 'cakes'"),
    ],
)
def test_a_wrong_command_line_is_told(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        inspect(["--store", "store.db", *arguments])
    assert ended.value.code == 2
    assert message in capsys.readouterr().err


def test_a_server_that_is_not_there_is_told_without_the_password(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert inspect(["--store", "postgresql://me:secret-word@127.0.0.1:1/none", "orders"]) == 1
    told = capsys.readouterr().err
    assert "see that its server runs, answers, and knows this user" in told
    assert "secret-word" not in told


def test_a_configuration_that_cannot_be_read_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert inspect(["--config", str(tmp_path / "config.json"), "orders"]) == 1
    assert "config.json cannot be read: No such file" in capsys.readouterr().err


async def test_the_command_shows_records_and_helps(rig: BotRig) -> None:
    await ran(rig)
    program, config = command_path("dantaro-bot"), rig.folder / "config.json"
    told = rig.config.model_copy(update={"store_url": rig.store_url})
    config.write_text(told.model_dump_json(by_alias=True))
    for arguments, word in (
        (["--store", rig.store_url, "orders"], "CLIENT_ID"),
        (["--config", str(config), "fills"], "TRADE_ID"),
        (["--help"], "examples:"),
    ):
        run = await asyncio.to_thread(
            subprocess.run,
            [program, "inspect", *arguments],
            capture_output=True,
            text=True,
            check=False,
            timeout=30,
        )
        assert (run.returncode, run.stderr) == (0, "")
        assert word in run.stdout
