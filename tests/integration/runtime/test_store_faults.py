"""A live bot whose store's file is full, locked, gone or damaged: it says so and sends nothing."""

import asyncio
import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from dantaro_crds.wire.bot_status import BotReport, EngineState
from dantaro_runtime.adapters.store.database import Database
from dantaro_runtime.errors import StoreError
from dantaro_runtime.loops.trading import TradingLoop
from tests.integration.runtime.conftest import MakeLiveRig
from tests.support.bot_rig import make_config
from tests.support.live_rig import GRID, LiveRig, assert_true
from tests.support.processes import command_path, running

pytestmark = pytest.mark.integration

_LOCK = (
    "import sqlite3, sys\n"
    "link = sqlite3.connect(sys.argv[1], isolation_level=None)\n"
    "link.execute('BEGIN IMMEDIATE')\n"
    "print('held', flush=True)\n"
    "sys.stdin.read()\n"
)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 2 MiB."""
    if os.geteuid() != 0:
        pytest.skip("mounting a small file system needs root")
    place = tmp_path / "disk"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(place)]
    if subprocess.run(mount, capture_output=True, check=False).returncode != 0:
        pytest.skip("this root may mount no file system")
    yield place
    subprocess.run(["umount", "--lazy", str(place)], check=True)


@contextmanager
def locked(file: Path) -> Iterator[None]:
    """Hold the write lock in another process."""
    command = [sys.executable, "-c", _LOCK, str(file)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdin is not None
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        yield
        holder.stdin.close()


def store_of(rig: LiveRig) -> Path:
    return Path(rig.store_url.removeprefix("sqlite:///"))


def report_of(rig: LiveRig) -> BotReport:
    assert rig.parts is not None
    return rig.parts.bot.report()


def resting(rig: LiveRig) -> list[str]:
    return sorted(row["identifier"] for row in rig.exchange.pocket().resting)


def fill(place: Path) -> Path:
    """Take all that is left of a file system."""
    filler = place / "filler"
    with filler.open("wb", buffering=0) as file, suppress(OSError):
        while True:
            file.write(b"\0" * 4096)
    return filler


def copy_store(file: Path, folder: Path) -> None:
    folder.mkdir()
    for part in ("store.db", "store.db-wal"):
        shutil.copy(file.with_name(part), folder / part)


async def killed_to(rig: LiveRig, folder: Path, *, log_size: int | None = None) -> None:
    """Kill the bot and start it on its files as they are now, the log perhaps cut."""
    copy_store(store_of(rig), folder)
    if log_size is not None:
        os.truncate(folder / "store.db-wal", log_size)
    rig.store_url = f"sqlite:///{folder / 'store.db'}"
    await rig.start(seed=3)


async def assert_sends_nothing(
    rig: LiveRig, code: str, *, prices: Sequence[int] = (3150, 3230)
) -> None:
    """Let the market ask for orders: none is sent, none is cancelled, and it says why."""
    before, posts = resting(rig), rig.exchange.pocket().posts
    await rig.walk(prices)
    filled = {row["identifier"] for row in rig.exchange.pocket().orders if row["state"] == "done"}
    assert rig.exchange.pocket().posts == posts
    assert set(before) - set(resting(rig)) <= filled
    report = report_of(rig)
    assert (report.ready.ok, report.ready.reason) == (False, code)
    assert report.engine_state is EngineState.RUNNING
    assert report.message == report.ready.message


async def assert_goes_on(rig: LiveRig, code: str) -> None:
    """It trades again without anybody's help, and its records tell of it."""
    await rig.settle()
    assert report_of(rig).ready.ok
    assert rig.rows(f"SELECT 1 FROM engine_events WHERE reason = '{code}'")
    assert len(resting(rig)) == 8
    assert_true(rig)


async def test_a_full_disk_is_waited_out(
    make_live_rig: MakeLiveRig, small_disk: Path, empty_store: Path
) -> None:
    rig = await make_live_rig()
    shutil.copy(empty_store, small_disk / "store.db")
    rig.store_url = f"sqlite:///{small_disk / 'store.db'}"
    await rig.start()
    await rig.settle()

    filler = fill(small_disk)
    await assert_sends_nothing(rig, "StoreFull")
    assert "make room" in report_of(rig).message

    filler.unlink()
    await assert_goes_on(rig, "StoreFull")


async def test_a_full_disk_makes_no_bot_spin(
    make_live_rig: MakeLiveRig, small_disk: Path, empty_store: Path
) -> None:
    rig = await make_live_rig()
    shutil.copy(empty_store, small_disk / "store.db")
    rig.store_url = f"sqlite:///{small_disk / 'store.db'}"
    parts = await rig.start()
    await rig.settle()
    fill(small_disk)
    rig.exchange.move_price(3150, market="KRW-XRP")
    loop = TradingLoop(parts.bot, clock=rig.clock, metrics=parts.metrics)

    with suppress(TimeoutError):
        async with asyncio.timeout(3):
            await loop.run()

    line = next(
        line
        for line in parts.metrics.render(parts.bot.report()).decode().splitlines()
        if "StoreFull" in line
    )
    assert 3 <= float(line.split()[-1]) <= 8


async def test_a_lock_that_another_program_holds_is_waited_out(live_rig: LiveRig) -> None:
    await live_rig.settle()
    with locked(store_of(live_rig)):
        await assert_sends_nothing(live_rig, "StoreLocked", prices=[3150])
        assert "lock" in report_of(live_rig).message
    await assert_goes_on(live_rig, "StoreLocked")


