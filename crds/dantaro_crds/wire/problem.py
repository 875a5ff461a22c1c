"""The body of every HTTP error (RFC 9457)."""

from dantaro_crds.v1alpha1.common import Model

__all__ = ["Problem"]


class Problem(Model):
    """What went wrong and what to do."""

    type: str = "about:blank"
    """Always `about:blank`: `code` names the kind of problem."""
    title: str
    """Short text of the HTTP status."""
    status: int
    """HTTP status."""
    detail: str
    """One sentence: what was expected, what was found, what to do."""
    code: str
    """PascalCase reason, as in our errors."""
