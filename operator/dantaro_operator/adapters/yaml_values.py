"""Text of one YAML file to documents with line numbers.

Values get the JSON types that kubectl would send: a time stays text, `014` is octal, `yes` is a
boolean, a duplicate key is refused. What the values mean is no matter of this module.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from math import isfinite
from typing import Any

import yaml
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from dantaro_operator.core.local.documents import (
    Document,
    FieldPath,
    Finding,
    SourceFile,
)

__all__ = ["MAX_FILE_BYTES", "parse_yaml", "to_yaml"]

MAX_FILE_BYTES = 1 << 20
"""A larger file is refused: no set of bots needs it, and an etcd object could not hold it."""

MAX_NODES = 50_000
"""More values in one file are refused; aliases of aliases would fill the memory."""

MAX_SIGNS = 100
"""A number with more signs is refused: no field needs it, and not every library can write it."""

_PLAIN = "dantaro:plain"
_MAP, _SEQ = "tag:yaml.org,2002:map", "tag:yaml.org,2002:seq"
_NOT_UTF_8 = "expected UTF-8 text, found other signs: save it as UTF-8"
_TRUE = frozenset({"true", "True", "TRUE", "y", "Y", "yes", "Yes", "YES", "on", "On", "ON"})
_FALSE = frozenset({"false", "False", "FALSE", "n", "N", "no", "No", "NO", "off", "Off", "OFF"})
_NULL = frozenset({"", "~", "null", "Null", "NULL"})
_INT = re.compile(r"[-+]?(0b[01_]+|0o?[0-7_]+|0x[0-9a-fA-F_]+|[1-9][0-9_]*|0)")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_SURROGATE = re.compile("[\ud800-\udfff]")
_NO_JSON = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")


class _Composer(yaml.SafeLoader):
    """Composes nodes and resolves no plain scalar: `_scalar` does that by kubectl's rules."""

    def resolve(self, kind: type[Node], value: Any, implicit: Any) -> str:
        """Return the tag of a node without one."""
        if kind is ScalarNode:
            return _PLAIN
        return _MAP if kind is MappingNode else _SEQ


class _UnreadableError(Exception):
    def __init__(self, message: str, line: int) -> None:
        super().__init__(message)
        self.message = message
        self.line = line


@dataclass(slots=True)
class _Builder:
    """Turns the nodes of one document into JSON values and notes their lines."""

    lines: dict[FieldPath, int]
    count: int = 0

    def build(self, node: Node, path: FieldPath) -> Any:
        self.count += 1
        if self.count > MAX_NODES:
            raise _UnreadableError(f"expected at most {MAX_NODES} values in a file", _line(node))
        self.lines.setdefault(path, _line(node))
        if not isinstance(node, ScalarNode) and node.tag not in {_MAP, _SEQ}:
            raise _foreign_tag(node)
        match node:
            case MappingNode():
                return self._mapping(node, path)
            case SequenceNode():
                return [self.build(item, (*path, at)) for at, item in enumerate(node.value)]
            case ScalarNode():
                return _scalar(node)
            case _:
                raise _UnreadableError("expected a mapping, a list or a value", _line(node))

    def _mapping(self, node: MappingNode, path: FieldPath) -> dict[str, Any]:
        result: dict[str, Any] = {}
        for key_node, value_node in node.value:
            key = self._key(key_node)
            if key in result:
                raise _UnreadableError(
                    f"expected each key once, found {key!r} twice: remove one", _line(key_node)
                )
            self.lines[(*path, key)] = _line(key_node)
            result[key] = self.build(value_node, (*path, key))
        return result

    def _key(self, node: Node) -> str:
        if not isinstance(node, ScalarNode):
            raise _UnreadableError("expected a name before the colon", _line(node))
        if node.value == "<<" and node.tag == _PLAIN and not node.style:
            raise _UnreadableError("merge keys (<<) are not supported: write them out", _line(node))
        return _text(node)


def _line(node: Node) -> int:
    return int(node.start_mark.line) + 1


def _text(node: ScalarNode) -> str:
    text = str(node.value)
    if not text.isascii() and _SURROGATE.search(text):
        raise _UnreadableError(
            "expected text, found half of a sign (\\ud800 to \\udfff)", _line(node)
        )
    return text


def _foreign_tag(node: Node) -> _UnreadableError:
    return _UnreadableError(f"the tag {node.tag} is not supported: remove it", _line(node))


def _scalar(node: ScalarNode) -> Any:
    text = _text(node)
    if node.tag == "tag:yaml.org,2002:str" or (node.tag == _PLAIN and node.style):
        return text
    if node.tag not in {_PLAIN, "!"}:
        raise _foreign_tag(node)
    return _plain(text, _line(node))


def _plain(text: str, line: int) -> Any:
    if text in _NULL:
        return None
    if text in _TRUE or text in _FALSE:
        return text in _TRUE
    if _INT.fullmatch(text):
        return _integer(text.replace("_", ""), line)
    digits = text if text.startswith(".") else text.replace("_", "")
    if _FLOAT.fullmatch(digits):
        return _float(digits, line)
    if _NO_JSON.fullmatch(text):
        raise _UnreadableError(f"expected a number, was {text}", line)
    return text


