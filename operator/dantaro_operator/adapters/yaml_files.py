"""Reads the YAML files of a folder, or single ones, and notices which of them changed."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from dantaro_operator.adapters.yaml_values import parse_yaml
from dantaro_operator.core.local.documents import Finding, FolderScan, Severity, SourceFile

__all__ = ["YamlFolder", "read_file", "read_paths"]

_SUFFIXES = frozenset({".yaml", ".yml", ".json"})
"""What `kubectl apply -f DIR` reads."""

_YAML_SUFFIXES = frozenset({".yaml", ".yml"})
"""What shows that a sub-folder was meant to be read."""


def read_file(path: Path, name: str) -> SourceFile:
    """Read one file.

    Args:
        path: The file.
        name: How findings name it.

    Returns:
        Its documents, or what keeps it from being read. Never raises for what stands in the file.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        reason = error.strerror or "it cannot be read"
        return SourceFile(name=name, findings=(Finding(file=name, message=reason),))
    return _parse(content, name)


def _parse(content: bytes, name: str) -> SourceFile:
    try:
        return parse_yaml(content, name)
    except Exception as error:  # noqa: BLE001  # one file must never end the bots of all others
        message = f"expected YAML that can be read, found something else: {error}"[:300]
        return SourceFile(name=name, findings=(Finding(file=name, message=message),))


def read_paths(paths: Iterable[Path]) -> FolderScan:
    """Read files and folders as they were named, once."""
    files: list[SourceFile] = []
    findings: list[Finding] = []
    notes: list[Finding] = []
    for path in paths:
        if path.is_dir():
            scan = YamlFolder(path, prefix=str(path)).read()
            files += scan.files
            findings += scan.findings
            notes += scan.notes
        else:
            files.append(read_file(path, str(path)))
    return FolderScan(files=tuple(files), findings=tuple(findings), notes=tuple(notes))


@dataclass(frozen=True, slots=True)
class _Known:
    stamp: tuple[int, int, int]
    digest: bytes
    source: SourceFile


class YamlFolder:
    """A folder of YAML that is read again and again; an unchanged file is not parsed twice."""

    def __init__(self, folder: Path, *, prefix: str = "") -> None:
        self._folder = folder
        self._prefix = prefix
        self._known: dict[Path, _Known] = {}

    def read(self) -> FolderScan:
        """Return what the folder holds now. Sub-folders are left out, as kubectl does."""
        try:
            shown = sorted(p for p in self._folder.iterdir() if not p.name.startswith("."))
            paths = [path for path in shown if path.suffix in _SUFFIXES and path.is_file()]
            inner = [path.name for path in shown if path.is_dir() and _holds_yaml(path)]
        except OSError as error:
            reason = error.strerror or "it cannot be read"
            finding = Finding(file=str(self._folder), message=f"expected a folder: {reason}")
            return FolderScan(findings=(finding,))
        self._known = {path: self._refresh(path) for path in paths}
        return FolderScan(
            files=tuple(known.source for known in self._known.values()), notes=self._left_out(inner)
        )

    def _left_out(self, inner: list[str]) -> tuple[Finding, ...]:
        if not inner:
            return ()
        message = (
            f"sub-folders are not read: move the YAML of {', '.join(inner)} up if it is to count"
        )
        return (
            Finding(
                file=self._prefix or str(self._folder), message=message, severity=Severity.WARNING
            ),
        )

    def _refresh(self, path: Path) -> _Known:
        name = str(Path(self._prefix) / path.name) if self._prefix else path.name
        known = self._known.get(path)
        try:
            stat = path.stat()
            stamp = (stat.st_mtime_ns, stat.st_size, stat.st_ino)
            if known is not None and known.stamp == stamp:
                return known
            content = path.read_bytes()
        except OSError:
            return _Known((0, 0, 0), b"", read_file(path, name))
        digest = hashlib.sha256(content).digest()
        if known is not None and known.digest == digest:
            return replace(known, stamp=stamp)
        return _Known(stamp, digest, _parse(content, name))


def _holds_yaml(folder: Path) -> bool:
    try:
        return any(path.suffix in _YAML_SUFFIXES for path in folder.iterdir())
    except OSError:
        return False
