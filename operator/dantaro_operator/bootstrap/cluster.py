"""Builds the operator in a cluster and runs it: wait for the Lease, then everything else."""

import asyncio
import contextlib
import gc
import random
import signal
from collections import Counter
from collections.abc import Mapping
from contextlib import AsyncExitStack
from functools import partial

import aiohttp
import kopf
import structlog
from aiohttp import web

from dantaro_crds.errors import SpecError
from dantaro_crds.kit.backoff import Backoff
from dantaro_crds.kit.clock import Clock, SystemClock
from dantaro_crds.v1alpha1 import API_VERSION
from dantaro_crds.v1alpha1.kinds import KINDS
from dantaro_crds.wire.bot_config import CentralConfig
from dantaro_operator.adapters.bot_reports import BotReports
from dantaro_operator.adapters.kubernetes.api import KubernetesApi
from dantaro_operator.adapters.kubernetes.children import ChildObjects
from dantaro_operator.adapters.kubernetes.collections import ObjectCollections
from dantaro_operator.adapters.kubernetes.credentials import load_credentials
from dantaro_operator.adapters.kubernetes.events import EventRecorder
from dantaro_operator.adapters.kubernetes.kopf_settings import build_kopf_settings
from dantaro_operator.adapters.kubernetes.lease import LeaseElection, LeasePlace, new_identity
from dantaro_operator.adapters.kubernetes.lease_record import LeaseTimes
from dantaro_operator.adapters.kubernetes.login import KopfLogin
from dantaro_operator.adapters.kubernetes.objects import CustomResources
from dantaro_operator.adapters.kubernetes.retry import NEVER
from dantaro_operator.adapters.kubernetes.transport import ApiLimits
from dantaro_operator.adapters.recommendations import CentralRecommendations
from dantaro_operator.core.bots import Bot, Key
from dantaro_operator.core.cluster.names import SERVICE, child_name, pod_name
from dantaro_operator.core.cluster.settings import (
    CENTRAL_KEY_FILE,
    EXCHANGE_FOLDER,
    ClusterSettings,
    PodPeer,
    cluster_places,
)
from dantaro_operator.core.workload import PlanSettings
from dantaro_operator.errors import NotLeadingError
from dantaro_operator.handlers.watches import register
from dantaro_operator.loops.collector import collect_forever
from dantaro_operator.loops.recommendations import recommend_forever
from dantaro_operator.loops.reconciler import ReconcileLoop
from dantaro_operator.loops.resync import resync_forever
from dantaro_operator.metrics import Metrics
from dantaro_operator.routes.health import build_app
from dantaro_operator.services.accounts import AccountPorts, AccountService, AccountSettings
from dantaro_operator.services.collection import CollectService, CollectSettings
from dantaro_operator.services.fleet import Fleet
from dantaro_operator.services.health import HealthService
from dantaro_operator.services.recommendations import RecommendationService
from dantaro_operator.services.resync import ResyncService
from dantaro_operator.services.watching import WatchService
from dantaro_operator.services.work_queue import WorkQueue
from dantaro_operator.settings import OperatorSettings

__all__ = ["run_operator"]

EXIT_LOST_LEASE = 1
"""Another leads: the pod is started again and becomes the standby."""

_RECONCILE_SECONDS = 120.0
"""Longest look at one account; then it counts as failed and is tried again."""

_STALLED_SECONDS = 300.0

_FIRST_ANSWERS_SECONDS = 5.0
"""So long the bots have to say how they are before anything is decided."""

_LOOK_SECONDS = 10.0
"""A bot that has not answered for so long may have no pod that runs: its pod is read."""

_KINDS_WATCHED = len(KINDS) + 1
"""Each is watched in each namespace, or once in the whole cluster; a watch holds a connection."""

_SPARE = 8
"""Connections for kopf's other calls."""

_LOG = structlog.get_logger()


def run_operator(settings: OperatorSettings) -> int:
    """Run the operator until SIGTERM or the loss of its Lease.

    Returns:
        The exit code: 0 after SIGTERM, 1 when another leads.

    Raises:
        SpecError: There is no way to log in, or the CRDs are not installed.
    """
    # Nearly all objects are kept: looking through them for garbage again and again finds none.
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)
    return asyncio.run(_Operator(settings).run())


