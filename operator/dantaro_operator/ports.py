"""What the use cases need of the world."""

from collections.abc import Iterable, Mapping
from typing import Any, Protocol

from dantaro_crds.v1alpha1.resource import Resource
from dantaro_crds.wire.bot_config import BotConfig, CentralConfig
from dantaro_crds.wire.bot_status import BotReport
from dantaro_crds.wire.bundle import CentralHealth
from dantaro_crds.wire.recommendations import Recommendation
from dantaro_operator.core.bots import Bot, Key
from dantaro_operator.core.local.documents import FolderScan
from dantaro_operator.core.local.market import MarketSettings
from dantaro_operator.core.notices import Notice
from dantaro_operator.core.observed import ProcessFacts
from dantaro_operator.core.workload import BotWorkload

__all__ = [
    "Central",
    "Children",
    "Cluster",
    "Collections",
    "Folder",
    "ObjectStore",
    "Objects",
    "RecommendationSource",
    "Recorder",
    "ReportSource",
    "ReportStore",
    "StatusSource",
]


class Folder(Protocol):
    """The YAML of a person."""

    def read(self) -> FolderScan:
        """Return what the folder holds now; what cannot be read is a finding, never an error."""
        ...


class ObjectStore(Protocol):
    """What an API server would remember."""

    def load_objects(self) -> Iterable[Resource]:
        """Return the stored objects."""
        ...

    def save_object(self, resource: Resource, *, durable: bool) -> None:
        """Store an object; `durable` waits for the disk."""
        ...

    def remove_object(self, resource: Resource) -> None:
        """Forget an object. Twice is the same as once."""
        ...

    def save_market(self, settings: MarketSettings) -> None:
        """Remember the market; on the disk when this returns."""
        ...


class ReportStore(Protocol):
    """The last report of each bot, for times when it does not run."""

    def load_reports(self) -> Mapping[str, BotReport]:
        """Return the stored reports by uid of the bot."""
        ...

    def save_report(self, report: BotReport) -> None:
        """Store a report in place of the one before."""
        ...


class Cluster(Protocol):
    """Where bots run."""

    def observe(self) -> Mapping[str, tuple[BotConfig, ProcessFacts]]:
        """Return configuration and process of every bot that was ever handed over, by uid."""
        ...

    def status_urls(self) -> Mapping[str, str]:
        """Return the addresses of the status pages of the bots that run, by uid."""
        ...

    async def ensure(self, workload: BotWorkload) -> None:
        """Run a bot with this configuration. Twice is the same as once."""
        ...

    def restart(self, uid: str, why: str) -> None:
        """End a bot's process that is stuck; the next `ensure` starts it again."""
        ...

    async def remove(self, uid: str) -> None:
        """Stop a bot for good and put its folder aside. Twice is the same as once."""
        ...


class Central(Protocol):
    """The process that knows the market."""

    @property
    def config(self) -> CentralConfig:
        """How bots reach it."""
        ...

    @property
    def log(self) -> str:
        """Where its log is."""
        ...

    def observe(self) -> ProcessFacts:
        """Return its process."""
        ...

    async def ensure(
        self, settings: MarketSettings, symbols: frozenset[str], *, choice: bool
    ) -> None:
        """Run it on a market that has at least these symbols. Twice is the same as once.

        Args:
            settings: The market.
            symbols: Markets that bots trade.
            choice: Whether there must be others beside them to choose from.
        """
        ...


class StatusSource(Protocol):
    """How bots and central are."""

    async def fetch_reports(self, urls: Mapping[str, str]) -> Mapping[str, BotReport]:
        """Return the reports of those bots that answered, by uid."""
        ...

    async def fetch_health(self, url: str) -> CentralHealth | None:
        """Return what central says of itself; None if it does not answer."""
        ...

    async def fetch_recommendations(
        self, central: CentralConfig
    ) -> tuple[Recommendation, ...] | None:
        """Return the markets that central recommends, best first; None if it does not say."""
        ...


class Objects(Protocol):
    """The custom resources of a cluster. Each write holds for that very object, told by its uid."""

    async def hold(self, resource: Resource) -> Mapping[str, Any]:
        """Set our finalizer and return the object. Twice is the same as once."""
        ...

    async def release(self, resource: Resource) -> None:
        """Take our finalizer away. Twice is the same as once, also when the object is gone."""
        ...

    async def write_status(self, resource: Resource, patch: Mapping[str, Any]) -> Mapping[str, Any]:
        """Merge a patch into the status and return the object.

        Raises:
            NotFoundError: It is gone, or another object has its name by now.
        """
        ...

    async def exists(self, resource: Resource) -> bool:
        """Return whether that very object exists, asked now."""
        ...


class Children(Protocol):
    """What the operator makes in a cluster."""

    async def apply(self, manifest: Mapping[str, Any]) -> Mapping[str, Any]:
        """Make an object hold what the manifest says, and return it. Twice is the same as once."""
        ...

    async def mark_pod(self, bot: Bot, marks: Mapping[str, str]) -> None:
        """Set annotations of a bot's pod; a bot without a pod needs none."""
        ...

    async def load_config(self, bot: Bot) -> BotConfig | None:
        """Return the configuration that was last handed to a bot; None if there is none."""
        ...

    async def load_pod(self, bot: Bot) -> Mapping[str, Any] | None:
        """Return a bot's pod as the API server has it; None if there is none."""
        ...


class Recorder(Protocol):
    """Events of a cluster."""

    async def record(self, resource: Resource, notice: Notice) -> None:
        """Tell of a change of state, unless that was told last, or there were too many."""
        ...


class RecommendationSource(Protocol):
    """Which markets to trade."""

    async def fetch_recommendations(self) -> tuple[Recommendation, ...] | None:
        """Return the markets that central recommends, best first; None if it does not say."""
        ...


class ReportSource(Protocol):
    """How one bot is."""

    async def fetch_report(self, url: str) -> BotReport | None:
        """Return what a bot says of itself; None if it does not answer."""
        ...


class Collections(Protocol):
    """All objects of a kind in a cluster, or in the namespaces that are looked after."""

    async def fetch_versions(self, kind: str) -> Mapping[Key, int]:
        """Return the version of every object of a kind."""
        ...

    async def fetch_configs(self) -> Mapping[str, BotConfig]:
        """Return the configurations that bots were handed last, by uid of the bot."""
        ...

    async def fetch(self, key: Key) -> Mapping[str, Any] | None:
        """Return an object; None if there is none."""
        ...
