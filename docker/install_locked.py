#!/usr/bin/env python3
"""Install a requirement and what it needs, each as `requirements.lock` pins it, hashes checked.

    install_locked.py LOCK PYTHON REQUIREMENT

The lock holds the packages of every extra; pip takes no part of such a file. So pip first tells
which packages the requirement comes to at the locked versions, and installs the locked entries of
these. A requirement that is a wheel file is not in the lock and is installed last, without hash.
"""

import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path

__all__ = ["main"]


def main(lock: str, python: str, requirement: str) -> None:
    """Install `requirement` into the environment of the interpreter `python`."""
    entries = {_name(e): e for e in re.split(r"\n(?=\S)", Path(lock).read_text()) if e.strip()}
    with tempfile.TemporaryDirectory() as folder:
        versions, report, chosen = (Path(folder) / n for n in ("versions", "report", "chosen"))
        versions.write_text("\n".join(e.split("\\\n")[0].strip() for e in entries.values()))
        needed = ["--dry-run", "--ignore-installed", "--only-binary=:all:", f"--report={report}"]
        _pip(python, *needed, f"--constraint={versions}", requirement)
        found = {_name(i["metadata"]["name"]) for i in json.loads(report.read_text())["install"]}
        is_file = requirement.partition("[")[0].endswith(".whl")
        unlocked = found - entries.keys()
        if len(unlocked) > is_file:
            sys.exit(f"{lock} lacks one of {', '.join(sorted(unlocked))}: run `make lock`")
        chosen.write_text("\n".join(entry for name, entry in entries.items() if name in found))
        _pip(python, "--no-deps", "--require-hashes", f"--requirement={chosen}")
    if is_file:
        _pip(python, "--no-deps", requirement)


def _name(entry: str) -> str:
    return re.sub(r"[-_.]+", "-", entry.partition("==")[0]).strip().lower()


def _pip(python: str, *arguments: str) -> None:
    command = [sys.executable, "-m", "pip", f"--python={python}", "install", "--quiet"]
    done = subprocess.run([*command, "--no-cache-dir", *arguments], check=False)  # noqa: S603
    if done.returncode != 0:
        sys.exit(done.returncode)  # pip has said why


if __name__ == "__main__":
    main(*sys.argv[1:])
