"""Reads the end of the log of one of our processes."""

import json
from pathlib import Path

__all__ = ["last_error", "last_lines", "readable_line"]

TAIL_BYTES = 65_536
"""How much of the end of a log is read."""

_PREFIX = "dantaro-central: "
"""How central says why it gives up."""

_HIDDEN = frozenset({"ts", "level", "event"})


def last_lines(path: Path, count: int) -> list[str]:
    """Return the last lines of a log, oldest first; none if there is no log."""
    try:
        with path.open("rb") as log:
            log.seek(max(log.seek(0, 2) - TAIL_BYTES, 0))
            return log.read().decode(errors="replace").splitlines()[-count:]
    except OSError:
        return []


def last_error(path: Path) -> str:
    """Return the newest error in the last lines of a log, one sentence; empty if there is none."""
    found = (_error_in(line) for line in reversed(last_lines(path, 20)))
    return next((words for words in found if words), "")


def readable_line(line: str) -> str:
    """Return a JSON log line as `time level event name=value ...`; other lines as they are."""
    entry = _entry(line)
    if entry is None:
        return line
    head = " ".join(str(entry.get(name, "")) for name in ("ts", "level", "event"))
    rest = " ".join(f"{name}={value}" for name, value in entry.items() if name not in _HIDDEN)
    return f"{head} {rest}".strip()


def _error_in(line: str) -> str:
    if line.startswith(_PREFIX):
        return line.removeprefix(_PREFIX)
    entry = _entry(line)
    if entry is None or entry.get("level") not in {"error", "critical"}:
        return ""
    words = [str(entry[name]) for name in ("event", "message", "error") if entry.get(name)]
    return ": ".join(words)


def _entry(line: str) -> dict[str, object] | None:
    try:
        entry = json.loads(line)
    except ValueError:
        return None
    return entry if isinstance(entry, dict) else None
