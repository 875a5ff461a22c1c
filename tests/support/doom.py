"""Where and when a bot's process dies."""

from enum import StrEnum

from pydantic import BaseModel, ConfigDict

__all__ = ["Doom", "Point"]


class Point(StrEnum):
    """Where a process dies."""

    BEFORE_COMMIT = "before commit"
    """Everything is written and not committed."""
    AFTER_COMMIT = "after commit"
    BEFORE_SEND = "before send"
    AFTER_SEND = "after send"
    """The request is on the wire, its answer is not read."""
    AFTER_ANSWER = "after answer"
    """The answer is read, and the bot does not know yet."""
    ANYWHERE = "anywhere"
    """It is killed from outside, wherever it is."""


class Doom(BaseModel):
    """One life.

    Attributes:
        config: The bot's configuration file.
        method: Which calls count; empty at commits.
        at: Number of the step that it dies at.
        stops: Whether it only stops there, until the next line of the input, and then goes on.
        patience: Seconds after which it is killed wherever it is.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    config: str
    point: Point
    method: str = ""
    at: int = 1
    stops: bool = False
    patience: float