class _Operator:
    """One process: candidate first, operator when it leads."""

    def __init__(self, settings: OperatorSettings) -> None:
        self._settings = settings
        self._clock: Clock = SystemClock()
        self._credentials = load_credentials(settings.kubeconfig, settings.context)
        self._metrics = Metrics()
        self._fleet = Fleet()
        self._queue: WorkQueue[Key] = WorkQueue(
            monotonic=self._clock.monotonic,
            new_backoff=partial(Backoff, first=0.5, longest=60.0),
        )
        self._health = HealthService(queue=self._queue, stalled_after=_STALLED_SECONDS)

    async def run(self) -> int:
        stop = asyncio.Event()
        _catch_signals(stop)
        async with AsyncExitStack() as stack:
            await self._serve(stack)
            election = await self._election(stack)
            if not await _unless(stop, election.acquire()):
                return 0
            self._health.leading = True
            self._metrics.leading.set(1)
            lost = False
            try:
                await self._lead(election, stop)
            except* NotLeadingError:
                lost = True
            if lost:
                _LOG.error("another operator leads: ending, to start again as a standby")
                return EXIT_LOST_LEASE
            await election.release()
        return 0

    async def _serve(self, stack: AsyncExitStack) -> None:
        """Open the HTTP server; a standby is probed too."""
        settings = self._settings
        self._metrics.watch(
            bots_by_phase=self._bots_by_phase,
            depth=lambda: len(self._queue),
            lag=lambda: self._queue.lag,
        )
        runner = web.AppRunner(build_app(self._health, self._metrics), access_log=None)
        await runner.setup()
        stack.push_async_callback(runner.cleanup)
        await web.TCPSite(runner, settings.host, settings.port).start()
        port = runner.addresses[0][1]
        if settings.port_file is not None:
            settings.port_file.write_text(str(port))
        _LOG.info("serving /healthz, /readyz and /metrics", host=settings.host, port=port)

    async def _election(self, stack: AsyncExitStack) -> LeaseElection:
        settings = self._settings
        api = KubernetesApi(
            self._credentials,
            may_write=lambda: True,
            limits=ApiLimits(connections=2, retry=NEVER),
            observed=self._metrics.observe_call,
        )
        return LeaseElection(
            await stack.enter_async_context(api),
            LeasePlace(namespace=settings.namespace, name=settings.lease),
            identity=new_identity(settings.pod),
            times=LeaseTimes(
                duration=settings.lease_duration_seconds,
                renew_deadline=settings.lease_renew_deadline_seconds,
                retry=settings.lease_retry_seconds,
            ),
        )

    async def _lead(self, election: LeaseElection, stop: asyncio.Event) -> None:
        settings = self._settings
        delivery = settings.lease_duration_seconds - settings.lease_renew_deadline_seconds
        async with AsyncExitStack() as stack:
            api = await stack.enter_async_context(
                KubernetesApi(
                    self._credentials,
                    may_write=election.is_leading,
                    limits=ApiLimits(connections=settings.connections, delivery=delivery),
                    observed=self._metrics.observe_call,
                )
            )
            await _require_crds(api)
            session = await stack.enter_async_context(
                aiohttp.ClientSession(
                    timeout=aiohttp.ClientTimeout(total=settings.collect_timeout_seconds),
                    connector=aiohttp.TCPConnector(limit=settings.collect_concurrency),
                )
            )
            accounts = AccountService(
                self._fleet,
                self._queue,
                AccountPorts(
                    objects=CustomResources(api),
                    children=ChildObjects(api),
                    recorder=EventRecorder(api, clock=self._clock, instance=settings.pod),
                    clock=self._clock,
                ),
                _account_settings(settings),
            )
            watches = WatchService(self._fleet, self._queue)
            collection = self._collection(BotReports(session))
            recommendations = self._recommendations(session, accounts)
            resync = self._resync(api, watches, accounts)
            login = KopfLogin(
                self._credentials,
                may_write=election.is_leading,
                delivery=delivery,
                connections=_KINDS_WATCHED * max(len(settings.namespaces), 1) + _SPARE,
            )
            async with asyncio.TaskGroup() as group:
                workers = ReconcileLoop(
                    self._queue,
                    accounts,
                    self._metrics,
                    workers=settings.workers,
                    timeout=_RECONCILE_SECONDS,
                )
                tasks = [
                    group.create_task(election.hold()),
                    group.create_task(_work_once_caught_up(resync, collection, workers)),
                    group.create_task(
                        collect_forever(
                            collection,
                            concurrency=settings.collect_concurrency,
                            clock=self._clock,
                        )
                    ),
                    group.create_task(recommend_forever(recommendations, clock=self._clock)),
                    group.create_task(
                        resync_forever(resync, every=settings.resync_seconds, clock=self._clock)
                    ),
                    group.create_task(self._watch(login, watches, stop)),
                ]
                await stop.wait()
                _LOG.info("stopping")
                for task in reversed(tasks):
                    task.cancel()
            self._queue.close()

    def _collection(self, source: BotReports) -> CollectService:
        settings = self._settings
        return CollectService(
            self._fleet,
            self._queue,
            source,
            settings=CollectSettings(
                every=settings.collect_seconds,
                silent_after=settings.silent_seconds,
                look_after=_look_after(settings),
                url_of=partial(_status_url, settings.bot_status_url),
            ),
            clock=self._clock,
            rng=random.Random(settings.pod),
        )

    def _recommendations(
        self, session: aiohttp.ClientSession, accounts: AccountService
    ) -> RecommendationService:
        settings = self._settings
        return RecommendationService(
            self._fleet,
            self._queue,
            CentralRecommendations(
                session, url=settings.central_url, key_file=settings.central_key_file
            ),
            advise=accounts.advise,
            clock=self._clock,
        )

    def _resync(
        self, api: KubernetesApi, watches: WatchService, accounts: AccountService
    ) -> ResyncService:
        settings = self._settings
        return ResyncService(
            ObjectCollections(api, namespaces=settings.namespaces),
            watches,
            accounts,
            self._health,
            fleet=self._fleet,
            queue=self._queue,
            spread=settings.resync_seconds / 2,
            clock=self._clock,
            rng=random.Random(settings.pod),
        )

    async def _watch(self, login: KopfLogin, watches: WatchService, stop: asyncio.Event) -> None:
        """Run kopf until cancelled."""
        registry = kopf.OperatorRegistry()
        kopf.on.login(registry=registry)(login.login)
        register(registry, watches)
        namespaces = self._settings.namespaces
        known = asyncio.all_tasks()
        tasks = await kopf.spawn_tasks(
            registry=registry,
            settings=build_kopf_settings(),
            # Its own guess fails where the user has no name, as in a pod.
            identity=self._settings.pod,  # type: ignore[arg-type]  # kopf keeps its type private
            clusterwide=not namespaces,
            namespaces=namespaces,
            standalone=True,
        )
        # kopf takes the signals over, and would then wait 5 s for tasks of ours.
        _catch_signals(stop)
        await kopf.run_tasks(tasks, ignored=known)
        raise RuntimeError("the watches ended by themselves")

    def _bots_by_phase(self) -> Mapping[str, int]:
        return Counter(bot.status.phase for bot in self._fleet.bots())


