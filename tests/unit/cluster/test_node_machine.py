"""What a node needs of the machine, and what it gives back."""

import json
from pathlib import Path

import httpx
import pytest

from tests.cluster.control_plane import StartError
from tests.cluster.node.lifecycle import free_cable
from tests.cluster.node.packages import MissingToolError, install_tools
from tests.cluster.node.volumes import Volumes
from tests.cluster.progress import Progress

pytestmark = pytest.mark.unit


def test_tools_that_are_there_need_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tool = tmp_path / "tool"
    tool.touch(mode=0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    install_tools({"tool": "package"}, Progress())


def test_without_apt_get_the_missing_packages_are_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(MissingToolError, match=r"missing here: saw, drill\. .* calls box$"):
        install_tools({"saw": "box", "drill": "box"}, Progress())


def test_apt_get_that_fails_is_quoted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script = tmp_path / "apt-get"
    script.write_text("#!/bin/sh\necho no such thing >&2\nexit 100\n")
    script.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    with pytest.raises(MissingToolError, match=r"(?s)install by hand: box\n.*no such thing"):
        install_tools({"no-such-saw": "box"}, Progress())


def test_the_cable_takes_the_first_range_without_a_route() -> None:
    routes = [{"dst": "default"}, {"dst": "10.245.77.0/30"}, {"dst": "10.245.78.1"}]
    assert str(free_cable(routes)) == "10.245.79.0/30"


def test_no_free_range_is_an_error_that_names_them() -> None:
    with pytest.raises(StartError, match=r"10\.245\.77\.0/30 to 10\.245\.96\.0/30"):
        free_cable([{"dst": "10.0.0.0/8"}])


def test_a_released_volume_is_emptied_and_offered_and_no_other(tmp_path: Path) -> None:
    volumes = Volumes(tmp_path, 2)
    volumes.make()
    for folder in volumes.folders.values():
        (folder / "deep").mkdir()
        (folder / "deep" / "file").touch()
        (folder / "link").symlink_to("/")
    phases = {"local-0": "Released", "local-1": "Bound", "of-another": "Released"}
    patched: list[tuple[str, object]] = []

    def answer(request: httpx.Request) -> httpx.Response:
        if request.method == "PATCH":
            patched.append((request.url.path.rpartition("/")[2], json.loads(request.content)))
        items = [{"metadata": {"name": n}, "status": {"phase": p}} for n, p in phases.items()]
        return httpx.Response(200, json={"items": items})

    with httpx.Client(base_url="http://api", transport=httpx.MockTransport(answer)) as api:
        volumes.recycle(api)
    assert patched == [("local-0", {"spec": {"claimRef": None}})]
    assert [len(list(folder.iterdir())) for folder in volumes.folders.values()] == [0, 2]


def test_everybody_may_write_to_a_volume(tmp_path: Path) -> None:
    volumes = Volumes(tmp_path, 1)
    volumes.make()
    assert volumes.folders["local-0"].stat().st_mode & 0o777 == 0o777
