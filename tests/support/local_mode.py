"""Drives a real `dantaro up` as a process, and looks at it as a person would."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self

import yaml

from tests.support.eventually import eventually

__all__ = ["LocalMode", "run_dantaro"]

COMMAND = (sys.executable, "-m", "dantaro_operator")
"""The command `dantaro`."""


def run_dantaro(*arguments: str, timeout: float = 60) -> subprocess.CompletedProcess[str]:
    """Run a command to its end."""
    return subprocess.run(
        (*COMMAND, *arguments), capture_output=True, text=True, timeout=timeout, check=False
    )


class LocalMode:
    """A folder of YAML and the `dantaro up` that works on it. No process outlives the `with`."""

    def __init__(self, folder: Path, *options: str) -> None:
        """Choose a folder.

        Args:
            folder: Made when missing.
            options: Further options of `dantaro up`.
        """
        self.folder = folder
        self.options = options
        self.out = folder.parent / f"{folder.name}.out"
        self._process: subprocess.Popen[bytes] | None = None
        folder.mkdir(parents=True, exist_ok=True)

    def __enter__(self) -> Self:
        """Start nothing yet."""
        return self

    def __exit__(self, *_: object) -> None:
        """End everything that was started."""
        if self._process is not None and self._process.poll() is None:
            self._process.kill()
            self._process.wait()
        self.wait_for(lambda: not self.children(), "every child to be gone")

    def write(self, name: str, *documents: dict[str, Any]) -> None:
        """Write a file of documents."""
        text = yaml.safe_dump_all(documents, sort_keys=False)
        fresh = self.folder / f".{name}.new"
        fresh.write_text(text, encoding="utf-8")
        fresh.replace(self.folder / name)

    def up(self) -> None:
        """Start `dantaro up`."""
        with self.out.open("ab") as out:
            self._process = subprocess.Popen(
                (*COMMAND, "up", str(self.folder), "--plain", *self.options),
                stdout=out,
                stderr=out,
                stdin=subprocess.DEVNULL,
            )

    def interrupt(self) -> int:
        """Press Ctrl-C and return the exit code."""
        assert self._process is not None
        self._process.send_signal(signal.SIGINT)
        return self._process.wait(timeout=30)

    def wait_until_over(self, timeout: float = 50) -> int:
        """Wait until `up` ends by itself and return the exit code."""
        assert self._process is not None
        return self._process.wait(timeout=timeout)

    def kill(self) -> None:
        """`kill -9` of `dantaro up` itself."""
        assert self._process is not None
        self._process.kill()
        self._process.wait()

    @property
    def pid(self) -> int:
        """Return the process of `dantaro up`."""
        assert self._process is not None
        return self._process.pid

    @property
    def text(self) -> str:
        """Everything that was printed."""
        return self.out.read_text(encoding="utf-8")

    def get(self, kind: str, name: str) -> dict[str, Any]:
        """Return a stored object; empty if there is none."""
        path = self.folder / ".dantaro" / "objects" / kind / f"default.{name}.json"
        try:
            found: dict[str, Any] = json.loads(path.read_bytes())
        except FileNotFoundError:
            return {}
        return found

    def report(self, kind: str, name: str) -> dict[str, Any]:
        """Return the last report of a bot; empty if there is none."""
        uid = self.get(kind, name).get("metadata", {}).get("uid", "")
        try:
            found: dict[str, Any] = json.loads(
                (self.folder / ".dantaro" / "reports" / f"{uid}.json").read_bytes()
            )
        except FileNotFoundError:
            return {}
        return found

    def children(self) -> list[int]:
        """Return the processes that work for this folder."""
        mark = str(self.folder).encode()
        return [
            int(path.parent.name)
            for path in Path("/proc").glob("[0-9]*/cmdline")
            if _is_child(path, mark)
        ]

    def pid_of(self, text: str) -> int:
        """Return the process whose command line holds a text."""
        mark = str(self.folder).encode()
        found = [
            int(path.parent.name)
            for path in Path("/proc").glob("[0-9]*/cmdline")
            if _is_child(path, mark) and text.encode() in _command(path)
        ]
        assert len(found) == 1, found
        return found[0]

    def kill_child(self, text: str) -> int:
        """`kill -9` of one child, named by a part of its command line, as soon as it runs."""
        pid = eventually(lambda: self.pid_of(text))
        os.kill(pid, signal.SIGKILL)
        return pid

    def wait_for(self, check: Callable[[], Any], what: str, timeout: float = 40) -> None:
        """Wait until a condition holds, or fail and tell what was printed."""
        try:
            eventually(check, timeout=timeout)
        except (AssertionError, OSError) as error:
            printed = self.text[-3000:] if self.out.exists() else ""
            raise AssertionError(f"waited {timeout} s for {what}; printed:\n{printed}") from error


def _command(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""


def _is_child(path: Path, mark: bytes) -> bool:
    command = _command(path)
    return mark in command and (b"dantaro_runtime" in command or b"dantaro_central" in command)
