"""This process's branches of the error tree."""

from dantaro_crds.errors import DantaroError, NotFoundError, SafetyError

__all__ = [
    "ConfigError",
    "FencedOffError",
    "RestartNeededError",
    "StoreError",
    "SymbolUnknownError",
]


class ConfigError(DantaroError):
    """The configuration file cannot be read or is wrong."""


class RestartNeededError(DantaroError):
    """The configuration names another store or exchange: a new process has to take it."""


class FencedOffError(SafetyError):
    """Another process works for this bot now; this one must end."""


class StoreError(SafetyError):
    """The store cannot be read or written; no intent can be kept, so nothing may be sent."""


class SymbolUnknownError(NotFoundError):
    """Central does not serve this market."""
