"""Finds the recorded data that lies beside the project."""

from pathlib import Path

import pytest

__all__ = ["recorded_candles"]


def recorded_candles() -> Path:
    """Return the folder of recorded candles, or skip the test with a reason."""
    folder = Path(__file__).parents[2].parent / "shared" / "data" / "candles"
    if not folder.is_dir():
        pytest.skip("no recorded candles at ../shared/data/candles")
    return folder
