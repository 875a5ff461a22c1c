"""`dantaro operator`."""

import os

import structlog

from dantaro_crds.errors import DantaroError
from dantaro_crds.kit.logs import configure_logs
from dantaro_operator.bootstrap.cluster import run_operator
from dantaro_operator.settings import load_settings

__all__ = ["operator"]


def operator() -> int:
    """Run the operator of a cluster; return the exit code."""
    settings = load_settings()
    configure_logs(settings.log_level)
    try:
        return run_operator(settings)
    except DantaroError:
        raise
    except Exception:  # noqa: BLE001  # the outermost edge
        # In a pod the log is what people can read; the file of a bug report is gone with the pod.
        structlog.get_logger().exception("a bug of ours")
        return os.EX_SOFTWARE
