"""`python -m tests.cluster`: build the Kubernetes binaries, bring a cluster up and down."""

import argparse
import os
import sys
from pathlib import Path

from tests.cluster import supervisor
from tests.cluster.binaries import CONTROL_PLANE, NODE, MissingBinaryError, build_binaries
from tests.cluster.control_plane import StartError
from tests.cluster.node import lifecycle
from tests.cluster.node.images import import_image
from tests.cluster.node.packages import MissingToolError
from tests.cluster.node.place import Place
from tests.cluster.progress import Progress

__all__ = ["main"]


def main() -> int:
    """Run a command; return its exit code."""
    arguments = _parser().parse_args()
    try:
        return _run(arguments)
    except (MissingBinaryError, MissingToolError, StartError, RuntimeError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.cluster", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    build = commands.add_parser("build", help="build what is missing (Go) and print the paths")
    build.add_argument("--node", action="store_true", help="also what a node needs")
    build.add_argument("--quiet", action="store_true", help="do not print the paths")
    build.add_argument(
        "--optional",
        action="store_true",
        help="without Go say so and succeed: the tests that need it are skipped (not with CI=true)",
    )
    up = commands.add_parser("up", help="start a cluster that runs until `down`")
    up.add_argument("--volumes", type=int, default=10, help="volumes of 1 GiB (default 10)")
    up.add_argument("--max-pods", type=int, default=110, help="pods of the node (default 110)")
    commands.add_parser("down", help="end it and remove everything of it")
    commands.add_parser("status", help="tell about it; exit code 1 if it cannot be used")
    image = commands.add_parser("image", help="build a target of the Dockerfile into the node")
    image.add_argument("targets", nargs="*", default=["runtime"], help="default: runtime")
    start = commands.add_parser("start", help="start a control plane that ends with its owner")
    serve = commands.add_parser("serve", help="run a control plane in the foreground")
    for command in (start, serve):
        command.add_argument("--folder", type=Path, required=True, help="a folder of its own")
        command.add_argument("--owner", type=int, help="the process whose end ends it")
    return parser


def _run(arguments: argparse.Namespace) -> int:
    match arguments.command:
        case "build":
            _build(arguments)
        case "up":
            print(f"export KUBECONFIG={_up(arguments)}")
        case "down":
            print("the cluster is gone" if _down() else "no cluster was up")
        case "status":
            return _status()
        case "image":
            for target in arguments.targets:
                print(import_image(Place.named(), target, Progress()))
        case "start":
            print(supervisor.start(arguments.folder, owner=arguments.owner))
        case "serve":
            supervisor.serve(arguments.folder, owner=arguments.owner)
        case _:
            raise AssertionError(arguments.command)
    return 0


def _build(arguments: argparse.Namespace) -> None:
    try:
        names = CONTROL_PLANE + (NODE if arguments.node else ())
        for path in build_binaries(names, Progress()).values():
            if not arguments.quiet:
                print(path)
    except MissingBinaryError as error:
        if not arguments.optional or os.environ.get("CI") == "true":
            raise
        print(f"the tests against an API server will be skipped: {error}", file=sys.stderr)


def _up(arguments: argparse.Namespace) -> Path:
    """Start a node where there can be one, else an API server alone."""
    progress = Progress()
    if (obstacle := lifecycle.node_obstacle()) is None:
        return lifecycle.up(
            Place.named(), progress, volumes=arguments.volumes, max_pods=arguments.max_pods
        )
    progress.say(f"an API server without a node, so no pod will run: {obstacle}")
    folder = _api_server_folder()
    if (kubeconfig := supervisor.kubeconfig_of(folder)) is not None:
        progress.say("the cluster is up already")
        return kubeconfig
    build_binaries(CONTROL_PLANE, progress)
    return supervisor.start(folder, owner=None)


def _down() -> bool:
    place = Place.named()
    had_node = place.folder.exists() and lifecycle.down(place)
    return supervisor.stop(_api_server_folder()) or had_node


def _status() -> int:
    if (kubeconfig := supervisor.kubeconfig_of(_api_server_folder())) is None:
        found = lifecycle.status(Place.named())
        print(found.message)
        kubeconfig = found.kubeconfig
    else:
        print("an API server is up, without a node")
    if kubeconfig is None:
        return 1
    print(f"export KUBECONFIG={kubeconfig}")
    return 0


def _api_server_folder() -> Path:
    """Return the folder of the API server that a person runs where there can be no node."""
    return Place.named("cluster").folder


if __name__ == "__main__":
    sys.exit(main())