async def test_a_file_that_is_gone_stops_all_trade_until_it_is_back(live_rig: LiveRig) -> None:
    await live_rig.settle()
    file = store_of(live_rig)
    file.rename(file.with_name("elsewhere"))

    await assert_sends_nothing(live_rig, "StoreMissing")
    assert not file.exists()

    file.with_name("elsewhere").rename(file)
    await assert_goes_on(live_rig, "StoreMissing")


async def test_a_file_that_was_replaced_stops_all_trade(
    live_rig: LiveRig, empty_store: Path
) -> None:
    await live_rig.settle()
    shutil.copy(empty_store, store_of(live_rig).with_name("new"))
    store_of(live_rig).with_name("new").rename(store_of(live_rig))

    await assert_sends_nothing(live_rig, "StoreMissing")
    assert "replaced while the bot runs" in report_of(live_rig).message


async def test_what_a_log_lost_while_the_bot_ran_is_left_to_a_person_after_the_next_start(
    live_rig: LiveRig,
) -> None:
    await live_rig.settle()
    log = store_of(live_rig).with_name("store.db-wal")
    os.truncate(log, log.stat().st_size // 2)
    await live_rig.walk([3150, 3230])

    await killed_to(live_rig, live_rig.folder / "old")
    posts = live_rig.exchange.pocket().posts
    await live_rig.settle()

    assert report_of(live_rig).engine_state is EngineState.ERROR
    assert report_of(live_rig).reconciled.reason == "UnknownOwnOrder"
    assert live_rig.exchange.pocket().posts == posts


async def test_a_damaged_file_stops_all_trade(live_rig: LiveRig) -> None:
    await live_rig.walk([3150, 3230])
    await live_rig.close()
    file = store_of(live_rig)
    whole = file.read_bytes()
    with file.open("r+b") as store:
        store.seek(4096)
        store.write(b"\xa5" * (len(whole) - 4096))
    posts = live_rig.exchange.pocket().posts

    with pytest.raises(StoreError, match="bring the store back from a backup") as refused:
        await live_rig.start()
    assert refused.value.code == "StoreDamaged"
    assert live_rig.exchange.pocket().posts == posts

    file.write_bytes(whole)
    await live_rig.start()
    await live_rig.settle()
    assert_true(live_rig)


async def test_a_log_that_was_cut_before_a_start_leaves_what_is_not_known_to_a_person(
    live_rig: LiveRig,
) -> None:
    await live_rig.settle()
    await killed_to(live_rig, live_rig.folder / "old", log_size=60_000)
    posts = live_rig.exchange.pocket().posts
    assert len(live_rig.rows("SELECT 1 FROM orders")) < len(posts)

    await live_rig.settle()

    assert report_of(live_rig).engine_state is EngineState.ERROR
    assert report_of(live_rig).reconciled.reason == "UnknownOwnOrder"
    assert live_rig.exchange.pocket().posts == posts


@pytest.mark.parametrize(
    ("content", "code"), [(b"no database at all" * 300, "StoreDamaged"), (None, "StoreMissing")]
)
def test_what_cannot_be_opened_is_told_at_the_start(
    tmp_path: Path, content: bytes | None, code: str
) -> None:
    file = tmp_path / "folder" / "store.db"
    if content is not None:
        file.parent.mkdir()
        file.write_bytes(content)
    with pytest.raises(StoreError, match="bring") as refused:
        Database(f"sqlite:///{file}", token="one")
    assert refused.value.code == code


def test_a_newer_store_is_left_alone(tmp_path: Path, empty_store: Path) -> None:
    file = tmp_path / "store.db"
    shutil.copy(empty_store, file)
    with sqlite3.connect(file) as link:
        link.execute("UPDATE alembic_version SET version_num = '9999'")
    link.close()
    before = file.read_bytes()
    with pytest.raises(StoreError, match=r"found 9999 .*go on with the version"):
        Database(f"sqlite:///{file}", token="one")
    assert file.read_bytes() == before


def test_a_file_of_another_owner_is_told_at_the_start(tmp_path: Path, empty_store: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("to be another owner needs root")
    shutil.copy(empty_store, tmp_path / "store.db")
    code = (
        "import os, sys\n"
        "from dantaro_runtime.adapters.store.database import Database\n"
        "from dantaro_runtime.errors import StoreError\n"
        "Database(f'sqlite:///{sys.argv[1]}/store.db', token='loads what it needs').close()\n"
        "os.chdir(sys.argv[1])\n"
        "os.setuid(65534)\n"
        "try:\n"
        "    Database('sqlite:///store.db', token='one')\n"
        "except StoreError as error:\n"
        "    print(error.code, error.message)\n"
    )
    run = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=False
    )
    assert run.stdout.startswith(("StoreReadOnly", "StoreMissing")), run.stdout + run.stderr
    assert "the bot's user" in run.stdout


def test_a_process_that_cannot_open_its_store_says_what_to_do_and_ends(tmp_path: Path) -> None:
    (tmp_path / "store.db").write_bytes(b"no database at all" * 300)
    config = make_config(GRID).model_copy(
        update={"store_url": f"sqlite:///{tmp_path / 'store.db'}"}
    )
    (tmp_path / "config.json").write_text(config.model_dump_json(by_alias=True))
    command = [command_path("dantaro-bot"), "--config", str(tmp_path / "config.json")]

    with running(command, log=tmp_path / "log") as bot:
        assert bot.process.wait(30) == 70

    assert "file is not a database: stop the bot and bring the store back" in bot.tail()
    assert "Traceback" not in bot.tail()
