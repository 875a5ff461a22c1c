"""Every metric of the operator, in a registry of its own."""

from collections.abc import Callable, Iterable, Mapping

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.platform_collector import PlatformCollector
from prometheus_client.process_collector import ProcessCollector
from prometheus_client.registry import Collector

__all__ = ["Metrics"]

_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)


class Metrics:
    """The series of one operator."""

    def __init__(self) -> None:
        self._registry = registry = CollectorRegistry()
        ProcessCollector(registry=registry)
        PlatformCollector(registry=registry)
        self.reconcile_seconds = Histogram(
            "dantaro_operator_reconcile_duration_seconds",
            "Time of one look at an account, writes included.",
            registry=registry,
            buckets=_SECONDS,
        )
        self._errors = Counter(
            "dantaro_operator_reconcile_errors_total",
            "Looks at an account that failed, by kind of error.",
            ["error"],
            registry=registry,
        )
        self._calls = Histogram(
            "dantaro_operator_kubernetes_call_duration_seconds",
            "Time of one attempt at the API server, by verb and HTTP status (0: no answer).",
            ["verb", "status"],
            registry=registry,
            buckets=_SECONDS,
        )
        self.leading = Gauge(
            "dantaro_operator_leading",
            "1 while this operator works, 0 on standby.",
            registry=registry,
        )

    def count_error(self, error: str) -> None:
        """Count a failed look at an account."""
        self._errors.labels(error).inc()

    def observe_call(self, verb: str, status: int, seconds: float) -> None:
        """Note an attempt at the API server."""
        self._calls.labels(verb, str(status)).observe(seconds)

    def watch(
        self,
        *,
        bots_by_phase: Callable[[], Mapping[str, int]],
        depth: Callable[[], int],
        lag: Callable[[], float],
    ) -> None:
        """Publish what is counted when somebody asks."""
        self._registry.register(_Live(bots_by_phase=bots_by_phase, depth=depth, lag=lag))

    def render(self) -> bytes:
        """Return the text of Prometheus."""
        return generate_latest(self._registry)


class _Live(Collector):
    def __init__(
        self,
        *,
        bots_by_phase: Callable[[], Mapping[str, int]],
        depth: Callable[[], int],
        lag: Callable[[], float],
    ) -> None:
        self._bots_by_phase = bots_by_phase
        self._depth = depth
        self._lag = lag

    def collect(self) -> Iterable[GaugeMetricFamily]:
        """Yield the present values."""
        bots = GaugeMetricFamily("dantaro_operator_bots", "Bots by phase.", labels=["phase"])
        for phase, count in sorted(self._bots_by_phase().items()):
            bots.add_metric([phase], count)
        yield bots
        yield GaugeMetricFamily(
            "dantaro_operator_queue_depth", "Accounts that wait for a worker.", self._depth()
        )
        yield GaugeMetricFamily(
            "dantaro_operator_queue_lag_seconds",
            "How long the oldest of them has waited.",
            self._lag(),
        )
