"""A bad way to an API server for a whole process: some of its requests fail, watches end early."""

import asyncio
import random
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import yaml

from dantaro_operator.adapters.kubernetes.credentials import load_credentials
from tests.cluster.control_plane import ControlPlane
from tests.cluster.keys import write_private
from tests.support.api_front import CONFLICT, CUT, DROP, GONE, LOSE, ApiFront, api_front

__all__ = ["BadFront", "bad_front"]

_FAULTS: list[str | tuple[int, int]] = [(429, 1), CONFLICT, (500, 0), (503, 0), DROP, LOSE]
_START_SECONDS = 20.0
_CLOSE_SECONDS = 0.1
"""TLS connections are closed in the background."""


class BadFront:
    """A front in a thread of its own, until it is told to stop."""

    def __init__(self, plane: ControlPlane, *, faults: int, watch_faults: int, seed: int) -> None:
        rng = random.Random(seed)
        # One request in four fails, so that what is tried a few times gets through.
        bad = [[rng.choice(_FAULTS), None, None, None] for _ in range(faults)]
        self._faults = [fault for four in bad for fault in rng.sample(four, 4)]
        self._watch_faults = [rng.choice([GONE, CUT]) for _ in range(watch_faults)]
        self._credentials = load_credentials(plane.kubeconfig)
        self._trust = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        self._trust.load_cert_chain(plane.authority, plane.authority.with_suffix(".key"))
        self._front: ApiFront | None = None
        self.began = threading.Event()

    @property
    def address(self) -> str:
        """Where it listens."""
        assert self._front is not None
        return self._front.address

    @property
    def left(self) -> int:
        """How many faults are still to come."""
        assert self._front is not None
        return len(self._front.faults) + len(self._front.watch_faults)

    async def serve(self, ended: asyncio.Event) -> None:
        """Forward and fail until told to stop."""
        async with api_front(self._credentials, trust=self._trust) as front:
            front.faults, front.watch_faults = self._faults, self._watch_faults
            self._front = front
            self.began.set()
            await ended.wait()
        await asyncio.sleep(_CLOSE_SECONDS)


@contextmanager
def bad_front(
    plane: ControlPlane, folder: Path, *, faults: int, watch_faults: int, seed: int
) -> Iterator[tuple[BadFront, Path]]:
    """Run a front for the length of a block; also yields a kubeconfig that leads through it."""
    front = BadFront(plane, faults=faults, watch_faults=watch_faults, seed=seed)
    loop, ended = asyncio.new_event_loop(), asyncio.Event()
    thread = threading.Thread(target=loop.run_until_complete, args=(front.serve(ended),))
    thread.start()
    try:
        assert front.began.wait(_START_SECONDS), "the front did not start"
        content = yaml.safe_load(plane.kubeconfig.read_text())
        for item in content["clusters"]:
            item["cluster"]["server"] = front.address
        path = write_private(folder / "front.kubeconfig", yaml.safe_dump(content).encode())
        yield front, path
    finally:
        loop.call_soon_threadsafe(ended.set)
        thread.join(_START_SECONDS)
        loop.close()
