"""Finds the recorded data that lies beside the project."""

import gzip
from pathlib import Path

import pytest

__all__ = ["find_recorded_candles", "first_days", "recorded_candles"]


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


def first_days(folder: Path, *symbols: str, days: int) -> Path:
    """Return a recording of the first days of September 2025, with the longer candles before."""
    for symbol in symbols:
        source = recorded_candles() / "upbit" / symbol
        made = folder / symbol
        made.mkdir(parents=True)
        lines = gzip.decompress((source / "1m.csv.gz").read_bytes()).decode().splitlines()
        text = "\n".join(lines[: days * 1440 + 1]) + "\n"
        (made / "1m.csv.gz").write_bytes(gzip.compress(text.encode()))
        for name in ("60m", "1d"):
            (made / f"{name}.csv.gz").write_bytes((source / f"{name}.csv.gz").read_bytes())
    return folder
