"""What is to run for one bot, as a value: a process or manifests are made of it."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date, datetime

from dantaro_crds.v1alpha1.allocation import Allocation
from dantaro_crds.v1alpha1.common import DeletionPolicy, Mode
from dantaro_crds.wire.bot_config import (
    BotConfig,
    CentralConfig,
    HttpConfig,
    RehearsalClock,
    VenueConfig,
)
from dantaro_operator.core.allocation import (
    NO_CAPS,
    BotPart,
    LoweredLimit,
    RiskCaps,
    cap_risk,
    merge_risk,
)
from dantaro_operator.core.bots import Bot, strategy_of

__all__ = [
    "BotPlaces",
    "BotWorkload",
    "LiveVenue",
    "PlanSettings",
    "build_workload",
    "hold_workload",
    "is_halted",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class BotPlaces:
    """Where a bot keeps things and listens.

    Attributes:
        store_url: SQLAlchemy URL of its store.
        http: Its own HTTP server.
    """

    store_url: str
    http: HttpConfig


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveVenue:
    """How bots that trade live reach their exchange.

    Attributes:
        keys_of: Folder of the keys in a Secret, by the Secret's name.
        base_url: Root of another server with the exchange's API; None is the exchange's own.
        clock: A clock that runs faster, for a rehearsal on loopback; None is the machine's.
        poll_seconds: Pause between two looks at the exchange.
    """

    keys_of: Callable[[str], str]
    base_url: str | None = None
    clock: RehearsalClock | None = None
    poll_seconds: float = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanSettings:
    """What the planner must know of the surroundings.

    Attributes:
        central: How bots reach central.
        places_of: Places of a bot: a pure function of its names and of its account's mode, since
            paper and live books never share a store.
        image: Default image; None in local mode.
        caps: What no bot exceeds.
        live: How bots that trade live reach their exchange; None: no account trades live.
    """

    central: CentralConfig
    places_of: Callable[[Bot, Mode], BotPlaces]
    image: str | None = None
    caps: RiskCaps = NO_CAPS
    live: LiveVenue | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BotWorkload:
    """One bot to run.

    Attributes:
        config: Its whole configuration.
        image: Container image; None in local mode.
        storage_size: Size of its volume; local mode leaves it aside.
        secret_name: Secret with the exchange's keys; None on paper.
        lowered: Limits that a cap holds in place of.
    """

    config: BotConfig
    image: str | None = None
    storage_size: str = "1Gi"
    secret_name: str | None = None
    lowered: tuple[LoweredLimit, ...] = ()

    @property
    def uid(self) -> str:
        """Uid of the bot."""
        return self.config.uid


def build_workload(
    bot: Bot,
    allocation: Allocation,
    part: BotPart,
    *,
    settings: PlanSettings,
    start_time: datetime | None,
) -> BotWorkload:
    """Return the workload of a bot that nothing speaks against.

    Args:
        bot: Stored, so that it has a uid.
        allocation: Its account.
        part: What its share gives.
        settings: The surroundings.
        start_time: First market time to trade from; None is the market's first candle.
    """
    spec, metadata, account = bot.spec, bot.metadata, allocation.spec
    places, strategy = settings.places_of(bot, account.mode), strategy_of(bot)
    risk = cap_risk(
        merge_risk(spec.risk, part),
        settings.caps,
        currency=account.quote_currency,
        orders_per_minute=strategy.orders_per_minute,
    )
    config = BotConfig(
        kind=bot.kind,
        namespace=metadata.namespace,
        name=metadata.name,
        uid=metadata.uid,
        generation=metadata.generation,
        state=spec.state,
        halt=is_halted(allocation),
        drain=_drain_of(bot),
        reset=metadata.reset,
        accept_loss=metadata.accept_loss,
        mode=account.mode,
        exchange=account.exchange.name,
        venue=_venue_of(allocation, settings.live),
        symbol=spec.symbol,
        interval=spec.interval,
        leverage=spec.leverage,
        budget=part.budget,
        quote_currency=account.quote_currency,
        orders_per_second=part.orders_per_second,
        risk=risk.limits,
        strategy=strategy,
        start_time=start_time,
        central=settings.central,
        store_url=places.store_url,
        http=places.http,
    )
    return BotWorkload(
        config=config,
        image=spec.image or settings.image,
        storage_size=spec.storage.size,
        secret_name=_secret_of(allocation),
        lowered=risk.lowered,
    )


def hold_workload(
    bot: Bot,
    last: BotConfig,
    *,
    settings: PlanSettings,
    halt: bool,
    allocation: Allocation | None = None,
) -> BotWorkload:
    """Return the last workload again for a bot whose new spec is refused.

    What only ever lowers the risk is still taken over: stop, halt, drain and lower caps; and what
    a person says to the bot as it runs: reset, and that a day's loss is accepted.

    Args:
        bot: With the refused spec.
        last: The configuration that it runs with.
        settings: The surroundings.
        halt: Whether entries must stop until the spec is right.
        allocation: Its account; None if there is none.
    """
    risk = cap_risk(
        last.risk,
        settings.caps,
        currency=last.quote_currency,
        orders_per_minute=last.strategy.orders_per_minute,
    )
    config = last.model_copy(
        update={
            "state": bot.spec.state,
            "halt": halt,
            "drain": _drain_of(bot),
            "reset": bot.metadata.reset,
            "accept_loss": _accepted_day(bot),
            "risk": risk.limits,
            "central": settings.central,
        }
    )
    kept = BotWorkload(config=config, image=bot.spec.image or settings.image)
    secret = _secret_of(allocation) if allocation is not None else None
    return replace(kept, storage_size=bot.spec.storage.size, secret_name=secret)


def is_halted(allocation: Allocation) -> bool:
    """Return whether an account's entries must stop: its kill switch, or its deletion."""
    return allocation.spec.halt or allocation.metadata.deletion_timestamp is not None


def _secret_of(allocation: Allocation) -> str | None:
    """Return the Secret that a bot of the account trades with; None on paper."""
    secret = allocation.spec.credentials_secret_ref
    return secret.name if secret is not None and allocation.spec.mode is Mode.LIVE else None


def _venue_of(allocation: Allocation, live: LiveVenue | None) -> VenueConfig | None:
    secret = _secret_of(allocation)
    if secret is None or live is None:
        return None
    return VenueConfig(
        keys_folder=live.keys_of(secret),
        acknowledged=allocation.spec.acknowledge_live_trading,
        base_url=live.base_url,
        poll_seconds=live.poll_seconds,
        clock=live.clock,
    )


def _accepted_day(bot: Bot) -> date | None:
    """Return the day whose loss is accepted; None also where what is written is no day."""
    try:
        return bot.metadata.accept_loss
    except ValueError:
        return None


def _drain_of(bot: Bot) -> DeletionPolicy | None:
    return bot.spec.deletion_policy if bot.metadata.deletion_timestamp is not None else None
