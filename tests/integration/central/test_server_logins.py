"""Redis that is killed or hangs holds nobody up; passwords of servers and keys are told nowhere."""

import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest

from dantaro_central.cli import main
from tests.support.candles import write_recording
from tests.support.central_process import CentralClient, central, central_command
from tests.support.eventually import eventually
from tests.support.postgres import Postgres
from tests.support.processes import command_path, running
from tests.support.redis import MissingToolError, Redis, running_redis

pytestmark = pytest.mark.integration

REDIS_PASSWORD = "pw-of-redis-9e1c"
POSTGRES_PASSWORD = "pw-of-postgres-77d0"
BUNDLE = "/api/v1/bundle?symbol=KRW-BTC"
SHARED = "dantaro_central_limits_shared 1.0"


@pytest.fixture(scope="module")
def redis() -> Iterator[Redis]:
    try:
        with running_redis(password=REDIS_PASSWORD) as server:
            yield server
    except MissingToolError as error:
        pytest.skip(str(error))


def seconds_of_requests(client: CentralClient, key: str, count: int) -> float:
    """Send limited requests one after another; return the mean time of one."""
    headers = {"Authorization": f"Bearer {key}"}
    with httpx.Client(base_url=client.url, headers=headers, timeout=15) as link:
        began = time.monotonic()
        for _ in range(count):
            assert link.get(BUNDLE).status_code == 200
        return (time.monotonic() - began) / count


def test_no_request_waits_for_redis_and_nothing_tells_a_password_or_key(
    postgres: Postgres, redis: Redis, tmp_path: Path
) -> None:
    recording = write_recording(tmp_path / "recording", ["KRW-BTC"], minutes=30)
    url = postgres.new_central().replace("dantaro@", f"dantaro:{POSTGRES_PASSWORD}@")
    options = ("--database-url", url, "--log-level", "DEBUG")
    replay = ("--source", "replay", "--folder", str(recording), "--speed", "max")
    told: list[str] = []
    with ExitStack() as stack:
        command = central_command(tmp_path, *options, *replay, role="worker")
        stack.enter_context(running(command, log=tmp_path / "worker-log"))
        api = stack.enter_context(central(tmp_path, *options, "--redis-url", redis.url, role="api"))
        make = [command_path("dantaro-central"), "keys", "create", "bots", "--database-url", url]
        key = subprocess.run(make, capture_output=True, text=True, check=True).stdout.strip()
        limited = {"Authorization": f"Bearer {key}"}
        eventually(lambda: api.get(BUNDLE, headers=limited).status_code == 200)

        def is_shared() -> bool:
            return SHARED in api.get("/metrics").text

        def look() -> None:
            paths = ("/health", "/ready", "/metrics", BUNDLE, "/api/v1/bundle?symbol=KRW-NO")
            for answer in [api.get(path) for path in paths] + [
                api.get(BUNDLE, headers={"Authorization": f"Bearer wrong-{key}"})
            ]:
                told.append(f"{answer.headers} {answer.text}")

        eventually(is_shared)
        times = {"there": seconds_of_requests(api, key, 20)}
        redis.freeze()
        times["hangs"] = seconds_of_requests(api, key, 20)
        eventually(lambda: not is_shared())
        redis.thaw()
        eventually(is_shared)
        redis.kill()
        times["gone"] = seconds_of_requests(api, key, 20)
        eventually(lambda: not is_shared())
        look()
        redis.start()
        eventually(is_shared)
        postgres.kill()
        try:
            eventually(lambda: api.get("/ready").status_code == 503)
            look()
        finally:
            postgres.start()
        eventually(lambda: api.get("/ready").status_code == 200)
        look()
    assert times["hangs"] < times["there"] + 0.05, times
    assert times["gone"] < times["there"] + 0.05, times
    told += [(tmp_path / name).read_text() for name in ("log", "worker-log")]
    assert "limits hold for this process alone" in told[-2]
    for secret in (REDIS_PASSWORD, POSTGRES_PASSWORD, key, api.key):
        assert not [text for text in told if secret in text]


@pytest.mark.parametrize("command", ["api", "worker", "all", "migrate", "quality", "keys"])
@pytest.mark.parametrize(
    "url",
    [
        pytest.param("postgresql+psycopg://u:PASSWORD@127.0.0.1:1/x", id="refused"),
        pytest.param("postgresql+psycopg://u:PASSWORD@127.0.0.1:port/x", id="no-port"),
        pytest.param("postgres://u:PASSWORD@127.0.0.1:1/x", id="no-dialect"),
        pytest.param("postgresql+nothing://u:PASSWORD@127.0.0.1:1/x", id="no-driver"),
        pytest.param("mysql+pymysql://u:PASSWORD@127.0.0.1:1/x", id="no-package"),
    ],
)
def test_a_wrong_database_url_is_refused_without_its_password(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], command: str, url: str
) -> None:
    if command == "api" and url.endswith("+psycopg://u:PASSWORD@127.0.0.1:1/x"):
        pytest.skip("an API waits for its database")
    arguments = [command] + (["list"] if command == "keys" else [])
    arguments += ["--database-url", url.replace("PASSWORD", POSTGRES_PASSWORD)]
    if command in {"api", "worker", "all"}:
        arguments += ["--key-file", str(tmp_path / "key"), "--port", "0"]
    assert main(arguments) in {75, 78}
    told = "".join(capfd.readouterr())
    assert "database" in told
    assert POSTGRES_PASSWORD not in told
    assert "Traceback" not in told


@pytest.mark.parametrize(
    "url", ["http://:PASSWORD@127.0.0.1:1/0", "redis://:PASSWORD@127.0.0.1:port/0", "PASSWORD"]
)
def test_a_wrong_redis_url_is_refused_without_its_password(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], url: str
) -> None:
    database = f"sqlite:///{tmp_path}/central.db"
    url = url.replace("PASSWORD", REDIS_PASSWORD)
    assert main(["api", "--database-url", database, "--port", "0", "--redis-url", url]) == 78
    told = "".join(capfd.readouterr())
    assert "redis URL: expected such as redis://" in told
    assert REDIS_PASSWORD not in told


def test_a_bug_is_told_without_the_values_that_it_came_from(
    capfd: pytest.CaptureFixture[str],
) -> None:
    url = f"postgresql+psycopg://u:{POSTGRES_PASSWORD}@127.0.0.1:1/x?no_such_option=1"
    assert main(["migrate", "--database-url", url]) == 70
    told = "".join(capfd.readouterr())
    assert "stopped by a bug" in told
    assert POSTGRES_PASSWORD not in told
