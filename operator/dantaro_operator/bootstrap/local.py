"""Builds what local mode needs."""

import asyncio
import functools
import signal
import uuid
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

import httpx
from rich.console import Console

from dantaro_crds.errors import SpecError
from dantaro_crds.kit.clock import SystemClock
from dantaro_operator.adapters.bot_logs import BotLogs
from dantaro_operator.adapters.central_process import CentralProcess
from dantaro_operator.adapters.local_machine import LocalMachine, bot_places
from dantaro_operator.adapters.local_state import STATE_FOLDER, LocalState
from dantaro_operator.adapters.status_client import HttpStatusClient
from dantaro_operator.adapters.yaml_files import YamlFolder, read_paths
from dantaro_operator.core.allocation import NO_CAPS, RiskCaps
from dantaro_operator.core.local.check import CheckResult, check_scan
from dantaro_operator.core.local.folder import read_content
from dantaro_operator.core.local.market import MarketSettings, MarketWish, decide_market
from dantaro_operator.core.local.summary import summary_lines
from dantaro_operator.core.workload import LiveVenue
from dantaro_operator.errors import FolderError
from dantaro_operator.loops.displays import Display, LiveDisplay, PlainDisplay
from dantaro_operator.loops.up import UpLoop, picture
from dantaro_operator.services.inspection import Inspection
from dantaro_operator.services.local import LocalPorts, LocalRound, LocalService

__all__ = [
    "UpRequest",
    "build_inspection",
    "keys_folder",
    "run_up",
    "running_up",
    "validate_paths",
]

KEYS_FOLDER = ".secrets"
"""Below the folder of YAML: a folder for each Secret, a file for each of its keys."""

