"""Changes the code of the books one place at a time and tells which changes no test notices.

Works on a copy: the changed code never lies in the tree that people and other tests use. Prints
the score of each module and every survivor, and fails when the score falls below its floor.
"""

import json
import os
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

SCORE_FLOOR = 80.0
"""Least part of the changes that a test must notice, percent."""

MODULES = ("ledger", "risk", "permit", "order_guard", "reconcile")
"""Modules of the runtime's core that decide about money, and so are changed."""

TESTS = "tests/unit/runtime/core"
"""Folder of the tests that must notice."""

TEST_MODULES = (
    "ledger",
    "reconcile",
    "risk",
    "risk_limits",
    "limit_looks",
    "order_guard",
    "desk",
    "desk_limits",
)
"""The tests of these modules only, to be fast."""

_COPY = Path("build/mutation")

_KILLED = {1, 3, 24, 36, -9, -24, 152, 255}
"""Exit codes of the tests of a change that was noticed: a failure, an error or no end."""

_SURVIVED = {0, 5, 33}
"""Exit codes of one that was not: all tests passed, or none runs the code."""

_CONFIG = """
[tool.mutmut]
source_paths = ["src"]
only_mutate = {only}
also_copy = ["tests"]
pytest_add_cli_args_test_selection = {tests}
pytest_add_cli_args = ["--hypothesis-seed=0", "-p", "no:cacheprovider"]
"""


def main() -> int:
    """Copy, change, test and report; return the exit status."""
    _lay_out(_COPY)
    print("Changing the code and testing each change: takes some minutes...", flush=True)
    # The command finds its own Python on the path, and so the project's packages.
    path = os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"]))
    run = subprocess.run(
        ["mutmut", "run", "--max-children", str(os.cpu_count() or 1)],
        cwd=_COPY,
        env={**os.environ, "PATH": path},
        check=False,
        capture_output=True,
        text=True,
    )
    results = _load_results(_COPY)
    if run.returncode or not results:
        print(run.stdout[-4000:], run.stderr[-4000:], sep="\n")
        print("expected mutmut to run to its end and change something, it did not: see above")
        return 1
    return _report(results)


def _lay_out(copy: Path) -> None:
    """Write a small project: mutmut takes the folder src/ off the names of modules."""
    shutil.rmtree(copy, ignore_errors=True)
    no_cache = shutil.ignore_patterns("__pycache__")
    shutil.copytree("runtime/dantaro_runtime", copy / "src/dantaro_runtime", ignore=no_cache)
    for folder in ("tests/support", TESTS):
        shutil.copytree(folder, copy / folder, ignore=no_cache)
    for folder in ("tests", "tests/unit", "tests/unit/runtime"):
        shutil.copy(f"{folder}/__init__.py", copy / folder)
    shutil.copy("tests/conftest.py", copy / "tests")
    only = [f"src/dantaro_runtime/core/{module}.py" for module in MODULES]
    tests = [f"{TESTS}/test_{module}.py" for module in TEST_MODULES]
    config = _CONFIG.format(only=json.dumps(only), tests=json.dumps(tests))
    (copy / "pyproject.toml").write_text(Path("pyproject.toml").read_text() + config)


def _load_results(copy: Path) -> dict[str, int]:
    """Return the exit code of the tests by change."""
    results: dict[str, int] = {}
    for module in MODULES:
        file = copy / f"mutants/src/dantaro_runtime/core/{module}.py.meta"
        if file.exists():
            results |= json.loads(file.read_text())["exit_code_by_key"]
    return results


def _report(results: dict[str, int]) -> int:
    survivors = [name for name, code in results.items() if code in _SURVIVED]
    odd = {name: code for name, code in results.items() if code not in _SURVIVED | _KILLED}
    made, left = Counter(map(_module, results)), Counter(map(_module, survivors))
    for name in survivors:
        print(_diff(name))
    print(f"{'mutation score':20} {'changes':>8} {'noticed':>8} {'score':>8}")
    for module in MODULES:
        _print_row(module, made[module], left[module])
    _print_row("all", len(results), len(survivors))
    if odd:
        print(f"the tests of these changes neither passed nor failed: {odd}")
        return 1
    if _score(len(results), len(survivors)) < SCORE_FLOOR:
        print(f"the tests must notice at least {SCORE_FLOOR} % of all changes")
        return 1
    return 0


def _module(name: str) -> str:
    return name.split(".")[2]


def _score(made: int, left: int) -> float:
    return 100 * (made - left) / max(made, 1)


def _print_row(name: str, made: int, left: int) -> None:
    print(f"{name:20} {made:8} {made - left:8} {_score(made, left):7.1f}%")


def _diff(name: str) -> str:
    command = [str(Path(sys.executable).parent / "mutmut"), "show", name]
    shown = subprocess.run(command, cwd=_COPY, check=True, capture_output=True, text=True)
    return shown.stdout


if __name__ == "__main__":
    sys.exit(main())
