"""The image of one binary."""

import hashlib
import io
import json
import tarfile
from pathlib import Path

import pytest

from tests.cluster.node.archive import build_archive

pytestmark = pytest.mark.unit


def test_an_archive_holds_one_named_image_that_starts_the_binary(tmp_path: Path) -> None:
    binary = tmp_path / "pause"
    binary.write_bytes(b"\x7fELF")
    with tarfile.open(fileobj=io.BytesIO(build_archive(binary, tag="pause:v1"))) as archive:
        files = {m.name: archive.extractfile(m).read() for m in archive}  # type: ignore[union-attr]
    (entry,) = json.loads(files["manifest.json"])
    config = json.loads(files[entry["Config"]])
    layer = files[entry["Layers"][0]]
    assert entry["RepoTags"] == ["pause:v1"]
    assert config["config"]["Entrypoint"] == ["/pause"]
    assert config["rootfs"]["diff_ids"] == [f"sha256:{hashlib.sha256(layer).hexdigest()}"]
    with tarfile.open(fileobj=io.BytesIO(layer)) as content:
        assert [(m.name, m.mode) for m in content] == [("pause", 0o755)]
