"""Stands in for the pods of whole fleets: answers every status page from the bot's ConfigMap.

A bot whose configuration tells it to drain says that it is drained; nothing is traded. What it
answers depends on the configuration alone, so two runs with the same end are told the same.
"""

import asyncio
import contextlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp import web

from dantaro_crds.wire.bot_config import BotConfig
from dantaro_operator.core.cluster.names import MANAGED_SELECTOR
from dantaro_operator.core.cluster.settings import CONFIG_KEY
from tests.cluster.kubeconfig import load_access
from tests.support.bots import make_report

__all__ = ["FleetPods", "fleet_pods"]

_AGAIN_SECONDS = 0.2
"""Pause before the API server is asked again."""

_START_SECONDS = 20.0

_CLOSE_SECONDS = 0.1
"""TLS connections are closed in the background."""


class FleetPods:
    """Knows the configuration of every bot of an API server, from a watch of its own."""

    def __init__(self, kubeconfig: Path) -> None:
        self._access = load_access(kubeconfig)
        self._configs: dict[str, BotConfig] = {}
        self._port = 0
        self.began = threading.Event()

    @property
    def status_url(self) -> str:
        """For the operator's setting of that name."""
        return f"http://127.0.0.1:{self._port}/{{namespace}}/{{name}}"

    async def serve(self, ended: asyncio.Event) -> None:
        """Answer until told to stop."""
        app = web.Application()
        app.router.add_get("/{namespace}/{name}", self._answer)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        self._port = runner.addresses[0][1]
        follower = asyncio.create_task(self._follow())
        self.began.set()
        await ended.wait()
        follower.cancel()
        await asyncio.gather(follower, return_exceptions=True)
        await runner.cleanup()
        await asyncio.sleep(_CLOSE_SECONDS)

    async def _answer(self, request: web.Request) -> web.Response:
        config = self._configs.get(request.path)
        if config is None:
            return web.Response(status=503)
        return web.Response(text=_report_of(config), content_type="application/json")

    async def _follow(self) -> None:
        headers = {"Authorization": f"Bearer {self._access.token}"}
        connector = aiohttp.TCPConnector(ssl=self._access.trust)
        async with aiohttp.ClientSession(
            self._access.server, connector=connector, headers=headers, read_bufsize=2**20
        ) as session:
            while True:
                with contextlib.suppress(aiohttp.ClientError, TimeoutError):
                    await self._follow_once(session)
                await asyncio.sleep(_AGAIN_SECONDS)

    async def _follow_once(self, session: aiohttp.ClientSession) -> None:
        path = "/api/v1/configmaps"
        query = {"labelSelector": MANAGED_SELECTOR}
        async with session.get(path, params=query, raise_for_status=True) as answer:
            found = await answer.json()
        self._configs.clear()
        for item in found["items"]:
            self._take(item)
        since = {"watch": "1", "resourceVersion": found["metadata"]["resourceVersion"]}
        async with session.get(path, params=query | since, raise_for_status=True) as answer:
            async for line in answer.content:
                event = json.loads(line)
                if event["type"] == "ERROR":
                    return
                self._take(event["object"], gone=event["type"] == "DELETED")

    def _take(self, config_map: dict[str, Any], *, gone: bool = False) -> None:
        metadata = config_map["metadata"]
        path = f"/{metadata['namespace']}/{metadata['name']}"
        if gone:
            self._configs.pop(path, None)
        else:
            self._configs[path] = BotConfig.model_validate_json(config_map["data"][CONFIG_KEY])


def _report_of(config: BotConfig) -> str:
    running = config.state == "Running" and config.drain is None
    halted = {"ok": not config.halt, "reason": "AllocationHalted", "message": "the switch is on"}
    ready = {"ok": True, "reason": "Running", "message": "it does what it should"}
    report = make_report(
        kind=config.kind,
        namespace=config.namespace,
        name=config.name,
        uid=config.uid,
        observedGeneration=config.generation,
        engineState="RUNNING" if running else "IDLE",
        strategy=config.strategy.name,
        symbol=config.symbol,
        budget=str(config.budget),
        drained=config.drain is not None,
        halted=halted,
        ready=halted if config.halt else ready,
    )
    return report.model_dump_json(by_alias=True)


@contextmanager
def fleet_pods(kubeconfig: Path) -> Iterator[FleetPods]:
    """Answer for the bots of an API server for the length of a block."""
    pods = FleetPods(kubeconfig)
    loop = asyncio.new_event_loop()
    ended = asyncio.Event()
    thread = threading.Thread(target=loop.run_until_complete, args=(pods.serve(ended),))
    thread.start()
    try:
        assert pods.began.wait(_START_SECONDS), "the stand-in for the pods did not start"
        yield pods
    finally:
        loop.call_soon_threadsafe(ended.set)
        thread.join(_START_SECONDS)
        loop.close()
