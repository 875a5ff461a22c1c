from typing import Any

import pytest

from dantaro_operator.core.bots import Key
from dantaro_operator.core.local.documents import Finding, FolderScan, SourceFile, field_path
from dantaro_operator.core.local.folder import read_content
from dantaro_operator.core.local.registry import SOURCE_FILE
from tests.support.bots import make_grid_bot, make_scan, make_trading_bot
from tests.support.documents import allocation_document, grid_bot_document, trading_bot_document

pytestmark = pytest.mark.unit

GRID: Key = ("GridBot", "default", "grid")
STORED = {GRID: make_grid_bot(metadata={"annotations": {SOURCE_FILE: "bots.yaml"}})}


def texts(scan: FolderScan) -> list[str]:
    return [finding.text for finding in read_content(scan, {}).findings]


def test_a_good_folder_is_all_desired() -> None:
    scan = make_scan(a=[allocation_document()], b=[grid_bot_document(), trading_bot_document()])
    content = read_content(scan, {})
    assert [wish.resource.key[0] for wish in content.desired] == [
        "Allocation",
        "GridBot",
        "TradingBot",
    ]
    assert [wish.file for wish in content.desired] == ["a.yaml", "b.yaml", "b.yaml"]
    assert (content.findings, content.kept) == ((), frozenset())


@pytest.mark.parametrize(
    ("document", "want"),
    [
        pytest.param(
            grid_bot_document(gridz=3),
            "f.yaml:1: GridBot/grid: spec.gridz: unknown field",
            id="unknown-field",
        ),
        pytest.param(
            grid_bot_document(grids="ten"),
            "f.yaml:1: GridBot/grid: spec.grids: ",
            id="wrong-type",
        ),
        pytest.param(
            grid_bot_document(lowerPrice="110000000"),
            "f.yaml:1: GridBot/grid: spec.lowerPrice: lowerPrice must be < upperPrice, "
            "were 110000000 and 110000000",
            id="lower-not-below-upper",
        ),
        pytest.param(
            allocation_document(
                shares=[
                    {"kind": "GridBot", "name": "a", "percent": 60},
                    {"kind": "GridBot", "name": "b", "percent": 41},
                ]
            ),
            "f.yaml:1: Allocation/main: spec.shares: the shares must sum to at most 100 percent, "
            "were 101",
            id="shares-over-100",
        ),
        pytest.param({"kind": "GridBot"}, "f.yaml:1: GridBot: ", id="no-metadata"),
        pytest.param({"a": 1}, "f.yaml:1: ", id="not-an-object"),
        pytest.param(
            {"apiVersion": "dantaro.io/v1", "kind": "GridBott", "metadata": {"name": "x"}},
            "f.yaml:1: GridBott/x: ",
            id="unknown-kind",
        ),
    ],
)
def test_a_wrong_object_is_named_with_field_and_value(document: dict[str, Any], want: str) -> None:
    scan = make_scan(f=[document], g=[grid_bot_document("other")])
    found = texts(scan)
    assert found
    assert any(text.startswith(want) for text in found), found
    assert [w.resource.metadata.name for w in read_content(scan, {}).desired] == ["other"]


