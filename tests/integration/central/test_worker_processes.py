"""Workers of a live source as real processes: killed, doubled, asked for more, filled by hand."""

import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from dantaro_central.core.candles import Candle, floor_time
from tests.support.candles import make_candle, simulated_hours, simulated_minutes
from tests.support.central_process import central, central_command
from tests.support.eventually import eventually
from tests.support.processes import command_path, running
from tests.support.upbit_public import UpbitPublic, upbit_public

pytestmark = pytest.mark.integration

MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
TRADED = ("KRW-T0", "KRW-T1")
ANALYSED = tuple(f"KRW-A{n}" for n in range(8))


def around(now: datetime) -> dict[tuple[str, str], list[Candle]]:
    """Return what a venue has of all markets around the present wall time."""
    hour = floor_time(now, HOUR)
    minutes = simulated_minutes("KRW-BTC", 330, start=hour - 90 * MINUTE)
    hours = simulated_hours("KRW-BTC", 250, until=hour)
    days = [make_candle(floor_time(now, 24 * HOUR) - n * 24 * HOUR) for n in range(9, 0, -1)]
    told: dict[tuple[str, str], list[Candle]] = {}
    for symbol in TRADED + ANALYSED:
        told |= {(symbol, "minutes/1"): minutes, (symbol, "minutes/60"): hours}
        told[symbol, "days"] = days
    return told


@pytest.fixture
def upbit() -> Iterator[UpbitPublic]:
    """Serve ten markets."""
    with upbit_public(around(datetime.now(UTC))) as server:
        yield server


def live(upbit: UpbitPublic, *more: str) -> tuple[str, ...]:
    """Return the options of a worker that trades two markets and looks at all."""
    return (
        "--source", "upbit", "--traded", ",".join(TRADED), "--upbit-url", upbit.url,
        "--upbit-calls-per-second", "1000", *more,
    )  # fmt: skip


def rows(folder: Path, query: str) -> list[tuple[object, ...]]:
    """Return what a database holds."""
    with closing(sqlite3.connect(folder / "central.db")) as database:
        return list(database.execute(query))


def test_bots_begin_while_the_history_comes_and_get_what_they_ask_for(
    tmp_path: Path, upbit: UpbitPublic
) -> None:
    upbit.pause = 0.1
    with central(tmp_path, *live(upbit)) as client:
        assert client.bundle("KRW-T0").source.live
        eventually(lambda: " of 10 markets" in client.get("/health").json()["status"])
        waiting = client.get("/api/v1/bundle", symbol="KRW-A7")
        assert (waiting.status_code, waiting.json()["code"]) == (503, "NotReady")
        upbit.pause = 0.0
        eventually(lambda: client.get("/api/v1/bundle", symbol="KRW-A7").status_code == 200)
        eventually(lambda: client.get("/health").json()["status"] == "ok")
        uses = {m["symbol"]: m["use"] for m in client.get("/api/v1/markets").json()["markets"]}
        assert {name for name, use in uses.items() if use == "Traded"} == {*TRADED, "KRW-A7"}
        assert len(uses) == 10
        eventually(lambda: rows(tmp_path, "SELECT * FROM job_runs WHERE job = 'deep'"))
        eventually(lambda: len(rows(tmp_path, "SELECT * FROM order_books")) >= 2)
        found = rows(tmp_path, "SELECT job, outcome FROM job_runs")
        jobs = {str(job): outcome for job, outcome in found}
        assert (jobs["start"], jobs["deep"]) == ("Succeeded", "Succeeded")
        metrics = client.get("/metrics").text
        assert 'scheduler_job_success_total{job="deep"} 1.0' in metrics
        quality = subprocess.run(
            [
                command_path("dantaro-central"), "quality",
                "--database-url", f"sqlite:///{tmp_path}/central.db",
            ],
            capture_output=True, text=True, check=True, timeout=30,
        )  # fmt: skip
        assert quality.stdout.splitlines()[1].split()[:2] == ["KRW-A0", "60m"]


def test_kill_minus_nine_at_any_time_leaves_the_candles_of_an_undisturbed_run(
    tmp_path: Path, upbit: UpbitPublic
) -> None:
    begin = floor_time(datetime.now(UTC), HOUR)
    query = (
        "SELECT * FROM candles WHERE interval IN ('60m', '240m', '1d') AND time < "
        f"'{begin.isoformat()[:19]}Z' ORDER BY symbol, interval, time"
    )

    def is_whole(folder: Path) -> bool:
        used = rows(folder, "SELECT * FROM markets WHERE use IN ('Traded', 'Analysed')")
        return len(used) == len(TRADED + ANALYSED)

    with central(tmp_path / "undisturbed", *live(upbit)):
        eventually(lambda: is_whole(tmp_path / "undisturbed"))
    folder = tmp_path / "killed"
    for calls in (3, 16):
        upbit.pause, before = 0.03, len(upbit.requests)
        with central(folder, *live(upbit), is_ready=False) as client:
            eventually(lambda n=before + calls: len(upbit.requests) >= n)  # type: ignore[misc]
            client.run.kill()
    upbit.pause = 0.0
    with central(folder, *live(upbit)):
        eventually(lambda: is_whole(folder))
    want = rows(tmp_path / "undisturbed", query)
    assert len(want) > 2500
    assert rows(folder, query) == want


def test_a_standby_takes_over_from_a_worker_that_was_killed(
    tmp_path: Path, upbit: UpbitPublic
) -> None:
    command = central_command(tmp_path, *live(upbit, "--standby"), role="worker")
    with running(command, log=tmp_path / "first") as first:
        eventually(lambda: "market started" in first.tail())
        with running(command, log=tmp_path / "second") as second:
            eventually(lambda: "standing by" in second.tail())
            assert "market started" not in second.tail()
            first.kill()
            eventually(lambda: "market started" in second.tail())
            assert second.stop() == 0


def test_a_backfill_goes_on_where_it_was_and_asks_for_nothing_twice(
    tmp_path: Path, upbit: UpbitPublic
) -> None:
    command = [
        command_path("dantaro-central"), "backfill", "--symbol", "KRW-T0,KRW-A0", "--days", "10",
        "--database-url", f"sqlite:///{tmp_path}/central.db", "--upbit-url", upbit.url,
    ]  # fmt: skip
    upbit.failures.append((503, "<html>"))
    first = subprocess.run(command, capture_output=True, text=True, check=False, timeout=50)
    assert (first.returncode, first.stderr) == (0, "")
    assert "KRW-A0 60m: page 2 of 2" in first.stdout
    assert rows(tmp_path, "SELECT symbol, count(*) FROM candles GROUP BY symbol") == [
        ("KRW-A0", 240),
        ("KRW-T0", 240),
    ]
    sent = len(upbit.requests)
    again = subprocess.run(command, capture_output=True, text=True, check=False, timeout=50)
    assert (again.returncode, len(upbit.requests)) == (0, sent)
    unknown = subprocess.run(
        [*command, "--symbol", "KRW-NO"], capture_output=True, text=True, check=False, timeout=50
    )
    assert unknown.returncode == 78
    assert "KRW-NO: Upbit candles/minutes/60: found status 404" in unknown.stderr


def test_migrate_prepares_a_database_and_ends(tmp_path: Path) -> None:
    command = [
        command_path("dantaro-central"), "migrate",
        "--database-url", f"sqlite:///{tmp_path}/central.db",
    ]  # fmt: skip
    for _ in range(2):
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=30)
        assert (done.returncode, done.stdout) == (0, "the database is prepared: schema 0003\n")
    assert ("job_runs",) in rows(tmp_path, "SELECT name FROM sqlite_master")
