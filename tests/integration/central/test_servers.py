"""PostgreSQL under central: killed and started again, with one worker and with two."""

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import datetime, timedelta
from pathlib import Path

import httpx
import pytest
from sqlalchemy import select, text

from dantaro_central.adapters.database.engine import open_engine
from dantaro_central.adapters.database.faults import tell_faults
from dantaro_central.adapters.database.lock import worker_lock
from dantaro_central.adapters.database.migrate import migrate
from dantaro_central.adapters.database.tables import heartbeats, metadata
from dantaro_central.errors import WorkerRunningError
from dantaro_crds.kit.clock import SystemClock
from dantaro_crds.wire.bundle import CentralHealth
from dantaro_crds.wire.problem import Problem
from tests.support.candles import START, write_recording
from tests.support.central_process import CentralClient, central, central_command
from tests.support.eventually import eventually
from tests.support.postgres import Postgres
from tests.support.processes import Running, running

pytestmark = pytest.mark.integration

SYMBOLS = ("KRW-BTC", "KRW-ETH")
PATHS = (
    "/api/v1/bundle?symbol=KRW-BTC",
    "/api/v1/bundle?symbol=KRW-ETH&interval=60m",
    "/api/v1/candles/KRW-BTC?since=2025-09-01T01:00:00Z",
    "/api/v1/support-levels/KRW-ETH",
    "/api/v1/recommendations",
    "/api/v1/market-status",
    "/api/v1/markets",
    "/ready",
)
DOWN = "the database does not answer"
OF_WALL_TIME = {"heartbeats", "api_keys", "job_runs"}
HOUR = timedelta(hours=1)


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a recording of two days."""
    folder = tmp_path_factory.mktemp("servers") / "recording"
    return write_recording(folder, SYMBOLS, minutes=2 * 1440, hours=200)


@pytest.fixture(scope="module")
def undisturbed(recording: Path) -> dict[str, list[tuple[object, ...]]]:
    """Return every row that a worker leaves on SQLite when nothing happens."""
    with central(recording.parent / "undisturbed", *replay(recording)) as client:
        client.wait_until_ended()
        return contents(f"sqlite:///{client.folder}/central.db")


def replay(recording: Path, speed: str = "max") -> tuple[str, ...]:
    """Return the options of a replay."""
    return ("--source", "replay", "--folder", str(recording), "--speed", speed)


def contents(url: str) -> dict[str, list[tuple[object, ...]]]:
    """Return every row that does not depend on wall time."""
    engine = open_engine(url)
    with engine.connect() as connection:
        rows = {
            name: sorted((tuple(row) for row in connection.execute(select(table))), key=str)
            for name, table in metadata.tables.items()
            if name not in OF_WALL_TIME
        }
    engine.dispose()
    return rows


@contextmanager
def replica(folder: Path, url: str, *options: str) -> Iterator[CentralClient]:
    """Run an API with the key that all have."""
    folder.mkdir(parents=True)
    (folder / "key").write_text("the-same-key-for-every-replica-of-this-test\n")
    with central(folder, "--database-url", url, *options, role="api", is_ready=False) as client:
        client.wait_for_port()
        yield client


@contextmanager
def worker(folder: Path, url: str, *options: str) -> Iterator[Running]:
    """Run a worker that lets in the key of the replicas."""
    folder.mkdir(parents=True)
    (folder / "key").write_text("the-same-key-for-every-replica-of-this-test\n")
    command = central_command(folder, "--database-url", url, *options, role="worker")
    with running(command, log=folder / "log") as run:
        yield run


def market_time(client: CentralClient) -> datetime:
    """Return market time, the start while none is known."""
    return CentralHealth.model_validate_json(client.get("/health").text).market_time or START


@contextmanager
def asking(*clients: CentralClient) -> Iterator[Counter[tuple[int, str]]]:
    """Ask for everything again and again meanwhile; count the answers by status and code."""
    answers: Counter[tuple[int, str]] = Counter()
    is_over = threading.Event()
    faults: list[BaseException] = []

    def ask(client: CentralClient) -> None:
        headers = {"Authorization": f"Bearer {client.key}"}
        try:
            with httpx.Client(base_url=client.url, headers=headers, timeout=15) as link:
                while not is_over.is_set():
                    for path in PATHS:
                        answers[judged(link.get(path))] += 1
                    is_over.wait(0.05)
        except BaseException as error:  # noqa: BLE001  # told to the test
            faults.append(error)

    threads = [threading.Thread(target=ask, args=(client,)) for client in clients]
    for thread in threads:
        thread.start()
    try:
        yield answers
    finally:
        is_over.set()
        for thread in threads:
            thread.join()
    assert not faults, faults


def judged(answer: httpx.Response) -> tuple[int, str]:
    """Return status and code of an answer that is as promised."""
    if answer.status_code == 200:
        return 200, ""
    assert answer.status_code == 503, answer.text
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert int(answer.headers["Retry-After"]) >= 1
    return 503, Problem.model_validate_json(answer.text).code


def test_postgres_killed_twice_costs_no_row_and_no_answer_but_503(
    postgres: Postgres,
    tmp_path: Path,
    recording: Path,
    undisturbed: dict[str, list[tuple[object, ...]]],
) -> None:
    url = postgres.new_central()
    with ExitStack() as stack:
        first, second = (
            stack.enter_context(replica(tmp_path / name, url)) for name in ("first", "second")
        )
        run = stack.enter_context(worker(tmp_path / "worker", url, *replay(recording)))
        answers = stack.enter_context(asking(first, second))
        first.wait_until_ready()
        for hours in (4, 20):
            eventually(lambda h=hours: market_time(first) > START + h * HOUR)  # type: ignore[misc]
            postgres.kill()
            try:
                for client in (first, second):
                    eventually(lambda c=client: c.get("/health").json()["status"] == DOWN)  # type: ignore[misc]
            finally:
                postgres.start()
        for client in (first, second):
            client.wait_until_ended()
            client.wait_until_ready()
            assert not client.get("/health").json()["status"].startswith(DOWN)
        assert run.process.poll() is None, run.tail()
        for path in PATHS:
            assert first.get(path).content == second.get(path).content
    assert contents(url) == undisturbed
    assert answers[503, "DatabaseDown"] > 0
    assert answers[200, ""] > 100
    assert {code for status, code in answers if status == 503} <= {"DatabaseDown", "NotReady"}
    for client in (first, second):
        assert "Traceback" not in client.run.log.read_text()
    assert "Traceback" not in run.log.read_text()


def test_of_two_workers_one_works_whatever_is_killed(
    postgres: Postgres,
    tmp_path: Path,
    recording: Path,
    undisturbed: dict[str, list[tuple[object, ...]]],
) -> None:
    url = postgres.new_central()
    options = (*replay(recording, "25000"), "--standby")
    with ExitStack() as stack:
        api = stack.enter_context(replica(tmp_path / "api", url))
        runs = [
            stack.enter_context(worker(tmp_path / name, url, *options)) for name in ("w0", "w1")
        ]
        eventually(lambda: any("standing by" in run.tail() for run in runs))
        runs.sort(key=lambda run: "standing by" in run.tail())
        eventually(lambda: "market started" in runs[0].tail())
        before = market_time(api)
        postgres.kill()
        postgres.start()
        eventually(lambda: market_time(api) > before)
        if "market started" in runs[1].tail():
            # The other one was faster: the first may write no more.
            assert runs[0].process.wait(30) == 78, runs[0].tail()
            assert "found one that took it over" in runs[0].tail()
            runs[0] = runs.pop()
        while len(runs) < 2:
            runs.append(stack.enter_context(worker(tmp_path / "w2", url, *options)))
            eventually(lambda: "standing by" in runs[1].tail())
        assert "market started" not in runs[1].tail()
        runs[0].kill()
        eventually(lambda: "market started" in runs[1].tail())
        api.wait_until_ended()
        for run in runs:
            assert "Traceback" not in run.log.read_text()
    assert contents(url) == undisturbed


def end_sessions(postgres: Postgres, url: str) -> None:
    """End every session in a database, as the server does when it restarts."""
    name = url.rpartition("/")[2]
    postgres.execute(
        f"SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = '{name}'"
    )


BEAT = heartbeats.insert().values(name="worker", time="2025-09-01T00:00:00Z", message="")


async def test_a_worker_that_lost_the_database_to_another_writes_no_more(
    postgres: Postgres,
) -> None:
    url = postgres.new_central()
    async with worker_lock(url, SystemClock()) as first:
        migrate(first)
        end_sessions(postgres, url)
        async with worker_lock(url, SystemClock()) as second:
            for _ in range(2):
                with (
                    pytest.raises(WorkerRunningError, match="found one that took it over"),
                    first.begin() as connection,
                ):
                    connection.execute(BEAT)
            with second.begin() as connection:
                assert connection.execute(select(heartbeats)).all() == []
                connection.execute(BEAT)


def test_connections_that_were_lost_meanwhile_cost_no_answer(postgres: Postgres) -> None:
    url = postgres.new_central()
    engine = open_engine(url)
    tell_faults(engine)
    for _ in range(3):
        with engine.connect() as first, engine.connect() as second:
            assert first.scalar(text("SELECT 1")) == second.scalar(text("SELECT 1"))
        end_sessions(postgres, url)
    engine.dispose()


@pytest.mark.parametrize("is_known", [True, False], ids=["ended", "half-open"])
async def test_a_worker_that_lost_its_session_alone_takes_the_lock_again(
    postgres: Postgres, is_known: bool
) -> None:
    url = postgres.new_central()
    async with worker_lock(f"{url}?options=-csearch_path%3Dpublic", SystemClock()) as first:
        migrate(first)
        with ExitStack() as stack:
            if is_known:
                end_sessions(postgres, url)
            else:
                # A session that the server takes for alive and that nobody uses any more.
                lost = stack.enter_context(first.connect())
                lost.detach()
            with first.begin() as connection:
                connection.execute(BEAT)
            with pytest.raises(WorkerRunningError, match="still runs after 10 s"):
                async with worker_lock(url, QuickClock()):
                    pass
        with first.begin() as connection:
            assert connection.execute(text("SELECT count(*) FROM heartbeats")).scalar() == 1


class QuickClock(SystemClock):
    """Waits a hundredth of what it is asked to."""

    _waited = 0.0

    def monotonic(self) -> float:
        """Return seconds that were waited."""
        return self._waited

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        self._waited += seconds
        await super().sleep(seconds / 100)
