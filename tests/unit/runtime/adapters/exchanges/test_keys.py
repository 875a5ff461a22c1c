"""Keys as a Secret mounts them."""

import os
from pathlib import Path

import pytest

from dantaro_crds.errors import AuthenticationError
from dantaro_runtime.adapters.exchanges.keys import KeyFolder
from dantaro_runtime.adapters.exchanges.upbit.signing import Keys

pytestmark = pytest.mark.unit


def write(folder: Path, *, access: str = "a", secret: str = "s") -> None:
    (folder / "access-key").write_text(access)
    (folder / "secret-key").write_text(secret)


def test_keys_are_read_without_the_line_end(tmp_path: Path) -> None:
    write(tmp_path, access="a\n", secret="s\n")
    assert KeyFolder(tmp_path).read() == Keys(access="a", secret="s")


def test_changed_keys_are_read_again(tmp_path: Path) -> None:
    write(tmp_path)
    keys = KeyFolder(tmp_path)
    keys.read()
    write(tmp_path, access="longer")
    assert keys.read() == Keys(access="longer", secret="s")


def test_refused_keys_are_read_again_even_if_the_files_look_the_same(tmp_path: Path) -> None:
    write(tmp_path)
    keys, path = KeyFolder(tmp_path), tmp_path / "secret-key"
    keys.read()
    stamp = path.stat()
    path.write_text("t")
    os.utime(path, ns=(stamp.st_atime_ns, stamp.st_mtime_ns))
    assert keys.read().secret == "s"
    keys.forget()
    assert keys.read().secret == "t"


@pytest.mark.parametrize("missing", ["access-key", "secret-key"])
def test_a_missing_file_says_what_to_do(tmp_path: Path, missing: str) -> None:
    write(tmp_path, access="sentinel-a", secret="sentinel-s")
    (tmp_path / missing).unlink()
    with pytest.raises(AuthenticationError, match=f"{missing}.*No such file.*Secret") as caught:
        KeyFolder(tmp_path).read()
    assert caught.value.code == "SecretMissing"
    assert "sentinel" not in caught.value.message


def test_a_missing_folder_is_a_missing_secret(tmp_path: Path) -> None:
    with pytest.raises(AuthenticationError) as caught:
        KeyFolder(tmp_path / "none").read()
    assert caught.value.code == "SecretMissing"
    assert str(tmp_path) not in caught.value.message


@pytest.mark.parametrize("content", [b"", b" \n", b"\xff\xfe"], ids=["empty", "blank", "no-text"])
def test_a_file_without_a_key_is_a_missing_secret(tmp_path: Path, content: bytes) -> None:
    write(tmp_path)
    (tmp_path / "access-key").write_bytes(content)
    with pytest.raises(AuthenticationError) as caught:
        KeyFolder(tmp_path).read()
    assert caught.value.code == "SecretMissing"


def test_keys_that_come_later_are_found(tmp_path: Path) -> None:
    keys = KeyFolder(tmp_path)
    with pytest.raises(AuthenticationError):
        keys.read()
    write(tmp_path)
    assert keys.read().access == "a"
