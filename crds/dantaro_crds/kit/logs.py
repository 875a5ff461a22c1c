"""JSON logs: constant event text, values as fields, one line each on standard error."""

import logging
import sys
from typing import TextIO

import structlog

__all__ = ["configure_logs"]


def configure_logs(level: str = "INFO", *, stream: TextIO | None = None) -> None:
    """Send structlog's events as JSON lines to `stream` (standard error by default).

    Args:
        level: Lowest level that is written: DEBUG, INFO, WARNING or ERROR.
        stream: Where the lines go.
    """
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True, key="ts"),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelName(level)),
        logger_factory=structlog.WriteLoggerFactory(stream or sys.stderr),
        cache_logger_on_first_use=True,
    )
