"""The folder `.dantaro`: everything that local mode must remember.

.dantaro/
├── .gitignore      one line: everything here stays out of version control
├── lock            held by the one `dantaro up` that works here
├── market.json     which market the bots live on
├── objects/        the objects as an API server would store them, with status
├── bots/           one folder a bot: configuration, store, log, last report
├── central/        central's database, key and log
└── deleted/        folders of bots that were deleted
"""

import fcntl
import json
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from dantaro_crds.errors import SpecError
from dantaro_crds.v1alpha1.kinds import KINDS
from dantaro_crds.v1alpha1.resource import Resource, dump, parse
from dantaro_crds.wire.bot_status import BotReport
from dantaro_operator.adapters.json_files import write_atomic
from dantaro_operator.core.local.market import MarketSettings
from dantaro_operator.errors import FolderError, StateLockedError

__all__ = ["STATE_FOLDER", "LocalState"]

STATE_FOLDER = ".dantaro"
"""Name of the state folder inside the folder of YAML."""

_MARKET = "market.json"


class LocalState:
    """Reads and writes one state folder."""

    def __init__(self, root: Path) -> None:
        self.root = root

    @property
    def exists(self) -> bool:
        """Whether `dantaro up` was ever started here."""
        return self.root.is_dir()

    @property
    def bots(self) -> Path:
        """Folder of the bots' folders."""
        return self.root / "bots"

    @property
    def deleted(self) -> Path:
        """Folder of the folders of deleted bots."""
        return self.root / "deleted"

    @property
    def central(self) -> Path:
        """Folder of central."""
        return self.root / "central"

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the folder alone; made when missing.

        Raises:
            StateLockedError: Another process holds it.
            FolderError: The folder cannot be made.
        """
        try:
            self.root.mkdir(parents=True, exist_ok=True)
            write_atomic(self.root / ".gitignore", "*\n")
            lock = os.open(self.root / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise FolderError(
                f"{self.root}: expected a folder that can be written to: {error.strerror}"
            ) from error
        try:
            self._take(lock)
            yield
        finally:
            os.close(lock)

    def _take(self, lock: int) -> None:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise StateLockedError(
                f"{self.root.parent}: another `dantaro up` (process {_pid_in(lock)}) works on this "
                "folder: stop it first, or look at its table with `dantaro get all`"
            ) from error
        os.ftruncate(lock, 0)
        os.pwrite(lock, str(os.getpid()).encode(), 0)

    def holder(self) -> str | None:
        """Return the process id of the `dantaro up` that runs here; None if none does."""
        try:
            lock = os.open(self.root / "lock", os.O_RDWR | os.O_CLOEXEC)
        except OSError:
            return None
        try:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return _pid_in(lock)
        finally:
            os.close(lock)
        return None

    def load_market(self) -> MarketSettings | None:
        """Return the market of this folder; None before the first start.

        Raises:
            SpecError: The file cannot be read.
        """
        path = self.root / _MARKET
        if not path.exists():
            return None
        try:
            return MarketSettings.model_validate_json(path.read_bytes())
        except (OSError, ValueError) as error:
            raise _broken(path) from error

    def save_market(self, settings: MarketSettings) -> None:
        """Remember the market."""
        write_atomic(self.root / _MARKET, _json(dump(settings)), durable=True)

    def load_objects(self) -> Iterable[Resource]:
        """Return the stored objects, by kind, namespace and name.

        Raises:
            SpecError: A file cannot be read.
        """
        found = []
        for kind in KINDS.values():
            for path in sorted(self._folder_of(kind).glob("*.json")):
                try:
                    found.append(parse(kind, json.loads(path.read_bytes())))
                except (OSError, ValueError, SpecError) as error:
                    raise _broken(path) from error
        return found

    def save_object(self, resource: Resource, *, durable: bool) -> None:
        """Store an object; `durable` waits for the disk."""
        write_atomic(self._path_of(resource), _json(dump(resource)), durable=durable)

    def remove_object(self, resource: Resource) -> None:
        """Forget an object. Twice is the same as once."""
        self._path_of(resource).unlink(missing_ok=True)

    def load_reports(self) -> Mapping[str, BotReport]:
        """Return the last report of each bot by uid; one that cannot be read counts as none."""
        reports = {}
        for path in sorted((self.root / "reports").glob("*.json")):
            try:
                report = BotReport.model_validate_json(path.read_bytes(), extra="ignore")
            except (OSError, ValueError):
                continue
            reports[report.uid] = report
        return reports

    def save_report(self, report: BotReport) -> None:
        """Store a report in place of the one before."""
        write_atomic(self.root / "reports" / f"{report.uid}.json", _json(dump(report)))

    def _folder_of(self, kind: type[Resource]) -> Path:
        return self.root / "objects" / kind.info.plural

    def _path_of(self, resource: Resource) -> Path:
        name = f"{resource.metadata.namespace}.{resource.metadata.name}.json"
        return self._folder_of(type(resource)) / name


def _pid_in(lock: int) -> str:
    return os.pread(lock, 32, 0).decode(errors="ignore").strip() or "unknown"


def _json(data: dict[str, Any]) -> str:
    return json.dumps(data, ensure_ascii=False, indent=1) + "\n"


def _broken(path: Path) -> SpecError:
    return SpecError(
        f"{path}: expected what dantaro wrote, found something else: "
        "put the file back, or delete it to begin this object anew"
    )
