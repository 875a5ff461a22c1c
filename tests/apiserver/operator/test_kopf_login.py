"""kopf with our session, on the real API server."""

import asyncio
import dataclasses
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import kopf
import pytest

from dantaro_operator.adapters.kubernetes.api import KubernetesApi, Object
from dantaro_operator.adapters.kubernetes.credentials import Credentials
from dantaro_operator.adapters.kubernetes.login import GOOD_LOGIN, KopfLogin
from dantaro_operator.errors import NotLeadingError
from tests.support.clock import StepClock

pytestmark = pytest.mark.apiserver

FINALIZER = "dantaro.io/test"


@asynccontextmanager
async def operator(login: KopfLogin, namespace: str) -> AsyncIterator[asyncio.Queue[str]]:
    """Run a small operator on ConfigMaps; it tells the names that it has seen."""
    registry, settings = kopf.OperatorRegistry(), kopf.OperatorSettings()
    settings.persistence.finalizer = FINALIZER
    settings.posting.enabled = False
    settings.scanning.disabled = True
    settings.networking.error_backoffs = (0.1,)
    seen: asyncio.Queue[str] = asyncio.Queue()
    kopf.on.login(registry=registry)(login.login)

    @kopf.on.event("", "v1", "configmaps", registry=registry)
    def note(name: str, **_: Any) -> None:
        seen.put_nowait(name)

    @kopf.on.delete("", "v1", "configmaps", registry=registry)
    def let_go(**_: Any) -> None:
        """Make kopf set its finalizer."""

    stopped = asyncio.Event()
    task = asyncio.create_task(
        kopf.operator(
            registry=registry,
            settings=settings,
            standalone=True,
            namespaces=[namespace],
            stop_flag=stopped,
        )
    )
    try:
        yield seen
    finally:
        stopped.set()
        await asyncio.wait_for(task, 20)


async def with_finalizer(api: KubernetesApi, path: str) -> Object:
    async with asyncio.timeout(20):
        while True:
            found = await api.get(path)
            if found is not None and FINALIZER in found["metadata"].get("finalizers", ()):
                return found
            await asyncio.sleep(0.02)


def config_map(name: str) -> Object:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}}


async def test_kopf_watches_and_patches_with_our_session_while_we_lead(
    credentials: Credentials, api: KubernetesApi, namespace: str
) -> None:
    path = f"/api/v1/namespaces/{namespace}/configmaps"
    leads, refused = True, asyncio.Event()

    def may_write() -> bool:
        if not leads:
            refused.set()
        return leads

    login = KopfLogin(credentials, may_write=may_write, connections=5)
    async with operator(login, namespace) as seen:
        await api.apply(f"{path}/first", config_map("first"))
        await with_finalizer(api, f"{path}/first")
        leads = False
        await api.apply(f"{path}/second", config_map("second"))
        async with asyncio.timeout(20):
            while await seen.get() != "second":
                pass
            await refused.wait()
        second = await api.get(f"{path}/second")
    assert second is not None
    assert "finalizers" not in second["metadata"]
    await api.merge_patch(f"{path}/first", {"metadata": {"finalizers": None}})


async def test_a_login_soon_after_another_waits_and_a_late_one_does_not_wait_long(
    credentials: Credentials,
) -> None:
    clock = StepClock()
    login = KopfLogin(credentials, may_write=lambda: True, clock=clock)
    sessions, waits = [], []
    for _ in range(7):
        before = clock.seconds
        sessions.append(await login.login())
        waits.append(clock.seconds - before)
    clock.seconds += GOOD_LOGIN + 1
    before = clock.seconds
    sessions.append(await login.login())
    waits.append(clock.seconds - before)
    for session in sessions:
        await session.aiohttp_session.close()
    assert waits[0] == 0
    assert 0 < waits[1] <= 1
    assert 20 < waits[6] <= 30
    assert 0 < waits[7] <= 1


async def test_its_session_brings_the_current_token_and_asks_before_it_writes(
    credentials: Credentials, namespace: str
) -> None:
    first = credentials.authorization()
    tokens = [first, "Bearer renewed"]
    changing = dataclasses.replace(credentials, authorization=lambda: tokens.pop(0))
    info = await KopfLogin(changing, may_write=lambda: False).login()
    path = f"{info.server}/api/v1/namespaces/{namespace}/configmaps"
    async with info.aiohttp_session as session:
        async with session.get(path) as answer:
            assert answer.status == 200
        async with session.get(path) as answer:
            assert answer.status == 401
        tokens.append(first)
        with pytest.raises(NotLeadingError):
            await session.post(path, json=config_map("a"))
    assert info.default_namespace == credentials.namespace
