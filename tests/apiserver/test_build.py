"""Building a binary with Go: once for many, and a kill leaves nothing half done."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.eventually import eventually

pytestmark = [
    pytest.mark.apiserver,
    pytest.mark.skipif(
        shutil.which("go") is None and os.environ.get("CI") != "true",
        reason="there is no Go on the PATH",
    ),
]

ROOT = Path(__file__).parents[2]
BUILD = (
    "import sys; from tests.cluster.binaries import build_binaries; "
    "from tests.cluster.progress import Progress; "
    "print(build_binaries([sys.argv[1]], Progress())[sys.argv[1]])"
)


def build(name: str, cache: Path) -> subprocess.Popen[str]:
    # Go's cache of compiled packages would else move with XDG_CACHE_HOME.
    compiled = subprocess.check_output(["go", "env", "GOCACHE"], text=True).strip()
    return subprocess.Popen(
        [sys.executable, "-c", BUILD, name],
        cwd=ROOT,
        env=os.environ
        | {"XDG_CACHE_HOME": str(cache), "GOCACHE": compiled, "KUBEBUILDER_ASSETS": ""},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_two_builds_at_once_build_once_and_both_get_it(tmp_path: Path) -> None:
    both = [build("pause", tmp_path) for _ in range(2)]
    answers = [process.communicate(timeout=120) for process in both]
    assert [process.returncode for process in both] == [0, 0], answers
    paths = {out.strip() for out, _ in answers}
    assert len(paths) == 1
    assert os.access(paths.pop(), os.X_OK)
    assert sum("building pause" in err for _, err in answers) == 1, answers


def test_a_killed_build_leaves_no_binary_and_the_next_one_succeeds(tmp_path: Path) -> None:
    first = build("pause", tmp_path)
    eventually(lambda: list(tmp_path.rglob(".build-*")))
    first.kill()
    first.communicate(timeout=60)
    assert [path for path in tmp_path.rglob("pause") if path.is_file()] == []
    second = build("pause", tmp_path)
    out, err = second.communicate(timeout=120)
    assert second.returncode == 0, err
    assert Path(out.strip()).is_file()
    assert list(tmp_path.rglob(".build-*")) == [], "what the killed build left is removed"
