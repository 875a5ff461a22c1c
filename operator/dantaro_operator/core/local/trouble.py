"""What a person should know about central: whether it runs, and what it says of itself."""

import re

from dantaro_crds.values import parse_utc
from dantaro_crds.wire.bundle import CentralHealth
from dantaro_operator.core.observed import ProcessFacts

__all__ = ["EXIT_SETTINGS", "central_trouble", "final_failure", "has_market"]

EXIT_SETTINGS = 78
"""Exit code of central for settings or data that it cannot use."""

_EXIT_BUG = 70

_SILENT_SINCE = re.compile(r"no sign of life since (\S+)$")


def has_market(health: CentralHealth | None) -> bool:
    """Return whether central serves a market, so that its clock exists."""
    return health is not None and health.market_time is not None


def final_failure(process: ProcessFacts) -> str:
    """Return why central cannot start as asked, one sentence with the options; empty if it can."""
    if process.running or process.exit_code != EXIT_SETTINGS:
        return ""
    words = process.words or "it cannot use its settings"
    return f"central cannot serve this market (--market, --from): {words}"


def central_trouble(health: CentralHealth | None, process: ProcessFacts, *, log: str) -> str:
    """Return what is wrong with central, one sentence; empty if nothing is.

    Args:
        health: What it says of itself; None while it does not answer.
        process: Its process.
        log: Where its log is.
    """
    if health is not None:
        said = [part for part in health.status.split("; ") if not _is_stale(part, process)]
        quiet = not said or said == ["ok"] or said[0].startswith("starting")
        return "" if quiet else f"central: {'; '.join(said)}"
    if process.exit_code is None and not process.blocked:
        return ""
    words = process.words or f"its log is {log}"
    return f"central ended with code {process.exit_code}: {words}; {_next(process, log)}"


def _is_stale(said: str, process: ProcessFacts) -> bool:
    """Whether it tells of the worker of an earlier process: the new one has not beaten yet."""
    found = _SILENT_SINCE.search(said)
    if found is None or process.started is None:
        return False
    return parse_utc(found[1]) < process.started


def _next(process: ProcessFacts, log: str) -> str:
    if process.exit_code == EXIT_SETTINGS:
        return "mend that: it is tried again every minute"
    if process.exit_code == _EXIT_BUG:
        return f"it is started again; a bug of ours: please send {log} with a report"
    return "it is started again"