EXIT_KILLED = 130
"""Ended by a second Ctrl-C, without waiting for anything."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UpRequest:
    """What `dantaro up` was asked for.

    Attributes:
        folder: Folder of YAML.
        market: The market, as far as it was said.
        keep: Whether to stay up when a replay is over.
        plain: Whether to print plain lines even on a terminal.
        caps: What no bot exceeds.
        live: How bots that trade live reach their exchange; None: no account trades live.
    """

    folder: Path
    market: MarketWish
    keep: bool = False
    plain: bool = False
    caps: RiskCaps = NO_CAPS
    live: LiveVenue | None = None


def run_up(request: UpRequest, out: TextIO) -> int:
    """Run local mode until it is interrupted or the replay is over.

    Returns:
        The exit code.

    Raises:
        FolderError: The folder holds nothing that could run.
        SpecError: The market asked for cannot be had here, or central cannot serve it.
        StateLockedError: Another `dantaro up` works on the folder.
    """
    folder = YamlFolder(request.folder)
    state = LocalState(request.folder.resolve() / STATE_FOLDER)
    _refuse_nothing(request.folder, folder, is_new=not state.exists)
    if not state.exists:
        decide_market(request.market, None)  # A refused start leaves no folder behind.
    with state.locked():
        stored = state.load_market()
        market = decide_market(request.market, stored)
        if stored is not None and stored != market:
            state.save_market(market)
        return asyncio.run(_Up(request, folder, state, market, out).run())


def _refuse_nothing(path: Path, folder: YamlFolder, *, is_new: bool) -> None:
    content = read_content(folder.read(), {})
    if content.desired or not is_new:
        return
    told = "".join(f"\n{finding.text}" for finding in content.findings)
    raise FolderError(f"{path}: expected YAML of at least one object of Dantaro, found none{told}")


def keys_folder(folder: Path, secret: str) -> str:
    """Return where the keys of a Secret are, for a folder of YAML."""
    return str(folder.resolve() / KEYS_FOLDER / secret)


class _Up:
    """One run of local mode."""

    def __init__(
        self,
        request: UpRequest,
        folder: YamlFolder,
        state: LocalState,
        market: MarketSettings,
        out: TextIO,
    ) -> None:
        self._request = request
        self._folder = folder
        self._out = out
        self._state = state
        self._market = market
        self._clock = SystemClock()
        self._machine = LocalMachine(state.bots, state.deleted, clock=self._clock)
        self._central = CentralProcess(
            state.central, poll_seconds=market.poll_seconds, clock=self._clock
        )
        self._interrupts = 0

    async def run(self) -> int:
        stop = asyncio.Event()
        self._listen(stop)
        async with AsyncExitStack() as stack:
            stack.push_async_callback(self._central.stop)
            stack.push_async_callback(self._machine.stop_all)
            client = await stack.enter_async_context(httpx.AsyncClient(trust_env=False))
            display = self._display()
            last: LocalRound | None = None
            try:
                service = self._service(HttpStatusClient(client))
                last = await UpLoop(service, display, keep=self._request.keep).run(stop)
            finally:
                display.close(picture(last) if last else None)
        if last is not None and last.failure:
            raise SpecError(last.failure)
        self._say_goodbye(last)
        return EXIT_KILLED if self._interrupts > 1 else 0

    def _service(self, status: HttpStatusClient) -> LocalService:
        ports = LocalPorts(
            folder=self._folder,
            objects=self._state,
            reports=self._state,
            cluster=self._machine,
            central=self._central,
            status=status,
            clock=self._clock,
        )
        return LocalService(
            ports,
            market=self._market,
            places_of=functools.partial(bot_places, self._state.bots),
            new_uid=lambda: str(uuid.uuid4()),
            caps=self._request.caps,
            live=self._request.live,
        )

    def _display(self) -> Display:
        if self._request.plain or not self._out.isatty():
            return PlainDisplay(self._out, clock=self._clock)
        return LiveDisplay(Console(file=self._out))

    def _listen(self, stop: asyncio.Event) -> None:
        loop = asyncio.get_running_loop()
        interrupt: Callable[[], None] = functools.partial(self._interrupt, stop)
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            loop.add_signal_handler(number, interrupt)

    def _interrupt(self, stop: asyncio.Event) -> None:
        self._interrupts += 1
        stop.set()
        if self._interrupts > 1:
            self._machine.kill_all()
            self._central.kill()

    def _say_goodbye(self, last: LocalRound | None) -> None:
        if last is not None:
            for line in summary_lines(last.objects, last.reports):
                self._out.write(f"{line}\n")
        ending = "The replay is over" if last is not None and last.is_over else "Stopped"
        self._out.write(
            f"{ending}. Orders, positions and profit are kept in {self._state.root}.\n"
            f"Go on with: dantaro up {self._request.folder}\n"
        )
        self._out.flush()


def build_inspection(folder: Path) -> Inspection:
    """Return the reader of a folder's state.

    Raises:
        FolderError: `dantaro up` was never started there.
    """
    state = _existing_state(folder)
    return Inspection(objects=state, reports=state, logs=BotLogs(state.bots), clock=SystemClock())


def running_up(folder: Path) -> str | None:
    """Return the process id of the `dantaro up` that works on a folder; None if none does."""
    return LocalState(folder / STATE_FOLDER).holder()


def _existing_state(folder: Path) -> LocalState:
    state = LocalState(folder / STATE_FOLDER)
    if not state.exists:
        raise FolderError(
            f"{folder}: expected the state of a `dantaro up`, found no {STATE_FOLDER}: start "
            f"`dantaro up {folder}` first, or name another folder with --dir"
        )
    return state


def validate_paths(paths: list[Path], *, is_live_open: bool) -> CheckResult:
    """Return what is wrong with files and folders: each folder by itself, the files together.

    Args:
        paths: Files and folders.
        is_live_open: Whether accounts that trade live are run here.

    Raises:
        FolderError: A path does not exist.
    """
    for path in paths:
        if not path.exists():
            raise FolderError(f"{path}: expected a file or a folder, found nothing")
    files = [path for path in paths if not path.is_dir()]
    sets = [[path] for path in paths if path.is_dir()] + ([files] if files else [])
    now = SystemClock().now()
    results = [
        check_scan(read_paths(part), is_whole=part != files, now=now, is_live_open=is_live_open)
        for part in sets
    ]
    return CheckResult(
        findings=tuple(finding for result in results for finding in result.findings),
        fine=tuple(line for result in results for line in result.fine),
    )
