"""The fault guide against the tests: each one that it names exists, and no row lacks its proof."""

import ast
import re
from functools import cache
from pathlib import Path

import pytest

pytestmark = pytest.mark.unit

TESTS = Path(__file__).parents[2]
GUIDE = (TESTS.parent / "docs" / "guide" / "faults.md").read_text(encoding="utf-8")
PARTS = re.split(r"^## (\d+)\. .+\n", GUIDE, flags=re.MULTILINE)[1:]
ROWS = [
    pytest.param(*[cell.strip() for cell in line.strip("|").split(" | ")], id=f"{number}-{place}")
    for number, part in zip(PARTS[::2], PARTS[1::2], strict=True)
    for place, line in enumerate(re.findall(r"^\| .+$", part, flags=re.MULTILINE)[1:], start=1)
]
NAME = re.compile(r"`([a-z_/0-9]+\.py)::(test_[a-z0-9_]+)`")
REASON = re.compile(r"No test: \w.{20,}\.")


@cache
def names_in(path: str) -> set[str]:
    """Return the names of the tests of a file, which is not run."""
    tree = ast.parse((TESTS / path).read_text(encoding="utf-8"))
    return {
        node.name
        for node in tree.body
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and node.name.startswith("test_")
    }


def test_each_of_the_fifteen_sections_has_rows() -> None:
    assert [int(number) for number in PARTS[::2]] == [*range(1, 16)]
    assert all("\n| " in part for part in PARTS[1::2])
    assert len(ROWS) > 80


@pytest.mark.parametrize(("fault", "handling", "proof"), ROWS)
def test_a_row_has_a_test_that_exists_or_a_reason(fault: str, handling: str, proof: str) -> None:
    assert fault
    assert handling
    if REASON.fullmatch(proof):
        return
    named = NAME.findall(proof)
    assert "<br>".join(f"`{path}::{name}`" for path, name in named) == proof
    assert [f"{path}::{name}" for path, name in named if name not in names_in(path)] == []