def test_another_group_is_left_alone() -> None:
    scan = make_scan(f=[{"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "keys"}}])
    assert texts(scan) == [
        (
            "f.yaml:1: Secret/keys: left alone: "
            "local mode uses only objects of dantaro.io/v1alpha1, this is v1"
        )
    ]


@pytest.mark.parametrize(
    ("version", "kind", "want"),
    [
        pytest.param("v1", "GridBot", "apiVersion: expected dantaro.io/v1alpha1", id="no-group"),
        pytest.param(
            "dantaro.oi/v1alpha1", "Allocation", "apiVersion: expected", id="group-misspelt"
        ),
        pytest.param("Dantaro.io/v1alpha1", "GridBot", "apiVersion: expected", id="capitals"),
        pytest.param("dantaro.io/v1", "GridBot", "apiVersion: expected", id="no-such-version"),
        pytest.param("dantaro.io/v1", "Secret", "kind: expected one of", id="no-such-kind"),
        pytest.param("agones.dev/v1", "Allocation", "left alone", id="a-kind-of-the-same-name"),
        pytest.param("apps/v1", "StatefulSet", "left alone", id="another-kind"),
    ],
)
def test_a_misspelt_version_is_told_from_another_api(version: str, kind: str, want: str) -> None:
    document = grid_bot_document() | {"apiVersion": version, "kind": kind}
    found = texts(make_scan(f=[document]))
    assert any(want in text for text in found), found
    assert ("left alone" in found[0]) is (want == "left alone")


def test_the_second_of_two_equal_names_is_refused() -> None:
    scan = make_scan(a=[grid_bot_document()], b=[grid_bot_document(grids=5)])
    content = read_content(scan, {})
    assert len(content.desired) == 1
    assert [finding.text for finding in content.findings] == [
        (
            "b.yaml:1: GridBot/grid: metadata.name: expected each object once, but it stands in "
            "a.yaml:1 already: remove or rename one"
        )
    ]


class _Unexpected(dict[str, Any]):
    """A document that no reader of ours expects."""

    def get(self, key: str, default: Any = None) -> Any:
        if key == "apiVersion":
            raise ValueError("Exceeds the limit")
        return super().get(key, default)


UNEXPECTED = _Unexpected()
BROKEN = SourceFile(name="bots.yaml", findings=(Finding(file="bots.yaml", message="no YAML"),))


@pytest.mark.parametrize(
    ("scan", "want_kept"),
    [
        pytest.param(FolderScan(), frozenset(), id="a-good-folder-keeps-nothing"),
        pytest.param(FolderScan(files=(BROKEN,)), {GRID}, id="broken-file"),
        pytest.param(
            FolderScan(findings=(Finding(message="cannot be read"),)), {GRID}, id="broken-folder"
        ),
        pytest.param(make_scan(bots=[grid_bot_document(grids=0)]), {GRID}, id="broken-object"),
        pytest.param(make_scan(bots=[{"kind": 3}]), {GRID}, id="object-without-a-name"),
        pytest.param(make_scan(others=[{"kind": 3}]), frozenset(), id="another-file-is-broken"),
        pytest.param(
            make_scan(bots=[grid_bot_document(allocationRef={"name": "other"})]),
            {GRID},
            id="change-that-is-not-allowed",
        ),
        pytest.param(make_scan(bots=[]), {GRID}, id="emptied-file"),
        pytest.param(make_scan(others=[]), frozenset(), id="another-file-is-empty"),
        pytest.param(
            make_scan(bots=[trading_bot_document()]), frozenset(), id="taken-out-of-its-file"
        ),
        pytest.param(
            make_scan(bots=[], new=[grid_bot_document()]), frozenset(), id="moved-to-another-file"
        ),
        pytest.param(make_scan(bots=[UNEXPECTED]), {GRID}, id="an-error-that-nobody-expected"),
        pytest.param(
            FolderScan(files=(BROKEN, *make_scan(new=[grid_bot_document()]).files)),
            frozenset(),
            id="moved-to-a-good-file",
        ),
    ],
)
def test_what_cannot_be_read_goes_on_as_it_was(scan: FolderScan, want_kept: set[Key]) -> None:
    content = read_content(scan, STORED)
    assert content.kept == want_kept
    goes_on = [f.object for f in content.findings if "goes on as it was" in f.message]
    assert goes_on == ["GridBot/grid"] * len(want_kept)


def test_a_change_that_is_not_allowed_says_so() -> None:
    scan = make_scan(bots=[grid_bot_document(allocationRef={"name": "other"})])
    assert "allocationRef.name cannot be changed" in read_content(scan, STORED).findings[0].text


def test_an_emptied_file_says_what_was_in_it() -> None:
    staged = make_trading_bot(metadata={"annotations": {SOURCE_FILE: "bots.yaml"}})
    stored = {**STORED, staged.key: staged}
    assert [f.text for f in read_content(make_scan(bots=[]), stored).findings][:1] == [
        (
            "bots.yaml: expected the objects that were here (GridBot/grid, TradingBot/staged), "
            "found an empty file: put them back, or delete the file to delete them"
        )
    ]


def test_an_emptied_file_takes_no_deletion_back() -> None:
    old = make_grid_bot(
        metadata={
            "annotations": {SOURCE_FILE: "bots.yaml"},
            "deletionTimestamp": "2026-01-02T00:00:00Z",
        }
    )
    content = read_content(make_scan(bots=[]), {GRID: old})
    assert (content.findings, content.kept) == ((), frozenset())


def test_an_unexpected_error_hides_no_other_file() -> None:
    content = read_content(make_scan(a=[UNEXPECTED], b=[grid_bot_document()]), {})
    assert [finding.text for finding in content.findings] == [
        "a.yaml:1: expected an object that can be read, found something else: Exceeds the limit"
    ]
    assert [wish.resource.key for wish in content.desired] == [GRID]


def test_notes_about_the_folder_are_told_and_keep_nothing() -> None:
    note = Finding(message="sub-folders are not read")
    content = read_content(FolderScan(notes=(note,)), STORED)
    assert (content.findings, content.kept) == ((note,), frozenset())


def test_where_a_refused_object_stands_is_remembered() -> None:
    scan = make_scan(account=[allocation_document(budget="none")])
    assert read_content(scan, {}).wrong == {("Allocation", "default", "main"): "account.yaml:1"}


@pytest.mark.parametrize(
    ("text", "want"),
    [
        ("spec.shares[1].name", ("spec", "shares", 1, "name")),
        ("metadata.annotations[dantaro.io/reset]", ("metadata", "annotations", "dantaro.io/reset")),
        ("", ()),
    ],
)
def test_field_paths_are_read(text: str, want: tuple[str | int, ...]) -> None:
    assert field_path(text) == want
