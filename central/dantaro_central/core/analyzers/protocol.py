"""What every method of analysis looks like."""

from collections.abc import Iterator
from typing import Protocol

from dantaro_central.core.analyzers.bars import Bars
from dantaro_crds.wire.indicator_names import IndicatorName

__all__ = ["Analyzer", "Figure"]

Figure = tuple[IndicatorName, float]


class Analyzer(Protocol):
    """One method of analysis: a pure function of the bars."""

    def __call__(self, bars: Bars) -> Iterator[Figure]:
        """Yield each figure that can be computed of the newest bar; prices times `bars.scale`.

        A figure with too few bars, or that its definition gives no value, is left out.

        Args:
            bars: Closed, without gaps, n >= 1.
        """
        ...
