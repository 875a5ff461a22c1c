"""The recorded candles of September 2025."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from dantaro_central.adapters.sources.candle_files import find_candles
from dantaro_crds.values import Interval
from tests.support.central_process import central
from tests.support.recorded import recorded_candles

pytestmark = pytest.mark.integration


def test_the_end_of_the_recording_is_served_as_it_was_recorded(tmp_path: Path) -> None:
    recording = recorded_candles() / "upbit"
    start = datetime(2025, 9, 30, 12, tzinfo=UTC)
    options = ("--folder", str(recording), "--speed", "max", "--from", start.isoformat())
    with central(tmp_path, "--source", "replay", *options) as client:
        client.wait_until_ended()
        symbols = client.get("/health").json()["symbols"]
        assert symbols == ["KRW-BTC", "KRW-ETH", "KRW-SOL", "KRW-XRP"]
        for symbol in symbols:
            file = find_candles(recording / symbol, Interval.M1)
            assert file is not None
            want = [(c.time, c.close, c.volume) for c in file.candles(start)]
            assert [(c.time, c.close, c.volume) for c in client.candles(symbol)] == want
            newest = client.bundle(symbol, since="2026-01-01T00:00:00Z").analyses[-1]
            assert newest.support_levels is not None
            levels = newest.support_levels
            prices = [levels.conservative.price, levels.moderate.price, levels.aggressive.price]
            assert prices == sorted(price for price in prices if price is not None)
