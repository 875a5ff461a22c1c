"""Counters, gauges and histograms in Prometheus' text format, version 0.0.4.

prometheus_client would cost each bot 1.1 MiB, and it cannot be imported without OpenSSL, which
costs 4.5 MiB more (ADR 0004).

Source:
    https://prometheus.io/docs/instrumenting/exposition_formats/
"""

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from enum import StrEnum
from itertools import accumulate

__all__ = ["CONTENT_TYPE", "Histogram", "Kind", "Series"]

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
"""Media type of the text."""

_BOUNDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, float("inf"))
"""Upper bounds of a histogram's buckets, seconds, inclusive."""

_ESCAPES = str.maketrans({"\\": r"\\", '"': r"\"", "\n": r"\n"})


class Kind(StrEnum):
    """What may happen to a figure."""

    COUNTER = "counter"
    GAUGE = "gauge"


class Series:
    """Figures of one name, told apart by the values of their labels.

    Args:
        name: Name of the series.
        text: One line: what is measured, and its unit.
        labels: Names of the labels.
        kind: A counter only grows.
    """

    def __init__(self, name: str, text: str, labels: Sequence[str], *, kind: Kind) -> None:
        self._head = _head(name, text, kind)
        self._name = name
        self._labels = labels
        self._figures: dict[tuple[str, ...], float] = {}

    def add(self, *values: str, amount: float = 1.0) -> None:
        """Add an amount, >= 0 for a counter, to the figure with these labels."""
        self._figures[values] = self._figures.get(values, 0.0) + amount

    def set(self, *values: str, figure: float) -> None:
        """Replace the figure with these labels."""
        self._figures[values] = figure

    def clear(self) -> None:
        """Forget every figure: a gauge of something that is no more."""
        self._figures.clear()

    def lines(self) -> Iterator[str]:
        """Yield the text, line by line."""
        yield self._head
        for values, figure in self._figures.items():
            yield _sample(self._name, self._labels, values, figure)


class Histogram:
    """Durations by size, told apart by the values of their labels.

    Args:
        name: Name of the series.
        text: One line: what is measured.
        labels: Names of the labels.
    """

    def __init__(self, name: str, text: str, labels: Sequence[str]) -> None:
        self._head = _head(name, text, "histogram")
        self._name = name
        self._labels = labels
        self._counts: dict[tuple[str, ...], list[int]] = {}
        self._sums: dict[tuple[str, ...], float] = {}

    def observe(self, *values: str, seconds: float) -> None:
        """Count one duration."""
        counts = self._counts.setdefault(values, [0] * len(_BOUNDS))
        counts[bisect_left(_BOUNDS, seconds)] += 1
        self._sums[values] = self._sums.get(values, 0.0) + seconds

    def lines(self) -> Iterator[str]:
        """Yield the text, line by line."""
        yield self._head
        for values, counts in self._counts.items():
            for bound, count in zip(_BOUNDS, accumulate(counts), strict=True):
                edge = "+Inf" if bound == _BOUNDS[-1] else str(bound)
                bucket = ((*self._labels, "le"), (*values, edge))
                yield _sample(f"{self._name}_bucket", *bucket, count)
            yield _sample(f"{self._name}_count", self._labels, values, sum(counts))
            yield _sample(f"{self._name}_sum", self._labels, values, self._sums[values])


def _head(name: str, text: str, kind: str) -> str:
    return f"# HELP {name} {text}\n# TYPE {name} {kind}"


def _sample(name: str, labels: Sequence[str], values: Sequence[str], figure: float) -> str:
    pairs = [
        f'{label}="{value.translate(_ESCAPES)}"'
        for label, value in zip(labels, values, strict=True)
    ]
    return f"{name}{{{','.join(pairs)}}} {figure}"
