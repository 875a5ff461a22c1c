"""Every metric of this process, in a registry of its own."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.platform_collector import PlatformCollector
from prometheus_client.process_collector import ProcessCollector

from dantaro_central.core.analyst.decisions import MadeDecision

__all__ = ["Metrics"]

_HTTP_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0)
_JOB_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 30.0)


class Metrics:
    """The series of the API and of the worker."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        ProcessCollector(registry=self._registry)
        PlatformCollector(registry=self._registry)
        request = ["method", "route", "status"]
        self.requests = Counter(
            "http_requests_total", "HTTP requests.", request, registry=self._registry
        )
        self.request_seconds = Histogram(
            "http_request_duration_seconds",
            "Time to answer an HTTP request.",
            request,
            registry=self._registry,
            buckets=_HTTP_SECONDS,
        )
        self.job_seconds = Histogram(
            "scheduler_job_duration_seconds",
            "Time of one run of a job of the worker.",
            ["job"],
            registry=self._registry,
            buckets=_JOB_SECONDS,
        )
        self.job_successes = Counter(
            "scheduler_job_success_total",
            "Runs of a job that worked.",
            ["job"],
            registry=self._registry,
        )
        self.job_failures = Counter(
            "scheduler_job_failure_total",
            "Runs of a job that failed.",
            ["job"],
            registry=self._registry,
        )
        self.limits_shared = Gauge(
            "dantaro_central_limits_shared",
            "1 while all processes hold one limit together, 0 while each holds it alone.",
            registry=self._registry,
        )
        self.decisions = Counter(
            "ai_decisions_total",
            "Decisions of the analyst.",
            ["symbol", "decision"],
            registry=self._registry,
        )
        self.confidence = Gauge(
            "ai_confidence",
            "Confidence of the analyst's newest decision, 0..1.",
            ["symbol"],
            registry=self._registry,
        )
        self.market_time = Gauge(
            "dantaro_central_market_time_seconds",
            "Market time, seconds since 1970.",
            registry=self._registry,
        )

    def count_decision(self, decision: MadeDecision) -> None:
        """Count a decision of the analyst."""
        self.decisions.labels(decision.symbol, decision.advice.action.value).inc()
        self.confidence.labels(decision.symbol).set(float(decision.advice.confidence))

    def text(self) -> bytes:
        """Return all series in the text format of Prometheus."""
        return generate_latest(self._registry)
