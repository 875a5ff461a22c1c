"""`python -m tests.support.lease_process`: a candidate that writes as long as it may, and longer.

It prints one JSON line for each thing that happens, with the seconds of a clock that all processes
of the machine share. SIGTERM is an orderly end; SIGUSR1 pauses it as SIGSTOP does, but never
between a look at the gate and the write behind it.
"""

import argparse
import asyncio
import contextlib
import dataclasses
import json
import os
import signal
from pathlib import Path

from dantaro_crds.errors import DantaroError
from dantaro_operator.adapters.kubernetes.api import KubernetesApi
from dantaro_operator.adapters.kubernetes.credentials import load_credentials
from dantaro_operator.adapters.kubernetes.lease import LeaseElection, LeasePlace, SuspendClock
from dantaro_operator.adapters.kubernetes.lease_record import LeaseTimes
from dantaro_operator.adapters.kubernetes.retry import NEVER
from dantaro_operator.adapters.kubernetes.transport import ApiLimits
from dantaro_operator.errors import NotLeadingError

__all__ = ["WRITTEN", "main"]

WRITTEN = "written"
"""Name of the ConfigMap that every candidate writes to."""

CLOCK = SuspendClock()


def tell(event: str, **fields: object) -> None:
    print(json.dumps({"event": event, "at": CLOCK.monotonic(), **fields}), flush=True)


def always() -> bool:
    return True


async def main() -> None:
    options = parse()
    credentials = load_credentials(options.kubeconfig)
    if options.server:
        credentials = dataclasses.replace(credentials, server=options.server)
    limits = ApiLimits(connections=4, attempt=5, retry=NEVER, delivery=options.delivery)
    async with (
        KubernetesApi(credentials, may_write=always, limits=limits) as own,
        contextlib.AsyncExitStack() as stack,
    ):
        election = LeaseElection(
            own,
            LeasePlace(namespace=options.namespace),
            identity=options.identity,
            times=LeaseTimes(
                duration=options.duration, renew_deadline=options.deadline, retry=options.retry
            ),
        )
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGUSR1, os.kill, os.getpid(), signal.SIGSTOP)
        tell("waits")
        await election.acquire()
        stopped = asyncio.Event()
        loop.add_signal_handler(signal.SIGTERM, stopped.set)
        tell("leads", transitions=election.transitions)
        api = await stack.enter_async_context(
            KubernetesApi(credentials, may_write=election.is_leading, limits=limits)
        )
        writers = [asyncio.create_task(write(api, options, n)) for n in range(2)]
        holder = asyncio.create_task(hold(election))
        await stopped.wait()
        holder.cancel()
        for writer in writers:
            writer.cancel()
        await asyncio.gather(*writers, return_exceptions=True)
        await election.release()
        tell("released")


async def hold(election: LeaseElection) -> None:
    try:
        await election.hold()
    except NotLeadingError as error:
        tell("lost", why=str(error))


async def write(api: KubernetesApi, options: argparse.Namespace, number: int) -> None:
    """Write all the time, whatever the gate said before."""
    path = f"/api/v1/namespaces/{options.namespace}/configmaps/{WRITTEN}-{number}"
    count = 0
    while True:
        count += 1
        manifest = {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": f"{WRITTEN}-{number}", "namespace": options.namespace},
            "data": {"writer": options.identity, "count": str(count)},
        }
        try:
            await api.apply(path, manifest)
        except NotLeadingError:
            tell("refused")
        except DantaroError as error:
            tell("failed", why=str(error))
        else:
            tell("wrote")
        await CLOCK.sleep(0.01)


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("--kubeconfig", type=Path, required=True)
    parser.add_argument("--server", help="another way to the same API server")
    parser.add_argument("--namespace", required=True)
    parser.add_argument("--identity", required=True)
    for name in ("duration", "deadline", "retry", "delivery"):
        parser.add_argument(f"--{name}", type=float, required=True)
    return parser.parse_args()


if __name__ == "__main__":
    asyncio.run(main())
