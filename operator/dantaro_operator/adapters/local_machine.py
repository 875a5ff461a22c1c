"""Runs bots as processes of this machine: the `Cluster` port of local mode.

A bot reads its configuration file again by itself, so a change restarts nothing.
"""

import asyncio
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from dantaro_crds.kit.clock import Clock
from dantaro_crds.v1alpha1.common import Mode
from dantaro_crds.wire.bot_config import BotConfig, HttpConfig
from dantaro_operator.adapters.child import Child
from dantaro_operator.adapters.json_files import write_atomic
from dantaro_operator.core.bots import Bot
from dantaro_operator.core.observed import ProcessFacts
from dantaro_operator.core.workload import BotPlaces, BotWorkload

__all__ = ["LOG_NAME", "LocalMachine", "bot_folder_name", "bot_places"]

LOG_NAME = "bot.log"
"""Log of a bot in its folder."""

_CONFIG, _PORT = "config.json", "port"

_STORES = {Mode.PAPER: "store.db", Mode.LIVE: "live.db"}
"""Paper and live books never share a store."""


def bot_folder_name(*, kind: str, namespace: str, name: str, uid: str) -> str:
    """Return the name of a bot's folder: of this very object, not of an older one of that name."""
    return f"{kind.lower()}-{namespace}-{name}-{uid[:8]}"


def bot_places(bots: Path, bot: Bot, mode: Mode) -> BotPlaces:
    """Return where a bot keeps things and listens: a free port of this machine."""
    names = bot.metadata
    folder = bots / bot_folder_name(
        kind=bot.kind, namespace=names.namespace, name=names.name, uid=names.uid
    )
    return BotPlaces(
        store_url=f"sqlite:///{folder / _STORES[mode]}",
        http=HttpConfig(host="127.0.0.1", port=0, port_file=str(folder / _PORT)),
    )


@dataclass(slots=True)
class _LocalBot:
    folder: Path
    child: Child
    config: BotConfig


class LocalMachine:
    """The bots of one state folder."""

    def __init__(self, bots: Path, deleted: Path, *, clock: Clock) -> None:
        self._root = bots
        self._deleted = deleted
        self._clock = clock
        self._bots = {bot.config.uid: bot for bot in self._known()}

    def _known(self) -> list[_LocalBot]:
        found = []
        for path in sorted(self._root.glob(f"*/{_CONFIG}")):
            try:
                config = BotConfig.model_validate_json(path.read_bytes(), extra="ignore")
            except (OSError, ValueError):
                continue
            found.append(self._local(path.parent, config))
        return found

    def _local(self, folder: Path, config: BotConfig) -> _LocalBot:
        child = Child(folder, log_name=LOG_NAME, clock=self._clock)
        return _LocalBot(folder=folder, child=child, config=config)

    def observe(self) -> Mapping[str, tuple[BotConfig, ProcessFacts]]:
        """Return configuration and process of every bot that was ever handed over, by uid."""
        return {uid: (bot.config, bot.child.facts) for uid, bot in self._bots.items()}

    def status_urls(self) -> Mapping[str, str]:
        """Return the addresses of the status pages of the bots that run, by uid."""
        urls = {}
        for uid, bot in self._bots.items():
            port = _port_in(bot.folder / _PORT) if bot.child.facts.running else None
            if port is not None:
                urls[uid] = f"http://127.0.0.1:{port}/status"
        return urls

    async def ensure(self, workload: BotWorkload) -> None:
        """Run a bot with this configuration. Twice is the same as once."""
        config = workload.config
        bot = self._bots.get(config.uid)
        if bot is None or bot.config != config:
            bot = self._configure(config)
        if not bot.child.facts.running:
            # What an earlier process wrote would send us to a port of somebody else.
            (bot.folder / _PORT).unlink(missing_ok=True)
        await bot.child.keep_running(
            (
                sys.executable,
                "-m",
                "dantaro_runtime",
                "--config",
                str(bot.folder / _CONFIG),
                "--exit-with-parent",
            )
        )

    def _configure(self, config: BotConfig) -> _LocalBot:
        folder = self._root / bot_folder_name(
            kind=config.kind, namespace=config.namespace, name=config.name, uid=config.uid
        )
        write_atomic(
            folder / _CONFIG, config.model_dump_json(by_alias=True, indent=1), durable=True
        )
        bot = self._bots.setdefault(config.uid, self._local(folder, config))
        bot.config = config
        bot.child.unblock()
        return bot

    def restart(self, uid: str, why: str) -> None:
        """End a bot's process that is stuck; the next `ensure` starts it again."""
        if uid in self._bots:
            self._bots[uid].child.give_up_on(why)

    async def remove(self, uid: str) -> None:
        """Stop a bot for good and put its folder aside. Twice is the same as once."""
        bot = self._bots.pop(uid, None)
        if bot is None:
            return
        await bot.child.stop()
        self._deleted.mkdir(parents=True, exist_ok=True)
        bot.folder.replace(self._deleted / bot.folder.name)

    async def stop_all(self) -> None:
        """Stop every process; orders stay where they are."""
        await asyncio.gather(*(bot.child.stop() for bot in self._bots.values()))

    def kill_all(self) -> None:
        """End every process at once."""
        for bot in self._bots.values():
            bot.child.kill()


def _port_in(path: Path) -> int | None:
    try:
        return int(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
