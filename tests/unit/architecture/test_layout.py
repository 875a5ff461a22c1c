"""The tree itself: traps that break imports far away, and sizes."""

import ast
from pathlib import Path

import pytest

pytestmark = pytest.mark.unit

ROOT = Path(__file__).parents[3]
SOURCES = [
    path
    for folder in ("crds", "operator", "runtime", "central")
    for path in sorted((ROOT / folder).rglob("*.py"))
]


def test_operator_folder_is_no_package() -> None:
    assert not list((ROOT / "operator").glob("*.py"))


def test_every_folder_of_tests_is_a_package() -> None:
    folders = {path.parent for path in (ROOT / "tests").rglob("*.py")}
    assert [str(f) for f in folders if not (f / "__init__.py").exists()] == []


def test_no_module_is_longer_than_its_limit() -> None:
    limits = {
        path: 500 if "v1alpha1" in path.parts or "wire" in path.parts else 400 for path in SOURCES
    }
    lengths = {path: len(path.read_text().splitlines()) for path in SOURCES}
    assert {str(p.relative_to(ROOT)): n for p, n in lengths.items() if n > limits[p]} == {}


def test_no_folder_has_more_than_a_dozen_modules_by_much() -> None:
    counts: dict[Path, int] = {}
    for path in SOURCES:
        if path.name != "__init__.py":
            counts[path.parent] = counts.get(path.parent, 0) + 1
    assert {str(f.relative_to(ROOT)): n for f, n in counts.items() if n > 16} == {}


def test_kit_stays_small() -> None:
    kit = ROOT / "crds" / "dantaro_crds" / "kit"
    assert sum(len(path.read_text().splitlines()) for path in kit.glob("*.py")) <= 500


def test_every_module_says_what_it_exports() -> None:
    missing = [
        str(path.relative_to(ROOT))
        for path in SOURCES
        if "migrations" not in path.parts
        and path.name != "__main__.py"
        and "__all__" not in path.read_text()
    ]
    assert missing == []


def test_exported_names_exist() -> None:
    for path in SOURCES:
        tree = ast.parse(path.read_text())
        exported: set[str] = set()
        defined: set[str] = set()
        for node in tree.body:
            if isinstance(node, ast.Assign | ast.AnnAssign):
                targets = node.targets if isinstance(node, ast.Assign) else [node.target]
                names = {t.id for t in targets if isinstance(t, ast.Name)}
                if "__all__" in names and isinstance(node.value, ast.List):
                    exported = {str(ast.literal_eval(e)) for e in node.value.elts}
                defined |= names
            elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                defined.add(node.name)
            elif isinstance(node, ast.ImportFrom | ast.Import):
                defined |= {alias.asname or alias.name for alias in node.names}
        assert exported <= defined, path
