"""A bot's pod as a real process on loopback: its mounts, its start and its end."""

import asyncio
import contextlib
import json
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

from dantaro_operator.core.cluster.settings import CONFIG_KEY, DATA_FOLDER
from tests.cluster.tether import Tethered, start_tethered
from tests.support.processes import command_path

__all__ = ["RunningPod"]

_GRACE_SECONDS = 3.0
"""From SIGTERM to SIGKILL: far below what the pod allows, since a test waits for it."""


@dataclass(eq=False, kw_only=True)
class RunningPod:
    """A pod, and the process that stands for its container."""

    name: str
    uid: str
    image: str
    config_map: str
    claim: str
    folder: Path
    store: Path = Path()
    """The volume: outlives the pod, not the claim."""
    process: Tethered | None = None
    starts: int = 0
    told: tuple[object, ...] = ()
    leaving: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def port(self) -> int | None:
        """Where the process serves; None before it does."""
        path = self.folder / "port"
        with contextlib.suppress(FileNotFoundError):
            return int(path.read_text())
        return None

    @property
    def is_up(self) -> bool:
        """Whether the process runs."""
        return self.process is not None and self.process.process.poll() is None

    def mount(self, text: str, *, key_file: Path) -> None:
        """Write the configuration as the container would see it."""
        with contextlib.suppress(ValueError):  # what somebody broke is mounted as it is
            config = json.loads(text)
            config["storeUrl"] = config["storeUrl"].replace(DATA_FOLDER, str(self.store), 1)
            port_file = str(self.folder / "port")
            config["http"] = {"host": "127.0.0.1", "port": 0, "portFile": port_file}
            config["central"]["keyFile"] = str(key_file)
            text = json.dumps(config)
        draft = self.folder / "config.new"
        draft.write_text(text)
        draft.replace(self.folder / CONFIG_KEY)

    def start(self) -> None:
        """Start the process."""
        (self.folder / "port").unlink(missing_ok=True)
        command = [command_path("dantaro-bot"), "--config", str(self.folder / CONFIG_KEY)]
        self.process = start_tethered(self.name, command, log=self.folder / "log")
        self.starts += 1

    async def stop(self) -> None:
        """End the process as kubelet does."""
        assert self.process is not None
        self.process.process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            await asyncio.to_thread(self.process.process.wait, _GRACE_SECONDS)
        self.process.kill()
