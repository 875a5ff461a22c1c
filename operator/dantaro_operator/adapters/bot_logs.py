"""Reads the end of a bot's log for a person."""

import json
from collections.abc import Sequence
from pathlib import Path

from dantaro_crds.v1alpha1.resource import Resource
from dantaro_operator.adapters.local_machine import LOG_NAME, bot_folder_name

__all__ = ["BotLogs", "readable_line"]

TAIL_BYTES = 65_536
"""How much of the end of a log is read."""

EVENTS = 10
"""How many lines are shown."""

_HIDDEN = frozenset({"ts", "level", "event"})


class BotLogs:
    """The logs below one folder of bots."""

    def __init__(self, bots: Path) -> None:
        self._bots = bots

    def last_events(self, resource: Resource) -> Sequence[str]:
        """Return the last lines of a bot's log, readable; none for other kinds."""
        names = resource.metadata
        folder = bot_folder_name(
            kind=resource.kind, namespace=names.namespace, name=names.name, uid=names.uid
        )
        try:
            with (self._bots / folder / LOG_NAME).open("rb") as log:
                log.seek(max(log.seek(0, 2) - TAIL_BYTES, 0))
                lines = log.read().decode(errors="replace").splitlines()
        except OSError:
            return ()
        return [readable_line(line) for line in lines[-EVENTS:]]


def readable_line(line: str) -> str:
    """Return a JSON log line as `time level event name=value ...`; other lines as they are."""
    try:
        entry = json.loads(line)
    except ValueError:
        return line
    if not isinstance(entry, dict):
        return line
    head = " ".join(str(entry.get(name, "")) for name in ("ts", "level", "event"))
    rest = " ".join(f"{name}={value}" for name, value in entry.items() if name not in _HIDDEN)
    return f"{head} {rest}".strip()
