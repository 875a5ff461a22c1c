"""Our container images: built from the Dockerfile without a registry, put into the node.

The base image is made of Debian packages once, and kept in the cache with the layers of earlier
builds.
"""

import fcntl
import subprocess
import tempfile
from pathlib import Path

from tests.cluster.binaries import cache_folder
from tests.cluster.control_plane import StartError
from tests.cluster.node.packages import IMAGE_TOOLS, install_tools
from tests.cluster.node.parts import CONTAINERD_SOCKET
from tests.cluster.node.place import Place
from tests.cluster.progress import Progress

__all__ = ["build_image", "image_name", "import_image"]

_BASE = "localhost/dantaro/base:bookworm"
_BASE_PACKAGES = "python3,python3-venv,ca-certificates"
_MANY_LAYERS = 60
_ROOT = Path(__file__).parents[3]
_OF_THE_MACHINE = (Path("/etc/ssl/certs/ca-certificates.crt"), Path("/etc/pip.conf"))
"""How this machine reaches package registries; lent to the build, never part of an image."""


def image_name(target: str) -> str:
    """Return the name and tag that the image of a target of the Dockerfile has on the node."""
    return f"localhost/dantaro/{target}:dev"


def import_image(place: Place, target: str, progress: Progress) -> str:
    """Build the image of a target and put it into the running node.

    Returns:
        Its name; pods use it with `imagePullPolicy: Never`.

    Raises:
        StartError: No cluster is up, or a build failed.
        MissingToolError: A package could not be installed.
    """
    record = place.running()
    if record is None:
        raise StartError("no cluster is up: `make cluster-up` starts one")
    with tempfile.TemporaryDirectory() as folder:
        archive = Path(folder) / "image.tar"
        build_image(target, archive, progress)
        progress.begin(f"putting {image_name(target)} into the node")
        socket = f"/proc/{record.pid}/root{CONTAINERD_SOCKET}"
        _run("ctr", f"--address={socket}", "--namespace=k8s.io", "images", "import", archive)
        progress.end("image on the node")
    return image_name(target)


def build_image(target: str, archive: Path, progress: Progress) -> None:
    """Build a target of the Dockerfile into an archive that containers run from.

    Raises:
        StartError: The build failed; the message ends with its words.
        MissingToolError: A package could not be installed.
    """
    install_tools(IMAGE_TOOLS, progress)
    _make_base(progress)
    progress.begin(f"building {image_name(target)}")
    volumes = [f"--volume={path}:{path}:ro" for path in _OF_THE_MACHINE if path.exists()]
    _buildah(
        "bud",
        "--network=host",
        "--isolation=chroot",
        "--layers",
        *volumes,
        f"--build-arg=BASE={_BASE}",
        f"--target={target}",
        f"--tag={image_name(target)}",
        f"--file={_ROOT / 'Dockerfile'}",
        str(_ROOT),
    )
    name = image_name(target)
    _buildah("push", name, f"docker-archive:{archive}:{name}")  # not compressed: quick
    _forget_old_layers()
    progress.end("image")


def _forget_old_layers() -> None:
    """Throw away the layers of earlier builds once there are many; the next build is slower."""
    if len(_buildah("images", "--all", "--quiet").split()) > _MANY_LAYERS:
        _buildah("rmi", "--prune", "--force")


def _make_base(progress: Progress) -> None:
    if _BASE in _buildah("images", "--format", "{{.Name}}:{{.Tag}}").split():
        return
    progress.begin("making the base image of Debian packages, once")
    with tempfile.TemporaryDirectory() as folder:
        tree = Path(folder) / "base.tar"
        include = f"--include={_BASE_PACKAGES}"
        _run("mmdebstrap", "--variant=minbase", include, "bookworm", tree)
        file = Path(folder) / "Dockerfile"
        file.write_text("FROM scratch\nADD base.tar /\n")
        _buildah("bud", "--isolation=chroot", f"--tag={_BASE}", f"--file={file}", folder)
    progress.end("base image")


def _buildah(*arguments: str) -> str:
    storage = cache_folder().parent / "images"
    storage.mkdir(parents=True, exist_ok=True)
    with (storage / ".lock").open("w") as lock, tempfile.TemporaryDirectory() as run_root:
        fcntl.flock(lock, fcntl.LOCK_EX)
        # In a mount namespace of its own: a build that is killed leaves no mount.
        command = ["unshare", "--mount", "buildah", "--storage-driver=overlay"]
        return _run(*command, f"--root={storage}", f"--runroot={run_root}", *arguments)


def _run(*command: str | Path) -> str:
    done = subprocess.run(
        [str(part) for part in command], capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        said = (done.stdout + done.stderr)[-4000:]
        raise StartError(f"`{' '.join(map(str, command))}` failed:\n{said}")
    return done.stdout