def _integer(text: str, line: int) -> int:
    if len(text) > MAX_SIGNS:
        raise _UnreadableError(f"expected a number of at most {MAX_SIGNS} signs", line)
    digits = text.lstrip("+-")
    sign = -1 if text.startswith("-") else 1
    base = 8 if len(digits) > 1 and digits[0] == "0" and digits[1].isdigit() else 0
    try:
        return sign * int(digits, base)
    except ValueError as error:
        raise _UnreadableError(f"expected a number, was {text}", line) from error


def _float(text: str, line: int) -> float:
    number = float(text)
    if not isfinite(number):
        raise _UnreadableError("expected a number that is not endless", line)
    return number


def parse_yaml(content: bytes, name: str) -> SourceFile:
    """Return the documents of a file's content, and what keeps others from being read.

    One broken document does not hide the others of its file.

    Args:
        content: UTF-8 text, with or without a byte order mark.
        name: How findings name the file.
    """
    if len(content) > MAX_FILE_BYTES:
        message = f"expected at most {MAX_FILE_BYTES} bytes, were {len(content)}"
        return SourceFile(name=name, findings=(Finding(file=name, message=message),))
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        finding = Finding(file=name, line=line, message=_NOT_UTF_8)
        return SourceFile(name=name, findings=(finding,))
    documents: list[Document] = []
    findings: list[Finding] = []
    for first, part in _parts(text):
        try:
            documents += _documents(part, name, first)
        except _UnreadableError as error:
            findings.append(Finding(file=name, line=first + error.line, message=error.message))
    return SourceFile(name=name, documents=tuple(documents), findings=tuple(findings))


def _parts(text: str) -> Iterator[tuple[int, str]]:
    """Yield (lines before it, text) of each document between `---` lines."""
    first, part = 0, list[str]()
    for at, line in enumerate(text.splitlines(keepends=True)):
        if line.startswith("---") and not line[3:4].strip() and at > first:
            yield first, "".join(part)
            first, part = at, []
        part.append(line)
    yield first, "".join(part)


def _syntax_line(error: yaml.MarkedYAMLError) -> int:
    mark = error.problem_mark or error.context_mark
    return mark.line + 1 if mark else 1


def _syntax_message(error: yaml.MarkedYAMLError) -> str:
    told = ", ".join(part for part in (error.context, error.problem) if part)
    return f"YAML syntax: {told}; check indentation and quotes here and in the line above"


def _documents(text: str, name: str, first: int) -> list[Document]:
    try:
        nodes = list(yaml.compose_all(text, Loader=_Composer))
        return [item for node in nodes for item in _document(node, name, first)]
    except yaml.MarkedYAMLError as error:
        raise _UnreadableError(_syntax_message(error), _syntax_line(error)) from error
    except yaml.YAMLError as error:
        raise _UnreadableError(f"YAML syntax: {' '.join(str(error).split())}", 1) from error
    except RecursionError as error:
        raise _UnreadableError("expected at most a few hundred levels of nesting", 1) from error


def _document(node: Node | None, name: str, first: int) -> Iterator[Document]:
    if node is None or (isinstance(node, ScalarNode) and _scalar(node) is None):
        return
    builder = _Builder(lines={})
    data = builder.build(node, ())
    if not isinstance(data, dict):
        raise _UnreadableError(
            f"expected an object with apiVersion, kind, metadata and spec, was {data!r}"[:200],
            _line(node),
        )
    lines = {path: first + line for path, line in builder.lines.items()}
    yield from _items(Document(file=name, line=first + _line(node), data=data, lines=lines))


def _items(document: Document) -> Iterator[Document]:
    """Yield the members of a `List`, as kubectl does; else the document itself."""
    items = document.data.get("items")
    if document.data.get("kind") != "List" or not isinstance(items, list):
        yield document
        return
    for at, item in enumerate(items):
        if isinstance(item, dict):
            inner = {
                path[2:]: line for path, line in document.lines.items() if path[:2] == ("items", at)
            }
            yield replace(document, line=inner[()], data=item, lines=inner)


class _Dumper(yaml.SafeDumper):
    """Quotes what kubectl reads as something else than text, such as `y` and `1e5`."""


def _represent_text(dumper: yaml.SafeDumper, text: str) -> ScalarNode:
    return dumper.represent_scalar(
        "tag:yaml.org,2002:str", text, style=None if _is_text(text) else "'"
    )


def _is_text(text: str) -> bool:
    try:
        return isinstance(_plain(text, 0), str)
    except _UnreadableError:
        return False


_Dumper.add_representer(str, _represent_text)


def to_yaml(data: dict[str, Any]) -> str:
    """Return JSON values as YAML that `parse_yaml` and kubectl read back the same."""
    return yaml.dump(
        data, Dumper=_Dumper, sort_keys=False, allow_unicode=True, default_flow_style=False
    )