async def _work_once_caught_up(
    resync: ResyncService, collection: CollectService, workers: ReconcileLoop
) -> None:
    """To whom only half is known, a StatefulSet is not there and a bot has no Allocation."""
    await resync.catch_up()
    # What was brought stays: see `run_operator`.
    gc.freeze()
    await collection.wait_for_first_answers(patience=_FIRST_ANSWERS_SECONDS)
    await workers.run()


def _catch_signals(stop: asyncio.Event) -> None:
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)


async def _unless(stop: asyncio.Event, work: object) -> bool:
    """Do some work unless we are told to stop first; return whether it was done."""
    waiting = asyncio.ensure_future(stop.wait())
    doing = asyncio.ensure_future(work)  # type: ignore[call-overload]  # a coroutine
    await asyncio.wait({waiting, doing}, return_when=asyncio.FIRST_COMPLETED)
    for task in (waiting, doing):
        if not task.done():
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
    return doing.done() and not doing.cancelled() and doing.result() is None


async def _require_crds(api: KubernetesApi) -> None:
    found = await api.get(f"/apis/{API_VERSION}") or {}
    served = {item["kind"] for item in found.get("resources", ())}
    if missing := sorted(set(KINDS) - served):
        raise SpecError(
            f"expected the CRDs of {', '.join(KINDS)}, found none of {', '.join(missing)}: "
            "apply the files in crds/"
        )


def _account_settings(settings: OperatorSettings) -> AccountSettings:
    central = PodPeer(
        namespace=settings.central_namespace, labels={"app.kubernetes.io/name": "dantaro-central"}
    )
    operator = PodPeer(
        namespace=settings.namespace, labels={"app.kubernetes.io/name": "dantaro-operator"}
    )
    return AccountSettings(
        plan=PlanSettings(
            central=CentralConfig(url=settings.central_url, key_file=CENTRAL_KEY_FILE),
            places_of=cluster_places,
            image=settings.bot_image,
            caps=settings.to_caps(),
            live=settings.to_live(lambda _: EXCHANGE_FOLDER),
        ),
        cluster=ClusterSettings(
            image=settings.bot_image,
            image_pull_policy=settings.image_pull_policy,
            image_pull_secrets=settings.image_pull_secrets,
            storage_class=settings.storage_class,
            operator=operator,
            central=central,
            central_secret=settings.central_secret,
        ),
        policy=settings.image_rollout,
        silent_after=settings.silent_seconds,
        look_after=_look_after(settings),
    )


def _look_after(settings: OperatorSettings) -> float:
    return min(_LOOK_SECONDS, settings.silent_seconds)


def _status_url(template: str, bot: Bot) -> str:
    return template.format(
        pod=pod_name(bot),
        service=SERVICE,
        namespace=bot.metadata.namespace,
        name=child_name(bot),
        kind=bot.kind,
    )
