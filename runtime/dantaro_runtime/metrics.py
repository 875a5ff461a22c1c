"""What the bot measures, in Prometheus' text format."""

from decimal import Decimal

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from dantaro_crds.values import quote_of
from dantaro_crds.wire.bot_config import BotConfig
from dantaro_crds.wire.bot_status import BotReport, EngineState
from dantaro_runtime.core.desk_state import Changes
from dantaro_runtime.core.orders import Fill

__all__ = ["BotMetrics"]


class BotMetrics:
    """Series of one bot, in a registry of its own."""

    def __init__(self, config: BotConfig) -> None:
        self._symbol = config.symbol
        self._mode = config.mode.value
        self._quote = quote_of(config.symbol)
        self.registry = CollectorRegistry()
        self._trades = self._counter("trades_total", "Executions.", ("symbol", "side", "mode"))
        self._volume = self._counter(
            "dantaro_runtime_trade_volume_quote_total",
            "Funds of executions, quote currency.",
            ("symbol", "side", "quote"),
        )
        self._volume_krw = self._counter(
            "trade_volume_krw_total", "Funds of executions, KRW.", ("symbol", "side")
        )
        self._fee_krw = self._counter(
            "trade_fee_krw_total", "Fees of executions, KRW.", ("symbol", "side")
        )
        self._errors = self._counter("bot_errors_total", "Failed turns.", ("reason",))
        self._requests = self._counter(
            "http_requests_total", "HTTP requests.", ("method", "route", "status")
        )
        self._seconds = Histogram(
            "http_request_duration_seconds",
            "Time to answer, seconds.",
            ("method", "route", "status"),
            registry=self.registry,
        )
        self._running = self._gauge("bot_running", "1 while the engine runs, else 0.")
        self._value = self._gauge("portfolio_value_krw", "Equity, KRW.")
        self._rate = self._gauge("portfolio_profit_rate", "Profit over the money put in, fraction.")

    def observe_changes(self, changes: Changes) -> None:
        """Count the fills of a stored change."""
        for fill in changes.fills:
            self._count_fill(fill)

    def count_error(self, reason: str) -> None:
        """Count a failed turn."""
        self._errors.labels(reason).inc()

    def observe_request(self, method: str, route: str, status: int, *, seconds: float) -> None:
        """Count one HTTP request; `route` is a route's template, never a raw path."""
        self._requests.labels(method, route, status).inc()
        self._seconds.labels(method, route, status).observe(seconds)

    def render(self, report: BotReport) -> bytes:
        """Return every series, the gauges as of a report."""
        self._running.labels(self._symbol).set(report.engine_state is EngineState.RUNNING)
        if self._quote == "KRW":
            self._value.labels(self._symbol).set(float(report.equity))
        if report.budget:
            self._rate.labels(self._symbol).set(float(report.pnl.total / report.budget))
        return generate_latest(self.registry)

    def _count_fill(self, fill: Fill) -> None:
        side = fill.side.value
        self._trades.labels(self._symbol, side, self._mode).inc()
        self._volume.labels(self._symbol, side, self._quote).inc(_figure(fill.funds))
        if self._quote == "KRW":
            self._volume_krw.labels(self._symbol, side).inc(_figure(fill.funds))
            self._fee_krw.labels(self._symbol, side).inc(_figure(fill.fee))

    def _counter(self, name: str, text: str, labels: tuple[str, ...]) -> Counter:
        return Counter(name, text, labels, registry=self.registry)

    def _gauge(self, name: str, text: str) -> Gauge:
        return Gauge(name, text, ("symbol",), registry=self.registry)


def _figure(value: Decimal) -> float:
    return float(value)
