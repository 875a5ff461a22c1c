"""`python -m tests.cluster`: build the Kubernetes binaries, bring a cluster up and down."""

import argparse
import os
import sys
from pathlib import Path

from tests.cluster import supervisor
from tests.cluster.binaries import CONTROL_PLANE, NODE, MissingBinaryError, build_binaries
from tests.cluster.control_plane import StartError
from tests.cluster.progress import Progress

__all__ = ["main"]


def main() -> int:
    """Run a command; return its exit code."""
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
    commands.add_parser("up", help="start a cluster that runs until `down`")
    commands.add_parser("down", help="end it and remove everything of it")
    start = commands.add_parser("start", help="start a control plane that ends with its owner")
    serve = commands.add_parser("serve", help="run a control plane in the foreground")
    for command in (start, serve):
        command.add_argument("--folder", type=Path, required=True, help="a folder of its own")
        command.add_argument("--owner", type=int, help="the process whose end ends it")
    arguments = parser.parse_args()
    try:
        return _run(arguments)
    except (MissingBinaryError, StartError) as error:
        print(error, file=sys.stderr)
        return 1


def _run(arguments: argparse.Namespace) -> int:
    match arguments.command:
        case "build":
            return _build(arguments)
        case "up":
            _up()
        case "down":
            print("stopped" if supervisor.stop(_folder()) else "there was no cluster running")
        case "start":
            print(supervisor.start(arguments.folder, owner=arguments.owner))
        case "serve":
            supervisor.serve(arguments.folder, owner=arguments.owner)
        case _:
            raise AssertionError(arguments.command)
    return 0


def _folder() -> Path:
    """Return the folder of the cluster that a person runs."""
    base = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
    return Path(base) / "dantaro" / "cluster"


def _up() -> None:
    folder = _folder()
    if (kubeconfig := supervisor.kubeconfig_of(folder)) is None:
        build_binaries(CONTROL_PLANE, Progress())
        kubeconfig = supervisor.start(folder, owner=None)
    print(f"export KUBECONFIG={kubeconfig}")


def _build(arguments: argparse.Namespace) -> int:
    try:
        names = CONTROL_PLANE + (NODE if arguments.node else ())
        for path in build_binaries(names, Progress()).values():
            if not arguments.quiet:
                print(path)
    except MissingBinaryError as error:
        if not arguments.optional or os.environ.get("CI") == "true":
            raise
        print(f"the tests against an API server will be skipped: {error}", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
