"""Reads the end of a bot's log for a person."""

from collections.abc import Sequence
from pathlib import Path

from dantaro_crds.v1alpha1.resource import Resource
from dantaro_operator.adapters.local_machine import LOG_NAME, bot_folder_name
from dantaro_operator.adapters.log_files import last_lines, readable_line

__all__ = ["BotLogs"]

EVENTS = 10
"""How many lines are shown."""


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
        lines = last_lines(self._bots / folder / LOG_NAME, EVENTS)
        return [readable_line(line) for line in lines]
