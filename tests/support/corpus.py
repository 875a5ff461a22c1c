"""The corpus of good and bad objects in tests/data/objects; its README says what a case holds."""

import textwrap
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml
from yaml.nodes import MappingNode, Node, SequenceNode

from dantaro_crds.schema.validation import FieldError, validate
from dantaro_operator.adapters.yaml_values import parse_yaml

__all__ = ["CORPUS", "OBJECTS", "Case", "Mistake", "load_corpus", "part_of"]

OBJECTS = Path(__file__).parents[1] / "data" / "objects"
"""Where the cases stand."""


@dataclass(frozen=True, kw_only=True)
class Mistake:
    """One thing that both sides must say.

    Attributes:
        field: Path as `validate` writes it; empty where the file cannot be read.
        ours: Part of what `validate` says.
        server: Part of what the server says; None when it does not look so far.
    """

    field: str
    ours: str
    server: str | None


@dataclass(frozen=True, kw_only=True)
class Case:
    """One object and what is to be said of it.

    Attributes:
        file: Name of its file, without `.yaml`.
        name: What is special about it.
        text: The object as it stands in the file.
        old_text: The object that it replaces; empty when it is new.
        refused: What is wrong with it; empty when it is accepted.
        becomes: Part of the object with its defaults.
        operator: Part of why the operator cannot carry it out though the server takes it.
        stricter: Why `validate` refuses it though the server takes it.
    """

    file: str
    name: str
    text: str
    old_text: str = ""
    refused: tuple[Mistake, ...] = ()
    becomes: Mapping[str, Any]
    operator: str = ""
    stricter: str = ""

    @property
    def id(self) -> str:
        """Name of the case in a test run."""
        return f"{self.file}: {self.name}"

    @cached_property
    def document(self) -> dict[str, Any]:
        """The object as `dantaro validate` reads it; empty if it cannot."""
        return _read(self.text)

    @cached_property
    def old(self) -> dict[str, Any] | None:
        """The object before; None when there was none."""
        return _read(self.old_text) if self.old_text else None

    def findings(self) -> list[FieldError]:
        """Return what `dantaro validate` finds in the text, without the other objects."""
        source = parse_yaml(self.text.encode(), "case.yaml")
        unreadable = [FieldError(field="", message=finding.message) for finding in source.findings]
        documents = [document.data for document in source.documents]
        return unreadable + [e for data in documents for e in validate(data, old=self.old)]


def _read(text: str) -> dict[str, Any]:
    documents = parse_yaml(text.encode(), "case.yaml").documents
    return dict(documents[0].data) if documents else {}


def load_corpus() -> tuple[Case, ...]:
    """Return every case, by file and place.

    Raises:
        ValueError: A case is not written as the README says.
    """
    return tuple(case for path in sorted(OBJECTS.glob("*.yaml")) for case in _cases(path))


def _cases(path: Path) -> list[Case]:
    text = path.read_text(encoding="utf-8")
    root = yaml.compose(text, Loader=yaml.SafeLoader)
    if not isinstance(root, SequenceNode):
        raise ValueError(f"{path.name}: expected a list of cases")
    return [_case(path, node, text.splitlines(keepends=True)) for node in root.value]


_KEYS = {"name", "object", "old", "accepted", "refused", "becomes", "operator", "stricter"}


def _case(path: Path, node: Node, lines: list[str]) -> Case:
    place = f"{path.name}:{node.start_mark.line + 1}"
    if not isinstance(node, MappingNode):
        raise ValueError(f"{place}: expected a case with name, object and a verdict")
    nodes: dict[str, Node] = {key.value: value for key, value in node.value}
    plain = {key: _plain(value) for key, value in nodes.items() if key not in {"object", "old"}}
    if not nodes.keys() <= _KEYS or not {"name", "object"} <= nodes.keys():
        raise ValueError(f"{place}: expected name, object and some of {sorted(_KEYS)}")
    if (plain.get("accepted") is True) == bool(plain.get("refused")):
        raise ValueError(f"{place}: expected either `accepted: true` or a list `refused`")
    return Case(
        file=path.stem,
        name=plain["name"],
        text=_verbatim(nodes["object"], lines),
        old_text=_verbatim(nodes["old"], lines) if "old" in nodes else "",
        refused=tuple(_mistake(item, place) for item in plain.get("refused", ())),
        becomes=plain.get("becomes", {}),
        operator=plain.get("operator", ""),
        stricter=plain.get("stricter", ""),
    )


def _plain(node: Node) -> Any:
    return yaml.safe_load(yaml.serialize(node, Dumper=yaml.SafeDumper))


def _verbatim(node: Node, lines: list[str]) -> str:
    """Return the text of a value as it was written, moved to the left."""
    start, end = node.start_mark, node.end_mark
    inner = lines[start.line : end.line] + ([lines[end.line][: end.column]] if end.column else [])
    inner[0] = " " * start.column + inner[0][start.column :]
    return textwrap.dedent("".join(inner))


def _mistake(item: Mapping[str, Any], place: str) -> Mistake:
    match dict(item):
        case {"field": field, "message": both, **more} if not more:
            return Mistake(field=field, ours=both, server=both)
        case {"field": field, "validate": ours, "server": server, **more} if not more:
            return Mistake(field=field, ours=ours, server=server)
        case _:
            raise ValueError(f"{place}: expected field with message, or with validate and server")


def part_of(part: Any, whole: Any) -> Any:
    """Return what a whole has for the keys of a part, at every depth."""
    if not isinstance(part, Mapping):
        return whole
    return {key: part_of(value, whole[key]) for key, value in part.items()}


CORPUS = load_corpus()
"""Every case."""
