"""Where `dantaro up` shows its rounds: a live table on a terminal, plain lines elsewhere."""

from typing import Protocol, TextIO

from rich.console import Console, Group
from rich.live import Live
from rich.table import Table as RichTable
from rich.text import Text

from dantaro_crds.kit.clock import Clock
from dantaro_operator.core.local.screen import Screen
from dantaro_operator.core.local.table import Table, fit_table, table_text

__all__ = ["Display", "LiveDisplay", "PlainDisplay"]

PLAIN_EVERY = 3.0
"""Plain pictures come no more often than this, seconds."""

_GAP = 2
"""Signs that rich puts between two columns."""

_PHASE_STYLES = {
    "Running": "green",
    "Starting": "cyan",
    "Stopping": "yellow",
    "Stopped": "yellow",
    "Pending": "magenta",
    "Error": "bold red",
}


class Display(Protocol):
    """Shows pictures."""

    def show(self, screen: Screen) -> None:
        """Show a picture, or leave it out if it says nothing new."""
        ...

    def close(self, screen: Screen | None) -> None:
        """Show a last picture for good."""
        ...


class PlainDisplay:
    """Lines of text, only when something changed."""

    def __init__(self, out: TextIO, *, clock: Clock) -> None:
        self._out = out
        self._clock = clock
        self._shown: tuple[object, ...] | None = None
        self._told: tuple[str, ...] = ()
        self._subjects: frozenset[str] = frozenset()
        self._last = float("-inf")

    def show(self, screen: Screen) -> None:
        """Print a picture if it differs, and the last one was a while ago or a message is new."""
        now = self._clock.monotonic()
        is_early = now - self._last < PLAIN_EVERY and _subjects(screen) <= self._subjects
        if is_early or screen.fingerprint() == self._shown:
            return
        self._last = now
        self._print(screen)

    def close(self, screen: Screen | None) -> None:
        """Print the last picture unless it stands there already."""
        if screen is not None and screen.fingerprint() != self._shown:
            self._print(screen)

    def _print(self, screen: Screen) -> None:
        self._shown = screen.fingerprint()
        self._subjects = _subjects(screen)
        parts = [f"{screen.time:%H:%M:%S} {screen.title}"]
        parts += [table_text(table.header, table.rows) for table in screen.tables]
        if screen.messages != self._told:
            parts += [f"! {message}" for message in screen.messages]
            self._told = screen.messages
        self._out.write("\n".join(parts) + "\n\n")
        self._out.flush()


def _subjects(screen: Screen) -> frozenset[str]:
    """Return what messages are about: one that only has other figures is no reason to hurry."""
    return frozenset(message.partition(": ")[0] for message in screen.messages)


class LiveDisplay:
    """A table that moves."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._live = Live(console=console, auto_refresh=False)
        self._live.start()

    def show(self, screen: Screen) -> None:
        """Draw a picture over the last one."""
        self._live.update(_draw(screen, self._console.width), refresh=True)

    def close(self, screen: Screen | None) -> None:
        """Leave a last picture on the terminal."""
        if screen is not None:
            self.show(screen)
        self._live.stop()


def _draw(screen: Screen, width: int) -> Group:
    parts: list[Text | RichTable] = [Text(screen.title, style="bold")]
    for table in screen.tables:
        parts += [Text(""), _rich_table(fit_table(table, width, gap=_GAP))]
    if screen.messages:
        parts.append(Text(""))
    parts += [Text(f"! {message}", style="yellow") for message in screen.messages]
    return Group(*parts)


def _rich_table(table: Table) -> RichTable:
    drawn = RichTable(box=None, pad_edge=False, header_style="dim")
    for title in table.header:
        # A number that is cut is another number: what still does not fit goes on below.
        drawn.add_column(title, overflow="fold")
    for row in table.rows:
        drawn.add_row(*(Text(cell, style=_style(cell)) for cell in row))
    return drawn


def _style(cell: str) -> str:
    return _PHASE_STYLES.get(cell, "")
