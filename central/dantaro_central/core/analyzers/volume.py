"""How much is traded against the bars before.

Source:
    Indicators definition, section 4.
"""

from collections.abc import Iterator

from dantaro_central.core.analyzers.bars import Bars, mean
from dantaro_central.core.analyzers.protocol import Figure
from dantaro_crds.wire.indicator_names import IndicatorName as Name

__all__ = ["analyse_volume"]


def analyse_volume(bars: Bars) -> Iterator[Figure]:
    """Yield the volume of the newest bar, and the mean of the 20 before it."""
    yield Name.VOLUME, float(bars.volume[-1])
    if len(bars) > 20:
        yield Name.VOLUME_SMA20, mean(bars.volume[-21:-1])
