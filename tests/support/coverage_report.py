"""Prints line and branch coverage by package, and fails when a core falls below its floor."""

import json
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

CORE_FLOOR = 95.0
"""Least coverage of all core packages together, percent of lines and of branches."""


def main() -> int:
    """Combine the data of all processes, print a table, return the exit status."""
    coverage = [sys.executable, "-m", "coverage"]
    # Nothing is left to combine where the test runner has done it.
    subprocess.run([*coverage, "combine", "--quiet"], check=False, capture_output=True)
    subprocess.run([*coverage, "json", "--quiet", "-o", ".coverage.json"], check=True)
    files = json.loads(Path(".coverage.json").read_text())["files"]
    Path(".coverage.json").unlink()
    sums: dict[str, list[int]] = defaultdict(lambda: [0, 0, 0, 0])
    for name, entry in files.items():
        summary = entry["summary"]
        figures = (
            summary["covered_lines"],
            summary["num_statements"],
            summary["covered_branches"],
            summary["num_branches"],
        )
        package = next(part for part in Path(name).parts if part.startswith("dantaro_"))
        groups = [package, "all"]
        if "core" in Path(name).parts:
            groups += [f"{package}/core", "all cores"]
        for group in groups:
            sums[group] = [a + b for a, b in zip(sums[group], figures, strict=True)]
    print(f"{'coverage':26} {'lines':>8} {'branches':>9}")
    for group in sorted(sums):
        lines, branches = _percent(sums[group])
        print(f"{group:26} {lines:7.1f}% {branches:8.1f}%")
    lines, branches = _percent(sums["all cores"])
    if min(lines, branches) < CORE_FLOOR:
        print(f"core coverage must be at least {CORE_FLOOR} % of lines and of branches")
        return 1
    return 0


def _percent(figures: list[int]) -> tuple[float, float]:
    lines, statements, taken, branches = figures
    return 100 * lines / max(statements, 1), 100 * taken / max(branches, 1)


if __name__ == "__main__":
    sys.exit(main())
