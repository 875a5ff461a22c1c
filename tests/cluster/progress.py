"""Progress on work that takes minutes: one line that counts on a terminal, a line a while else."""

import sys
import time
from typing import TextIO

__all__ = ["Progress"]

_EVERY_SECONDS = 20.0


class Progress:
    """Prints what is being done, how far it is and how long it took."""

    def __init__(self, out: TextIO | None = None) -> None:
        self._out = out or sys.stderr
        self._began = self._shown = time.monotonic()
        self._width = 0

    def say(self, text: str) -> None:
        """Print a line."""
        self._clear()
        print(text, file=self._out, flush=True)

    def begin(self, text: str) -> None:
        """Start the clock of one piece of work."""
        self._began = self._shown = time.monotonic()
        self.say(f"{text} ...")

    def step(self, text: str) -> None:
        """Tell how far it is: at once on a terminal, else every 20 seconds."""
        now = time.monotonic()
        line = f"  {text}, {now - self._began:.0f} s"
        if self._out.isatty():
            self._clear()
            self._out.write(line)
            self._out.flush()
            self._width = len(line)
        elif now - self._shown >= _EVERY_SECONDS:
            self._shown = now
            self.say(line)

    def end(self, text: str) -> None:
        """Tell how long it took."""
        self.say(f"{text} ready, {time.monotonic() - self._began:.1f} s")

    def _clear(self) -> None:
        if self._width:
            self._out.write("\r" + " " * self._width + "\r")
            self._width = 0
