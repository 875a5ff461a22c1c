"""What exists for one bot at one moment: the process, its configuration, its last report."""

from dataclasses import dataclass
from datetime import datetime

from dantaro_crds.wire.bot_config import BotConfig
from dantaro_crds.wire.bot_status import BotReport
from dantaro_crds.wire.bundle import CentralHealth

__all__ = ["NOTHING", "BotObserved", "CentralObserved", "Hindrance", "ProcessFacts"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Hindrance:
    """What keeps a process from running, as whoever should run it says.

    Attributes:
        reason: PascalCase code.
        message: One sentence that says what to do, if anything.
        needs_person: Whether no time heals it.
    """

    reason: str
    message: str
    needs_person: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessFacts:
    """One process, as its supervisor sees it.

    Attributes:
        running: Whether it runs now.
        pid: Its process id; None while it does not run.
        failures: Ends in a row that nobody asked for; 0 after a good while of running.
        exit_code: Of the last end that nobody asked for, negative for a signal; None before one.
        words: The last error that it logged before that end; empty if there is none.
        retry_in: Seconds until the next start; None while running or when there is none to come.
        blocked: Why a start can hardly help before something changes; empty when nothing is wrong.
        started: Wall time of the last start; None before one.
        hindrance: What keeps it from running besides its own ends; None if nothing is known to.
    """

    running: bool = False
    pid: int | None = None
    failures: int = 0
    exit_code: int | None = None
    words: str = ""
    retry_in: float | None = None
    blocked: str = ""
    started: datetime | None = None
    hindrance: Hindrance | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BotObserved:
    """What exists for one bot.

    Attributes:
        config: The configuration that was last handed to it; None if there never was one.
        process: Its process.
        report: What it last said of itself; None if it never said anything.
        answered: Whether that report is of the process that runs now.
        silent: Whether the process runs and has not answered for a while.
        behind: Why its pod is not the newest, one sentence; empty if it is.
        expelled: Whether its namespace is being deleted, so that it will never run again.
    """

    config: BotConfig | None = None
    process: ProcessFacts = ProcessFacts()
    report: BotReport | None = None
    answered: bool = False
    silent: bool = False
    behind: str = ""
    expelled: bool = False

    @property
    def current(self) -> BotReport | None:
        """The report of the process that runs now; None if none runs or it said nothing."""
        return self.report if self.process.running and self.answered else None


@dataclass(frozen=True, slots=True, kw_only=True)
class CentralObserved:
    """What exists of central.

    Attributes:
        process: Its process.
        url: Root of its API; None before its port is chosen.
        health: What it last said of itself; None if it does not answer.
    """

    process: ProcessFacts = ProcessFacts()
    url: str | None = None
    health: CentralHealth | None = None


NOTHING = BotObserved()
"""A bot of which nothing exists yet."""
