"""Where a binary is looked for, and what is said when there is none."""

from pathlib import Path

import pytest

from tests.cluster.binaries import (
    CONTROL_PLANE,
    NODE,
    MissingBinaryError,
    build_binaries,
    cache_folder,
    find_binary,
)
from tests.cluster.progress import Progress

pytestmark = pytest.mark.unit


@pytest.fixture(autouse=True)
def _nothing_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("KUBEBUILDER_ASSETS", raising=False)


def put(path: Path, *, mode: int = 0o755) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("#!/bin/sh\n")
    path.chmod(mode)
    return path


def cached(name: str) -> Path:
    """The place of a binary in the cache, as the error names it."""
    with pytest.raises(MissingBinaryError) as caught:
        find_binary(name)
    place = str(caught.value).split(" in ", 1)[1].split(": ", 1)[0].split(" or ")[-1]
    return Path(place) / name


def test_the_named_folder_comes_before_the_cache_for_each_binary_on_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    in_cache = {name: put(cached(name)) for name in ("etcd", "kube-controller-manager")}
    named = put(tmp_path / "assets" / "etcd")
    monkeypatch.setenv("KUBEBUILDER_ASSETS", str(named.parent))
    assert find_binary("etcd") == named
    assert find_binary("kube-controller-manager") == in_cache["kube-controller-manager"]


def test_a_file_that_cannot_be_run_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KUBEBUILDER_ASSETS", str(put(tmp_path / "etcd", mode=0o644).parent))
    with pytest.raises(MissingBinaryError, match="cluster-build"):
        find_binary("etcd")


@pytest.mark.parametrize("name", CONTROL_PLANE + NODE)
def test_a_missing_binary_names_its_place_and_how_to_get_it(name: str) -> None:
    with pytest.raises(MissingBinaryError) as caught:
        find_binary(name)
    assert f"there is no {name} in {cache_folder()}" in str(caught.value)
    assert "make cluster-build" in str(caught.value)
    assert "KUBEBUILDER_ASSETS" in str(caught.value)


def test_without_go_a_build_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(MissingBinaryError, match=r"no `go` on the PATH: install Go"):
        build_binaries(["etcd"], Progress())


def test_what_is_there_is_not_built(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = put(cached("etcd"))
    monkeypatch.setenv("PATH", str(tmp_path))
    assert build_binaries(["etcd"], Progress()) == {"etcd": place}
