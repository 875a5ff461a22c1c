"""Errors of this process. The command line prints them as one sentence and exits with 1."""

from dantaro_crds.errors import ConflictError, NotFoundError, SpecError, TransientError

__all__ = [
    "FolderError",
    "NamespaceEndsError",
    "NotLeadingError",
    "ObjectNotFoundError",
    "StateLockedError",
]


class FolderError(SpecError):
    """A folder or file that was named cannot be used."""


class StateLockedError(ConflictError):
    """Another `dantaro up` works on the same state folder."""


class ObjectNotFoundError(NotFoundError):
    """No object of that kind and name is known."""


class NamespaceEndsError(NotFoundError):
    """A namespace is being deleted: nothing new can be made in it, ever."""


class NotLeadingError(TransientError):
    """Another operator leads, or may by now: this one must write nothing and end."""
