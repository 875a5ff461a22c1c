"""Opens recorded candle files: gzip or plain CSV, read as a stream."""

import gzip
import zlib
from collections.abc import Iterator
from datetime import datetime
from io import TextIOWrapper
from pathlib import Path

from dantaro_central.core.candle_csv import check_candles, parse_candles
from dantaro_central.core.candles import Candle
from dantaro_crds.errors import SpecError
from dantaro_crds.values import Interval

__all__ = ["CandleFile", "find_candles"]


class CandleFile:
    """One file of one interval of one market."""

    def __init__(self, path: Path, interval: Interval) -> None:
        self._path = path
        self._interval = interval

    def check(self) -> tuple[datetime, datetime]:
        """Read the whole file and return the opens of its first and last candle.

        Raises:
            SpecError: Names file, line, what was expected and what was found.
        """
        return check_candles(self._lines(), file=str(self._path), interval=self._interval)

    def candles(self, since: datetime) -> Iterator[Candle]:
        """Yield the candles that opened at `since` or later, oldest first.

        Raises:
            SpecError: Names file, line, what was expected and what was found.
        """
        return parse_candles(
            self._lines(), file=str(self._path), interval=self._interval, since=since
        )

    def _lines(self) -> Iterator[str]:
        try:
            with self._open() as file:
                yield from file
        except (gzip.BadGzipFile, EOFError, zlib.error) as error:
            raise SpecError(
                f"{self._path}: expected a whole gzip file, found {error}", code="CandlesInvalid"
            ) from error
        except UnicodeDecodeError as error:
            raise SpecError(
                f"{self._path}: expected ASCII text, found byte {error.object[error.start]:#04x}",
                code="CandlesInvalid",
            ) from error
        except OSError as error:
            raise SpecError(
                f"{self._path}: expected a readable file, found {error.strerror}",
                code="CandlesInvalid",
            ) from error

    def _open(self) -> TextIOWrapper:
        if self._path.suffix == ".gz":
            return gzip.open(self._path, "rt", encoding="ascii", newline="\n")
        return self._path.open("rt", encoding="ascii", newline="\n")


def find_candles(folder: Path, interval: Interval) -> CandleFile | None:
    """Return the file of an interval in a market's folder, None if there is none."""
    for name in (f"{interval}.csv.gz", f"{interval}.csv"):
        path = folder / name
        if path.is_file():
            return CandleFile(path, interval)
    return None
