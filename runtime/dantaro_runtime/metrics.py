"""What the bot measures, in Prometheus' text format."""

from dantaro_crds.values import quote_of
from dantaro_crds.wire.bot_config import BotConfig
from dantaro_crds.wire.bot_status import BotReport, EngineState
from dantaro_runtime.core.desk_state import Changes
from dantaro_runtime.core.orders import Fill
from dantaro_runtime.series import Histogram, Kind, Series

__all__ = ["BotMetrics"]


class BotMetrics:
    """Series of one bot."""

    def __init__(self, config: BotConfig) -> None:
        self._symbol = config.symbol
        self._mode = config.mode.value
        self._quote = quote_of(config.symbol)
        self._trades = _counter("trades_total", "Executions.", ("symbol", "side", "mode"))
        self._volume = _counter(
            "dantaro_runtime_trade_volume_quote_total",
            "Funds of executions, quote currency.",
            ("symbol", "side", "quote"),
        )
        self._volume_krw = _counter(
            "trade_volume_krw_total", "Funds of executions, KRW.", ("symbol", "side")
        )
        self._fee_krw = _counter(
            "trade_fee_krw_total", "Fees of executions, KRW.", ("symbol", "side")
        )
        self._errors = _counter("bot_errors_total", "Failed turns.", ("reason",))
        self._requests = _counter(
            "http_requests_total", "HTTP requests.", ("method", "route", "status")
        )
        self._seconds = Histogram(
            "http_request_duration_seconds",
            "Time to answer, seconds.",
            ("method", "route", "status"),
        )
        self._running = _gauge("bot_running", "1 while the engine runs, else 0.")
        self._value = _gauge("portfolio_value_krw", "Equity, KRW.")
        self._rate = _gauge("portfolio_profit_rate", "Profit over the money put in, fraction.")

    def take_up(self, symbol: str) -> None:
        """Label what follows with another market; counters of the old one stay."""
        if symbol == self._symbol:
            return
        self._symbol, self._quote = symbol, quote_of(symbol)
        for gauge in (self._running, self._value, self._rate):
            gauge.clear()

    def observe_changes(self, changes: Changes) -> None:
        """Count the fills of a stored change."""
        for fill in changes.fills:
            self._count_fill(fill)

    def count_error(self, reason: str) -> None:
        """Count a failed turn."""
        self._errors.add(reason)

    def observe_request(self, method: str, route: str, status: int, *, seconds: float) -> None:
        """Count one HTTP request; `route` is a route's template, never a raw path."""
        labels = (method, route, str(status))
        self._requests.add(*labels)
        self._seconds.observe(*labels, seconds=seconds)

    def render(self, report: BotReport) -> bytes:
        """Return every series, the gauges as of a report."""
        running = report.engine_state is EngineState.RUNNING
        self._running.set(self._symbol, figure=float(running))
        if self._quote == "KRW":
            self._value.set(self._symbol, figure=float(report.equity))
        if report.budget:
            self._rate.set(self._symbol, figure=float(report.pnl.total / report.budget))
        lines = (line for series in self._all() for line in series.lines())
        return ("\n".join(lines) + "\n").encode()

    def _all(self) -> tuple[Series | Histogram, ...]:
        return (
            self._trades,
            self._volume,
            self._volume_krw,
            self._fee_krw,
            self._errors,
            self._requests,
            self._seconds,
            self._running,
            self._value,
            self._rate,
        )

    def _count_fill(self, fill: Fill) -> None:
        side = fill.side.value
        funds = float(fill.funds)
        self._trades.add(self._symbol, side, self._mode)
        self._volume.add(self._symbol, side, self._quote, amount=funds)
        if self._quote == "KRW":
            self._volume_krw.add(self._symbol, side, amount=funds)
            self._fee_krw.add(self._symbol, side, amount=float(fill.fee))


def _counter(name: str, text: str, labels: tuple[str, ...]) -> Series:
    return Series(name, text, labels, kind=Kind.COUNTER)


def _gauge(name: str, text: str) -> Series:
    return Series(name, text, ("symbol",), kind=Kind.GAUGE)
