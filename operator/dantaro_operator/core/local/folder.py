"""From documents to objects: what a folder asks for, and everything that is wrong with it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches

from dantaro_crds.errors import SpecError
from dantaro_crds.schema.validation import validate
from dantaro_crds.v1alpha1 import API_VERSION, GROUP
from dantaro_crds.v1alpha1.kinds import KINDS
from dantaro_crds.v1alpha1.resource import Resource, dump, parse
from dantaro_operator.core.bots import Key
from dantaro_operator.core.local.documents import (
    Document,
    Finding,
    FolderScan,
    Severity,
    SourceFile,
)
from dantaro_operator.core.local.registry import SOURCE_FILE, Desired

__all__ = ["FolderContent", "read_content"]


@dataclass(frozen=True, slots=True, kw_only=True)
class FolderContent:
    """What a folder asks for.

    Attributes:
        desired: Objects that are right by themselves, each key once.
        documents: Where each of them stands.
        kept: Stored objects that stay as they are, since what asks for them cannot be used.
        findings: Everything that is wrong, by file and place.
        wrong: `file:line` of the first error of each object that is refused as it stands.
    """

    desired: tuple[Desired, ...]
    documents: Mapping[Key, Document]
    kept: frozenset[Key]
    findings: tuple[Finding, ...]
    wrong: Mapping[Key, str]


@dataclass(slots=True)
class _Reader:
    stored: Mapping[Key, Resource]
    desired: list[Desired] = field(default_factory=list)
    documents: dict[Key, Document] = field(default_factory=dict)
    kept: set[Key] = field(default_factory=set)
    findings: list[Finding] = field(default_factory=list)
    wrong: dict[Key, str] = field(default_factory=dict)

    def read_file(self, file: SourceFile) -> None:
        self.findings += file.findings
        is_whole = not file.findings
        for document in file.documents:
            is_whole &= self._read_safely(document)
        if not is_whole:
            self.kept |= self._held_by(file)

    def keep_emptied(self, file: SourceFile) -> None:
        """Keep what an empty file held: editors and `>` empty a file before they write it."""
        if file.documents or file.findings:
            return
        lost = sorted(key for key in self._held_by(file) if self._is_lost(key))
        if not lost:
            return
        self.kept |= set(lost)
        names = ", ".join(f"{kind}/{name}" for kind, _, name in lost)
        message = (
            f"expected the objects that were here ({names}), found an empty file: put them back, "
            "or delete the file to delete them"
        )
        self.findings.append(Finding(file=file.name, message=message))

    def _held_by(self, file: SourceFile) -> set[Key]:
        return {
            key
            for key, item in self.stored.items()
            if item.metadata.annotations.get(SOURCE_FILE) == file.name
        }

    def _is_lost(self, key: Key) -> bool:
        """Whether an object stands nowhere now, though nobody deleted it before."""
        is_wanted = self.stored[key].metadata.deletion_timestamp is None
        return is_wanted and key not in self.documents

    def _read_safely(self, document: Document) -> bool:
        try:
            return self._read(document)
        except Exception as error:  # noqa: BLE001  # one file must never end the bots of all others
            message = f"expected an object that can be read, found something else: {error}"
            self.findings.append(
                Finding(file=document.file, line=document.line, message=message[:300])
            )
            return False

    def _read(self, document: Document) -> bool:
        """Take one document over; False if it may hide an object whose name cannot be told."""
        if _is_foreign(document):
            self.findings.append(_left_alone(document))
            return True
        key = _key_of(document)
        if key is not None and key in self.documents:
            self.findings.append(_twice(document, self.documents[key]))
            return True
        old = self.stored.get(key) if key else None
        errors = validate(document.data, old=dump(old) if old else None)
        for error in errors:
            self.findings.append(document.finding(error.message, field=error.field))
        if key is None:
            return False
        self.documents[key] = document
        if errors:
            self.wrong[key] = f"{document.file}:{document.line_of(errors[0].field)}"
        if errors or not self._parse(document, key):
            self.kept.add(key)
        return True

    def _parse(self, document: Document, key: Key) -> bool:
        wanted = {name: document.data[name] for name in ("apiVersion", "kind", "metadata", "spec")}
        try:
            resource = parse(KINDS[key[0]], wanted)
        except SpecError as error:
            self.findings.append(document.finding(error.message, field=error.field))
            self.wrong[key] = f"{document.file}:{document.line_of(error.field)}"
            return False
        self.desired.append(Desired(resource=resource, file=document.file))
        return True


def read_content(scan: FolderScan, stored: Mapping[Key, Resource]) -> FolderContent:
    """Return what a folder asks for.

    Args:
        scan: What it holds.
        stored: The objects so far: rules on what may change compare with them.
    """
    reader = _Reader(stored=stored, findings=[*scan.findings, *scan.notes])
    if scan.findings:
        reader.kept |= set(stored)
    for file in scan.files:
        reader.read_file(file)
    for file in scan.files:
        reader.keep_emptied(file)
    wanted = {wish.resource.key for wish in reader.desired}
    return FolderContent(
        desired=tuple(reader.desired),
        documents=reader.documents,
        kept=frozenset(reader.kept - wanted),
        findings=_with_notes(reader.findings, reader.kept - wanted, reader.documents, stored),
        wrong=reader.wrong,
    )


def _key_of(document: Document) -> Key | None:
    data = document.data
    metadata = data.get("metadata")
    kind = data.get("kind")
    if not isinstance(metadata, Mapping) or not isinstance(kind, str) or kind not in KINDS:
        return None
    name, space = metadata.get("name"), metadata.get("namespace") or "default"
    if not isinstance(name, str) or not isinstance(space, str):
        return None
    return (kind, space, name)


def _is_foreign(document: Document) -> bool:
    """Whether an object belongs to another API, and is not one of ours with its version misspelt.

    Another API may have an Allocation too; Kubernetes' own, without a group, has none.
    """
    version, kind = document.data.get("apiVersion"), document.data.get("kind")
    if not isinstance(version, str) or "kind" not in document.data:
        return False
    group, slash, _ = version.partition("/")
    if isinstance(kind, str) and kind in KINDS:
        return bool(slash) and not get_close_matches(group.lower(), [GROUP])
    return group != GROUP


def _left_alone(document: Document) -> Finding:
    version = document.data["apiVersion"]
    return document.finding(
        f"left alone: local mode uses only objects of {API_VERSION}, this is {version}",
        severity=Severity.WARNING,
    )


def _twice(document: Document, first: Document) -> Finding:
    return document.finding(
        f"expected each object once, but it stands in {first.file}:{first.line} already: "
        "remove or rename one",
        field="metadata.name",
    )


def _with_notes(
    findings: Iterable[Finding],
    kept: Iterable[Key],
    documents: Mapping[Key, Document],
    stored: Mapping[Key, Resource],
) -> tuple[Finding, ...]:
    """Add which objects go on as they were before what is wrong was written."""
    notes = [
        Finding(
            file=stored[key].metadata.annotations.get(SOURCE_FILE, ""),
            line=documents[key].line if key in documents else 0,
            object=f"{key[0]}/{key[2]}",
            message="goes on as it was before this change",
            severity=Severity.WARNING,
        )
        for key in sorted(kept)
        if key in stored
    ]
    return (*findings, *notes)
