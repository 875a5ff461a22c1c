"""An image archive of one static binary, as `ctr images import` reads it. Pure but for a read."""

import hashlib
import io
import json
import platform
import tarfile
from pathlib import Path

__all__ = ["build_archive"]

_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}


def build_archive(binary: Path, *, tag: str) -> bytes:
    """Return an archive with one image that holds and starts one binary.

    Args:
        binary: Linked statically; it lies at the root of the image.
        tag: Name and tag of the image.
    """
    layer = _tar({binary.name: binary.read_bytes()}, mode=0o755)
    machine = platform.machine()
    config = {
        "architecture": _ARCHITECTURES.get(machine, machine),
        "os": "linux",
        "config": {"Entrypoint": [f"/{binary.name}"], "User": "65535:65535"},
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{hashlib.sha256(layer).hexdigest()}"]},
    }
    manifest = [{"Config": "config.json", "RepoTags": [tag], "Layers": ["layer.tar"]}]
    return _tar(
        {
            "manifest.json": json.dumps(manifest).encode(),
            "config.json": json.dumps(config).encode(),
            "layer.tar": layer,
        },
        mode=0o644,
    )


def _tar(files: dict[str, bytes], *, mode: int) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(content), mode
            archive.addfile(entry, io.BytesIO(content))
    return out.getvalue()
