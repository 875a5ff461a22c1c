"""`dantaro operator`."""

from dantaro_crds.kit.logs import configure_logs
from dantaro_operator.bootstrap.cluster import run_operator
from dantaro_operator.settings import load_settings

__all__ = ["operator"]


def operator() -> int:
    """Run the operator of a cluster; return the exit code."""
    settings = load_settings()
    configure_logs(settings.log_level)
    return run_operator(settings)
