from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dantaro_operator.adapters.yaml_values import MAX_FILE_BYTES, parse_yaml, to_yaml

pytestmark = pytest.mark.unit


def value(text: str) -> Any:
    source = parse_yaml(f"x: {text}\n".encode(), "f.yaml")
    assert source.findings == ()
    return source.documents[0].data["x"]


@pytest.mark.parametrize(
    ("text", "want"),
    [
        ("2026-01-31T09:00:00Z", "2026-01-31T09:00:00Z"),
        ("2026-01-31", "2026-01-31"),
        ("12:30", "12:30"),
        ("1:30:00", "1:30:00"),
        ("yes", True),
        ("off", False),
        ("y", True),
        ("N", False),
        ("true", True),
        ("'true'", "true"),
        ("~", None),
        ("", None),
        ("3000", 3000),
        ('"3000"', "3000"),
        ("-5", -5),
        ("014", 12),
        ("0x1F", 31),
        ("0b101", 5),
        ("1_000", 1000),
        ("1.5", 1.5),
        ("1_0.5", 10.5),
        ("0_8", 8.0),
        (".5_0", ".5_0"),
        ("1e5", 100000.0),
        ("1.", 1.0),
        ("KRW-BTC", "KRW-BTC"),
        ("!!str 5", "5"),
        ("[1, a]", [1, "a"]),
        ("{a: {b: c}}", {"a": {"b": "c"}}),
        ("&a 1", 1),
        ("{a: &b [1], c: *b}", {"a": [1], "c": [1]}),
    ],
)
def test_values_are_what_kubectl_would_send(text: str, want: Any) -> None:
    found = value(text)
    assert (found, type(found)) == (want, type(want))


@pytest.mark.parametrize(
    ("content", "want"),
    [
        pytest.param(
            b"a: 1\na: 2", "f.yaml:2: expected each key once, found 'a' twice", id="twice"
        ),
        pytest.param(b"a: [1", "f.yaml:1: YAML syntax: ", id="open-list"),
        pytest.param(b"a: 1\nb:\n\t- x", "f.yaml:3: YAML syntax: ", id="tab"),
        pytest.param(b"a: b: c", "f.yaml:1: YAML syntax: mapping values", id="two-colons"),
        pytest.param(b"- 1", "f.yaml:1: expected an object with apiVersion", id="list"),
        pytest.param(b"text", "f.yaml:1: expected an object", id="text"),
        pytest.param(b"a: !!python/object:x y", "f.yaml:1: the tag", id="foreign-tag"),
        pytest.param(b"a: !!python/tuple [1]", "f.yaml:1: the tag", id="foreign-tag-of-a-list"),
        pytest.param(b"a: !!set {b}", "f.yaml:1: the tag", id="foreign-tag-of-a-mapping"),
        pytest.param(
            b"a: 1\nb: " + b"9" * 5000,
            "f.yaml:2: expected a number of at most 100 signs",
            id="huge-number",
        ),
        pytest.param(
            b"a: 0x" + b"f" * 5000, "f.yaml:1: expected a number of at most 100", id="huge-hex"
        ),
        pytest.param(b"a: 0b_", "f.yaml:1: expected a number, was 0b", id="number-without-digits"),
        pytest.param(b"a: 1e999", "f.yaml:1: expected a number that is not", id="endless-number"),
        pytest.param(b'a: "\\ud800"', "f.yaml:1: expected text, found half", id="half-a-sign"),
        pytest.param(b'"\\ud800": 1', "f.yaml:1: expected text, found half", id="half-in-a-key"),
        pytest.param(b"a: .nan", "f.yaml:1: expected a number, was .nan", id="nan"),
        pytest.param(b"a:\n  <<: {b: 1}", "f.yaml:2: merge keys", id="merge-key"),
        pytest.param(b"? [1]\n: 2", "f.yaml:1: expected a name before the colon", id="list-key"),
        pytest.param(
            b"ok: 1\n\xff",
            "f.yaml:2: expected UTF-8 text, found other signs: save it as UTF-8",
            id="not-utf-8",
        ),
        pytest.param(b"a: \x00", "f.yaml:1: YAML syntax: ", id="control-character"),
        pytest.param(b"a: &a [*a]", "f.yaml:1: expected at most a few", id="endless-alias"),
        pytest.param(b"[" * 3000, "f.yaml:1: expected at most a few", id="deep"),
        pytest.param(b"#" * (MAX_FILE_BYTES + 1), "f.yaml: expected at most", id="large"),
        pytest.param(
            b"a: &a [0,0,0,0,0,0,0,0,0,0]\n"
            + b"".join(
                f"{x}: &{x} [{','.join([f'*{y}'] * 10)}]\n".encode()
                for y, x in zip("abcde", "bcdef", strict=True)
            ),
            "expected at most 50000 values",
            id="aliases-of-aliases",
        ),
    ],
)
def test_what_cannot_be_read_is_named_with_its_line(content: bytes, want: str) -> None:
    source = parse_yaml(content, "f.yaml")
    assert source.documents == ()
    assert want in source.findings[0].text


def test_a_broken_document_hides_no_other() -> None:
    content = b"kind: A\n---\na: b: c\n--- # three\nkind: C\nspec:\n  x: 1\n---\n---\n"
    source = parse_yaml(content, "f.yaml")
    assert [document.data["kind"] for document in source.documents] == ["A", "C"]
    assert [finding.line for finding in source.findings] == [3]
    third = source.documents[1]
    assert (third.line, third.line_of("spec.x"), third.line_of("spec.y.z")) == (5, 7, 6)


def test_members_of_a_list_are_documents_of_their_own() -> None:
    content = b"kind: List\nitems:\n- kind: A\n  metadata:\n    name: a\n- kind: B\n"
    source = parse_yaml(content, "f.yaml")
    assert [d.data["kind"] for d in source.documents] == ["A", "B"]
    assert source.documents[0].line_of("metadata.name") == 5


def test_a_byte_order_mark_and_windows_lines_are_fine() -> None:
    source = parse_yaml(b"\xef\xbb\xbfkind: A\r\n---\r\nkind: B\r\n", "f.yaml")
    assert [document.data["kind"] for document in source.documents] == ["A", "B"]


TEXT = st.text(st.characters(codec="utf-8", exclude_categories=("Cs", "Cc", "Cn")), max_size=12)
ODD = st.sampled_from(["y", "N", "0_8", "09", "1e5", "0o17", "-.5", "1_0.5", ".nan", "9" * 200])
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**12), 10**12) | TEXT | ODD,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT | ODD, inner, max_size=3),
    max_leaves=8,
)


@given(data=st.dictionaries(st.sampled_from(["kind", "spec", "x"]), JSON, min_size=1))
def test_what_is_written_is_read_back(data: dict[str, Any]) -> None:
    source = parse_yaml(to_yaml(data).encode(), "f.yaml")
    assert [document.data for document in source.documents] == [data]


@given(content=st.binary(max_size=200))
def test_nothing_that_stands_in_a_file_raises(content: bytes) -> None:
    parse_yaml(content, "f.yaml")


@given(
    lines=st.lists(
        st.sampled_from(["a: 1", "---", "- b", "  c: {", "}", "'", "? x", "%YAML 1", "&a", "*a"])
    )
)
def test_no_broken_yaml_raises(lines: list[str]) -> None:
    parse_yaml("\n".join(lines).encode(), "f.yaml")
