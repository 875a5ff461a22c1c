"""A broken recording takes out its own market, and says where it is broken."""

import gzip
from pathlib import Path

import pytest

from dantaro_crds.values import Interval
from tests.support.candles import simulated_minutes, write_candles, write_recording
from tests.support.central_process import central

pytestmark = pytest.mark.integration

MINUTES = 400


def options(recording: Path) -> tuple[str, ...]:
    """Return the options of a replay at full speed."""
    return ("--source", "replay", "--folder", str(recording), "--speed", "max")


def break_line(path: Path, number: int, text: str) -> None:
    """Replace one line of a compressed file."""
    lines = gzip.decompress(path.read_bytes()).decode().splitlines()
    lines[number - 1] = text
    path.write_bytes(gzip.compress("".join(f"{line}\n" for line in lines).encode()))


def test_the_other_markets_go_on_and_a_mended_one_catches_up(tmp_path: Path) -> None:
    recording = write_recording(
        tmp_path / "recording", ["KRW-BTC", "KRW-ETH"], minutes=MINUTES, hours=200
    )
    broken = recording / "KRW-ETH" / "1m.csv.gz"
    break_line(broken, 300, "2025-09-01T04:58:00Z,1,2,3,4,5")
    with central(tmp_path / "central", *options(recording)) as client:
        client.wait_until_ended()
        want = f"{broken}, line 300: expected low <= open, close <= high, found open 1"
        assert want in client.get("/health").json()["status"]
        assert client.get("/health").json()["symbols"] == ["KRW-BTC"]
        refused = client.get("/api/v1/bundle", symbol="KRW-ETH")
        assert (refused.status_code, refused.json()["code"]) == (404, "SymbolUnknown")
        assert want in refused.json()["detail"]
        assert len(client.candles("KRW-BTC")) == MINUTES
        assert client.run.stop() == 0
    minutes = simulated_minutes("KRW-ETH", MINUTES)
    write_candles(recording, "KRW-ETH", Interval.M1, minutes)
    with central(tmp_path / "central", *options(recording)) as client:
        assert client.get("/health").json()["status"] == "ok"
        mended = [page.analyses for page in client.pages("KRW-ETH")]
        assert [c.close for c in client.candles("KRW-ETH")] == [c.close for c in minutes]
    with central(tmp_path / "anew", *options(recording)) as client:
        client.wait_until_ended()
        anew = [page.analyses for page in client.pages("KRW-ETH")]
    # The market status of then was made without it; its own levels are the same.
    assert [[a.support_levels for a in page] for page in mended] == [
        [a.support_levels for a in page] for page in anew
    ]


def test_a_market_that_breaks_later_keeps_what_is_stored_and_goes(tmp_path: Path) -> None:
    recording = write_recording(tmp_path / "recording", ["KRW-BTC", "KRW-ETH"], minutes=MINUTES)
    with central(tmp_path / "central", *options(recording)) as client:
        client.wait_until_ended()
    (recording / "KRW-ETH" / "1m.csv.gz").write_bytes(b"\x1f\x8b\x08 no gzip at all")
    with central(tmp_path / "central", *options(recording)) as client:
        health = client.get("/health").json()
        assert health["symbols"] == ["KRW-BTC"]
        assert "1m.csv.gz: expected a whole gzip file" in health["status"]
        assert len(client.candles("KRW-BTC")) == MINUTES


def test_without_any_sound_market_it_ends_with_a_sentence(tmp_path: Path) -> None:
    recording = write_recording(tmp_path / "recording", ["KRW-BTC"], minutes=20)
    path = recording / "KRW-BTC" / "1m.csv.gz"
    path.write_bytes(path.read_bytes()[:-20])
    with central(tmp_path / "central", *options(recording), is_ready=False) as client:
        assert client.run.process.wait(50) == 78
        log = client.run.tail()
        assert f"{path}: expected a whole gzip file" in log
        assert "Traceback" not in log


@pytest.mark.parametrize(
    ("more", "want"),
    [
        pytest.param(("--symbols", "KRW-NO"), "KRW-NO", id="no-such-market"),
        pytest.param(
            ("--from", "2030-01-01T00:00:00Z"), "before the end of the recording", id="too-late"
        ),
    ],
)
def test_what_cannot_be_replayed_is_told(tmp_path: Path, more: tuple[str, ...], want: str) -> None:
    recording = write_recording(tmp_path / "recording", ["KRW-BTC"], minutes=20)
    with central(tmp_path / "c", *options(recording), *more, is_ready=False) as client:
        assert client.run.process.wait(50) == 78
        assert want in client.run.tail()


def test_a_missing_folder_is_told(tmp_path: Path) -> None:
    with central(tmp_path / "c", *options(tmp_path / "none"), is_ready=False) as client:
        assert client.run.process.wait(50) == 78
        assert "expected a folder of recorded candles" in client.run.tail()
