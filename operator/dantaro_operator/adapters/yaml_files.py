"""Reads the YAML files of a folder, or single ones, and notices which of them changed."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from dantaro_operator.adapters.yaml_values import parse_yaml
from dantaro_operator.core.local.documents import Finding, FolderScan, SourceFile

__all__ = ["YamlFolder", "read_file", "read_paths"]

_SUFFIXES = frozenset({".yaml", ".yml", ".json"})
"""What `kubectl apply -f DIR` reads."""


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
    return parse_yaml(content, name)


def read_paths(paths: Iterable[Path]) -> FolderScan:
    """Read files and folders as they were named, once."""
    files: list[SourceFile] = []
    findings: list[Finding] = []
    for path in paths:
        if path.is_dir():
            scan = YamlFolder(path, prefix=str(path)).read()
            files += scan.files
            findings += scan.findings
        else:
            files.append(read_file(path, str(path)))
    return FolderScan(files=tuple(files), findings=tuple(findings))


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
            paths = sorted(
                path
                for path in self._folder.iterdir()
                if path.suffix in _SUFFIXES and not path.name.startswith(".") and path.is_file()
            )
        except OSError as error:
            reason = error.strerror or "it cannot be read"
            finding = Finding(file=str(self._folder), message=f"expected a folder: {reason}")
            return FolderScan(findings=(finding,))
        self._known = {path: self._refresh(path) for path in paths}
        return FolderScan(files=tuple(known.source for known in self._known.values()))

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
        return _Known(stamp, digest, parse_yaml(content, name))
