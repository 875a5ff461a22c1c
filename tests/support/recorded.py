"""Finds the recorded data that lies beside the project."""

from pathlib import Path

import pytest

__all__ = ["find_recorded_candles", "recorded_candles"]


def find_recorded_candles() -> Path | None:
    """Return the folder of recorded candles; None where there is none."""
    folder = Path(__file__).parents[2].parent / "shared" / "data" / "candles"
    return folder if folder.is_dir() else None


def recorded_candles() -> Path:
    """Return the folder of recorded candles, or skip the test with a reason."""
    folder = find_recorded_candles()
    if folder is None:
        pytest.skip("no recorded candles at ../shared/data/candles")
    return folder
