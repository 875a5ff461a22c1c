"""The text that a bot shows Prometheus, read back by Prometheus' own parser."""

import pytest
from prometheus_client.parser import text_string_to_metric_families

from dantaro_runtime.series import Histogram, Kind, Series

pytestmark = pytest.mark.unit


def samples(series: Series | Histogram) -> dict[tuple[str, ...], float]:
    """Return the figures by name and labels' values."""
    text = "\n".join(series.lines()) + "\n"
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_a_counter_adds_up_by_labels() -> None:
    trades = Series("trades_total", "Executions.", ("symbol", "side"), kind=Kind.COUNTER)
    trades.add("KRW-BTC", "Buy")
    trades.add("KRW-BTC", "Buy", amount=2.5)
    trades.add("KRW-BTC", "Sell")
    assert list(trades.lines()) == [
        "# HELP trades_total Executions.\n# TYPE trades_total counter",
        'trades_total{symbol="KRW-BTC",side="Buy"} 3.5',
        'trades_total{symbol="KRW-BTC",side="Sell"} 1.0',
    ]


def test_a_gauge_shows_the_last_figure() -> None:
    value = Series("portfolio_value_krw", "Equity, KRW.", ("symbol",), kind=Kind.GAUGE)
    value.set("KRW-BTC", figure=1e21)
    value.set("KRW-BTC", figure=-0.125)
    assert samples(value) == {("portfolio_value_krw", "KRW-BTC"): -0.125}


@pytest.mark.parametrize("label", ['say "no"', "back\\slash", "two\nlines", "시장", ""])
def test_any_text_is_a_label(label: str) -> None:
    errors = Series("bot_errors_total", "Failed turns.", ("reason",), kind=Kind.COUNTER)
    errors.add(label)
    assert samples(errors) == {("bot_errors_total", label): 1.0}


def test_buckets_of_a_histogram_hold_all_below_their_bound() -> None:
    seconds = Histogram("http_request_duration_seconds", "Time to answer.", ("route",))
    for size in (0.005, 0.006, 3.0, 99.0):
        seconds.observe("/status", seconds=size)
    found = samples(seconds)
    bucket = "http_request_duration_seconds_bucket"
    assert [found[(bucket, "/status", le)] for le in ("0.005", "0.01", "5.0", "+Inf")] == [
        *(1, 2, 3, 4)
    ]
    assert found[("http_request_duration_seconds_count", "/status")] == 4
    assert found[("http_request_duration_seconds_sum", "/status")] == pytest.approx(102.011)


def test_a_series_without_figures_is_announced() -> None:
    trades = Series("trades_total", "Executions.", ("symbol",), kind=Kind.COUNTER)
    assert [
        family.name for family in text_string_to_metric_families("\n".join(trades.lines()))
    ] == ["trades"]
