"""YAML as values: documents with the line of every field, and findings about them."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

__all__ = [
    "Document",
    "FieldPath",
    "Finding",
    "FolderScan",
    "Severity",
    "SourceFile",
    "field_path",
    "object_label",
]

FieldPath = tuple[str | int, ...]
"""Keys and positions from the root of a document to a field."""

_STEP = re.compile(r"\[(\d+)\]|\[([^\]]*)\]|([^.\[\]]+)")


class Severity(StrEnum):
    """Whose move a finding is."""

    ERROR = "error"
    """The object is not taken over; the author has to change it."""
    WARNING = "warning"
    """Something is as it was, or left alone; the author may want to know."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that is wrong or remarkable.

    Attributes:
        file: File as the author named it; empty when no file is concerned.
        line: Line, from 1; 0 when unknown.
        object: `Kind/name`, or empty.
        field: Dotted path of the field, or empty.
        message: What was expected, what was found, what to do.
        severity: Error or warning.
    """

    message: str
    file: str = ""
    line: int = 0
    object: str = ""
    field: str = ""
    severity: Severity = Severity.ERROR

    @property
    def text(self) -> str:
        """Return `file:line: Kind/name: field: message`, without the parts that are unknown."""
        place = f"{self.file}:{self.line}" if self.file and self.line else self.file
        return ": ".join(part for part in (place, self.object, self.field, self.message) if part)


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """One YAML document.

    Attributes:
        file: File as the author named it.
        line: Line of its first field, from 1.
        data: The content with JSON types, as kubectl would send it.
        lines: Line of every field and list item, from 1.
    """

    file: str
    line: int
    data: Mapping[str, Any]
    lines: Mapping[FieldPath, int] = field(default_factory=dict)

    def line_of(self, dotted: str) -> int:
        """Return the line of a field, or of its nearest parent that is written down."""
        path = field_path(dotted)
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path, self.line)

    def finding(
        self, message: str, *, field: str = "", severity: Severity = Severity.ERROR
    ) -> Finding:
        """Return a finding about this document at the line of `field`."""
        return Finding(
            message=message,
            file=self.file,
            line=self.line_of(field),
            object=object_label(self.data),
            field=field,
            severity=severity,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceFile:
    """What one file holds.

    Attributes:
        name: File as the author named it.
        documents: Documents that could be read, in order; empty ones left out.
        findings: What could not be read; if any, objects that came from here before are kept.
    """

    name: str
    documents: tuple[Document, ...] = ()
    findings: tuple[Finding, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class FolderScan:
    """What a folder holds at one moment.

    Attributes:
        files: Its YAML files by name.
        findings: What kept the folder itself from being read. Not empty: nothing counts as deleted.
        notes: What is remarkable about the folder and keeps nothing from being read.
    """

    files: tuple[SourceFile, ...] = ()
    findings: tuple[Finding, ...] = ()
    notes: tuple[Finding, ...] = ()


def field_path(dotted: str) -> FieldPath:
    """Return the path of dotted text: `spec.shares[1].name` is ("spec", "shares", 1, "name")."""
    return tuple(
        int(index) if index else (key or name) for index, key, name in _STEP.findall(dotted)
    )


def object_label(data: Mapping[str, Any]) -> str:
    """Return `Kind/name` of a document, as far as it says so."""
    kind = data.get("kind")
    metadata = data.get("metadata")
    name = metadata.get("name") if isinstance(metadata, Mapping) else None
    return "/".join(str(part) for part in (kind, name) if isinstance(part, str) and part)
