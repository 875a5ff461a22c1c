"""Starting, stopping, killing and sharing a database: real processes."""

import subprocess
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from dantaro_crds.wire.bundle import CentralHealth
from tests.support.candles import START, write_recording
from tests.support.central_process import CentralClient, central, central_command
from tests.support.eventually import eventually
from tests.support.processes import running

pytestmark = pytest.mark.integration

SYMBOLS = ("KRW-BTC", "KRW-ETH")
DAYS = 3


def replay(recording: Path, *more: str) -> tuple[str, ...]:
    """Return the options of a replay at full speed."""
    return ("--source", "replay", "--folder", str(recording), "--speed", "max", *more)


def health(client: CentralClient) -> CentralHealth:
    """Return what central says of itself."""
    return CentralHealth.model_validate_json(client.get("/health").text)


def wait_until_past(client: CentralClient, time: datetime) -> None:
    """Wait until market time is beyond `time`."""
    eventually(lambda: (health(client).market_time or START) > time)


def everything(client: CentralClient) -> list[str]:
    """Return all pages of all markets as text."""
    return [
        page.model_dump_json() for symbol in health(client).symbols for page in client.pages(symbol)
    ]


def test_kill_minus_nine_changes_no_bundle(tmp_path: Path) -> None:
    recording = write_recording(tmp_path / "recording", SYMBOLS, minutes=DAYS * 1440, hours=200)
    with central(tmp_path / "undisturbed", *replay(recording)) as client:
        client.wait_until_ended()
        want = everything(client)
    folder = tmp_path / "killed"
    for kill in range(2):
        with central(folder, *replay(recording)) as client:
            wait_until_past(client, START + timedelta(days=kill, hours=7))
            client.run.kill()
    with central(folder, *replay(recording)) as client:
        client.wait_until_ended()
        assert everything(client) == want


def test_a_replay_that_ended_stays_ended(tmp_path: Path) -> None:
    recording = write_recording(tmp_path / "recording", ["KRW-BTC"], minutes=30)
    for _ in range(2):
        with central(tmp_path / "central", *replay(recording)) as client:
            client.wait_until_ended()
            assert len(client.candles("KRW-BTC")) == 30
            assert client.run.stop() == 0


def test_it_ends_with_its_parent(tmp_path: Path) -> None:
    with central(tmp_path, "--symbols", "KRW-BTC", "--exit-with-parent") as client:
        stdin = client.run.process.stdin
        assert stdin is not None
        stdin.close()
        assert client.run.process.wait(50) == 0


def test_worker_and_api_share_a_database(tmp_path: Path) -> None:
    with central(tmp_path, role="api", is_ready=False) as api:
        api.wait_for_port()
        assert api.get("/ready").status_code == 503
        assert health(api).status == "starting: no market is stored yet"
        waiting = api.get("/api/v1/bundle", symbol="KRW-BTC")
        assert (waiting.status_code, waiting.headers["Retry-After"]) == (503, "1")
        assert waiting.json()["code"] == "NotReady"
        options = ("--symbols", "KRW-BTC", "--speed", "6000")
        with running(central_command(tmp_path, *options, role="worker"), log=tmp_path / "w"):
            api.wait_until_ready()
            eventually(lambda: api.candles("KRW-BTC"))


def test_a_second_worker_waits_for_the_first_to_end(tmp_path: Path) -> None:
    options = ("--symbols", "KRW-BTC")
    with central(tmp_path, *options) as first:
        (tmp_path / "port").unlink()
        with central(tmp_path, *options, is_ready=False) as second:
            with pytest.raises(subprocess.TimeoutExpired):
                second.run.process.wait(1)
            assert not (tmp_path / "port").exists()
            first.run.kill()
            second.wait_until_ready()


def test_simulated_market_time_pauses_while_it_is_down(tmp_path: Path) -> None:
    options = ("--symbols", "KRW-BTC", "--speed", "12000", "--from", "2026-01-01T00:00:00Z")
    with central(tmp_path, *options) as client:
        eventually(lambda: len(client.bundle("KRW-BTC").candles) > 20)
        before = client.candles("KRW-BTC")
        client.run.kill()
    slow = (*options[:2], "--speed", "1", *options[4:])
    with central(tmp_path, *slow) as client:
        after = client.candles("KRW-BTC")
        assert after[: len(before)] == before
        assert health(client).market_start == before[0].time
        # A step that was under way may have been stored before the kill, no more.
        assert len(after) - len(before) <= 240


@pytest.mark.parametrize(
    "options",
    [
        pytest.param(("--seed", "2"), id="another-seed"),
        pytest.param(("--from", "2026-01-01T00:00:00Z"), id="another-start"),
    ],
)
def test_a_database_of_another_market_is_refused(tmp_path: Path, options: tuple[str, ...]) -> None:
    with central(tmp_path, "--symbols", "KRW-BTC") as client:
        assert client.run.stop() == 0
    with central(tmp_path, "--symbols", "KRW-BTC", *options, is_ready=False) as client:
        assert client.run.process.wait(50) == 78
        assert "delete the state folder to begin anew" in client.run.tail()
        assert "Traceback" not in client.run.tail()


def test_a_taken_port_is_told(tmp_path: Path) -> None:
    with central(tmp_path / "a", "--symbols", "KRW-BTC") as client:
        port = client.url.rsplit(":", 1)[1]
        command = [*central_command(tmp_path / "b", "--symbols", "KRW-BTC"), "--port", port]
        with running(command, log=tmp_path / "log") as second:
            assert second.process.wait(50) == 78
            assert f"found 127.0.0.1:{port}" in second.tail()
