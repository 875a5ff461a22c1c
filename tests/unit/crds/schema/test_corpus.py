"""`validate` and `dantaro validate` over the corpus of good and bad objects."""

from collections import Counter
from pathlib import Path

import pytest

from dantaro_crds.schema.rules import rules_of
from dantaro_crds.schema.structural import Schema, structural_schema
from dantaro_crds.v1alpha1.kinds import KINDS, dump, parse
from dantaro_crds.v1alpha1.rule import Rule
from dantaro_crds.values import DECIMAL_PATTERN, POSITIVE_DECIMAL_PATTERN
from dantaro_operator.cli import main
from tests.support.corpus import CORPUS, Case, part_of

pytestmark = pytest.mark.unit

NEW = [case for case in CORPUS if case.old is None]


@pytest.mark.parametrize("case", CORPUS, ids=lambda case: case.id)
def test_validate_says_what_the_case_wants(case: Case) -> None:
    findings = case.findings()
    assert [finding.field for finding in findings] == [wrong.field for wrong in case.refused]
    for finding, wrong in zip(findings, case.refused, strict=True):
        assert wrong.ours in finding.message


@pytest.mark.parametrize(
    "case", [case for case in CORPUS if case.becomes], ids=lambda case: case.id
)
def test_the_models_fill_in_the_defaults_that_the_case_wants(case: Case) -> None:
    document = {key: value for key, value in case.document.items() if key != "status"}
    whole = dump(parse(KINDS[document["kind"]], document))
    assert part_of(case.becomes, whole) == case.becomes


@pytest.mark.parametrize("case", NEW, ids=lambda case: case.id)
def test_the_command_says_the_same_with_the_file_and_never_a_traceback(
    case: Case, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "object.yaml"
    path.write_text(case.text, encoding="utf-8")
    with pytest.raises(SystemExit) as ended:
        main(["validate", str(path)])
    said = capsys.readouterr()
    wanted = [wrong.ours for wrong in case.refused] + [case.operator] * bool(case.operator)
    assert ended.value.code == (1 if wanted else 0), said
    assert "Traceback" not in said.err
    assert all(f"error: {path}:" in said.err and text in said.err for text in wanted)
    assert wanted or said.out.startswith(f"{path}:")


def test_the_command_over_all_of_them_at_once_names_every_file_that_is_wrong(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for number, case in enumerate(NEW):
        (tmp_path / f"{number}.yaml").write_text(case.text, encoding="utf-8")
    with pytest.raises(SystemExit) as ended:
        main(["validate", str(tmp_path)])
    said = capsys.readouterr().err
    assert ended.value.code == 1
    assert "Traceback" not in said
    for number, case in enumerate(NEW):
        assert not case.refused or f"error: {tmp_path / str(number)}.yaml:" in said, case.id


@pytest.mark.parametrize(
    ("kind", "rule"),
    [
        pytest.param(name, rule, id=f"{name}: {rule.message}")
        for name, kind in KINDS.items()
        for rule in rules_of(kind)
    ],
)
def test_every_rule_is_broken_by_a_case_that_both_sides_refuse_in_its_words(
    kind: str, rule: Rule
) -> None:
    words = [
        wrong.ours
        for case in CORPUS
        if case.document.get("kind") == kind
        for wrong in case.refused
        if wrong.ours == wrong.server
        and wrong.field == ".".join((*rule.at, rule.field)).rstrip(".")
    ]
    assert any(word.startswith(rule.message) for word in words)


def places(schema: Schema, path: str = "spec") -> list[tuple[str, Schema]]:
    """Return every field below a schema with its path; items of a list have position 0."""
    found = [(path, schema)]
    for name, child in schema.get("properties", {}).items():
        found += places(child, f"{path}.{name}")
    if "items" in schema:
        found += places(schema["items"], f"{path}[0]")
    return found


SPECS = [
    (name, path, schema)
    for name, kind in KINDS.items()
    for path, schema in places(structural_schema(kind)["properties"]["spec"])
]
DECIMALS = {DECIMAL_PATTERN, POSITIVE_DECIMAL_PATTERN}
"""Two patterns with one length stand at many fields: the prices of a grid show them."""

SHARED = {path for kind, path, _ in SPECS if kind == "GridBot"} & {
    path for kind, path, _ in SPECS if kind == "TradingBot"
}
"""Fields of both kinds of bots; a case of either will do."""


def refusals(kind: str, path: str) -> list[str]:
    kinds = {"GridBot", "TradingBot"} if path in SHARED else {kind}
    return [
        wrong.ours
        for case in CORPUS
        if case.document.get("kind") in kinds
        for wrong in case.refused
        if wrong.field == path
    ]


@pytest.mark.parametrize(
    ("kind", "path", "words"),
    [
        pytest.param(kind, path, words, id=f"{kind} {path} {key}")
        for kind, path, schema in SPECS
        for key, words in {
            "enum": "expected one of",
            "minimum": "must be >=",
            "maximum": "must be <=",
            "maxItems": "items, were",
            "maxLength": "signs, were",
            "pattern": "expected a",
        }.items()
        if key in schema and schema.get("pattern") not in DECIMALS
    ]
    + [
        pytest.param(kind, f"{path}.{name}", "required and missing", id=f"{kind} {path}.{name}")
        for kind, path, schema in SPECS
        for name in schema.get("required", ())
    ],
)
def test_every_limit_of_every_schema_is_broken_by_a_case(kind: str, path: str, words: str) -> None:
    assert any(words in said for said in refusals(kind, path)), refusals(kind, path)


def test_names_are_told_apart_and_the_corpus_is_large() -> None:
    assert [case_id for case_id, n in Counter(c.id for c in CORPUS).items() if n > 1] == []
    good = sum(not case.refused for case in CORPUS)
    assert good >= 100
    assert len(CORPUS) - good >= 150
    assert sum(bool(case.stricter) for case in CORPUS) <= 5
