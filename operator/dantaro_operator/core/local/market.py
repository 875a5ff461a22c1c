"""Which market a state folder belongs to. It is chosen once: another market is another history."""

from datetime import datetime
from enum import StrEnum
from typing import Self

from pydantic import Field, ValidationError, model_validator

from dantaro_crds.errors import SpecError
from dantaro_crds.v1alpha1.common import Model
from dantaro_crds.values import UtcTime, utc_text

__all__ = [
    "LIVE_CHOICE",
    "MAX_SPEED",
    "MarketSettings",
    "MarketSource",
    "MarketWish",
    "decide_market",
    "served_symbols",
]

MAX_SPEED = "max"
"""As fast as the machine can."""

SIMULATED_SPEED = "60"
"""An hour of market in a minute: something happens within seconds."""

LIVE_CHOICE = (
    "KRW-ADA",
    "KRW-AVAX",
    "KRW-BTC",
    "KRW-DOGE",
    "KRW-ETH",
    "KRW-LINK",
    "KRW-SOL",
    "KRW-SUI",
    "KRW-TRX",
    "KRW-XRP",
)
"""Live markets to choose from for bots with symbol auto: of old much traded, and few enough that
collecting their candles stays far below the venue's limit."""

REAL_SPEED = "1"
"""Recorded and live markets run at their own pace unless asked otherwise."""

_FROM_ASIDE = {"started", "start", "seed"}


class MarketSource(StrEnum):
    """Where candles come from; the names are central's."""

    SIMULATED = "simulated"
    UPBIT = "upbit"
    REPLAY = "replay"


class MarketSettings(Model):
    """The market of a state folder."""

    source: MarketSource
    """Kind of source."""
    folder: str | None = None
    """Folder of recorded candles, absolute; only for a replay."""
    speed: str = Field(pattern=r"^(max|[0-9]+(\.[0-9]+)?)$")
    """How many times faster than the clock, or `max`."""
    start: UtcTime | None = None
    """First market time; null: as early as every market of a replay has candles, else now."""
    seed: int | None = Field(default=None, ge=0)
    """Seed of the simulated market; null: central's default."""
    started: bool = False
    """Whether central ever served it, so that its clock exists: from then on it is for good."""

    @property
    def poll_seconds(self) -> float:
        """Pause between two pulls of a bot: about two for each new candle."""
        if self.speed == MAX_SPEED:
            return 0.2
        return min(max(60 / float(self.speed) / 2, 0.25), 5.0)

    @model_validator(mode="after")
    def _speed_fits(self) -> Self:
        if self.speed == MAX_SPEED and self.source is not MarketSource.REPLAY:
            raise ValueError("max works only with recorded candles: give a number")
        if self.speed != MAX_SPEED and float(self.speed) <= 0:
            raise ValueError(f"expected a number > 0 or max, was {self.speed}")
        if self.source is MarketSource.UPBIT and float(self.speed) != 1:
            raise ValueError(f"a live market has speed 1, was {self.speed}: leave --speed out")
        return self


class MarketWish(Model):
    """What `dantaro up` was asked for; null is left open."""

    source: MarketSource | None = None
    """Kind of source."""
    folder: str | None = None
    """Folder of recorded candles, absolute."""
    speed: str | None = None
    """How many times faster than the clock, or `max`."""
    start: UtcTime | None = None
    """First market time of a replay."""
    seed: int | None = None
    """Seed of the simulated market."""


def served_symbols(
    settings: MarketSettings, symbols: frozenset[str], *, choice: bool
) -> frozenset[str] | None:
    """Return the markets that central is asked to serve; None for all that its source has.

    Args:
        settings: The market.
        symbols: Markets that bots trade.
        choice: Whether there must be others beside them to choose from.
    """
    match settings.source:
        case MarketSource.SIMULATED:
            return None
        case MarketSource.REPLAY:
            return None if choice else symbols
        case MarketSource.UPBIT:
            return symbols.union(LIVE_CHOICE) if choice else symbols


def decide_market(wish: MarketWish, stored: MarketSettings | None) -> MarketSettings:
    """Return the market to run: the stored one where there is one, at the speed asked for.

    Raises:
        SpecError: The wish contradicts itself or the stored market; the message says what to do.
    """
    if stored is None:
        return _new_market(wish)
    if not stored.started:
        return _new_market(_resumed(wish, stored))
    _refuse_another(wish, stored)
    return _checked({**stored.model_dump(), "speed": wish.speed or stored.speed})


def _resumed(wish: MarketWish, stored: MarketSettings) -> MarketWish:
    """Return the wish on top of a choice that came to nothing: another source drops all of it."""
    if wish.source is not None and (wish.source, wish.folder) != (stored.source, stored.folder):
        return wish
    known = stored.model_dump(exclude={"started"} if wish.source is None else _FROM_ASIDE)
    return MarketWish.model_validate(known | wish.model_dump(exclude_none=True))


def _new_market(wish: MarketWish) -> MarketSettings:
    source = wish.source or MarketSource.SIMULATED
    if wish.start is not None and source is MarketSource.UPBIT:
        raise SpecError("--from: a live market starts now: leave it out")
    if wish.start is not None and (wish.start.second or wish.start.microsecond):
        raise SpecError(f"--from: expected a whole minute, was {utc_text(wish.start)}")
    if wish.seed is not None and source is not MarketSource.SIMULATED:
        raise SpecError("--seed works only with the simulated market: leave it out")
    usual = SIMULATED_SPEED if source is MarketSource.SIMULATED else REAL_SPEED
    return _checked(
        {
            "source": source,
            "folder": wish.folder,
            "speed": wish.speed or usual,
            "start": wish.start,
            "seed": wish.seed,
        }
    )


def _checked(values: dict[str, object]) -> MarketSettings:
    try:
        return MarketSettings.model_validate(values)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        if first["loc"] == ("speed",):
            message = f"expected a number > 0 or max, was {first['input']}"
        else:
            message = first["msg"].removeprefix("Value error, ")
        # What only the model as a whole can refuse is always about the speed.
        option = f"--{first['loc'][0] if first['loc'] else 'speed'}: "
        raise SpecError(f"{option}{message}") from error


def _refuse_another(wish: MarketWish, stored: MarketSettings) -> None:
    pairs: tuple[tuple[str, object, object], ...] = (
        ("--market", wish.source, stored.source),
        ("--market", wish.folder, stored.folder),
        ("--from", _text(wish.start), _text(stored.start)),
        ("--seed", wish.seed, stored.seed),
    )
    for option, asked, kept in pairs:
        if asked is not None and asked != kept:
            raise SpecError(
                f"{option}: this folder's bots live on {_name(stored)}, asked was {asked}: leave "
                f"{option} out to go on, or move the .dantaro folder away to begin anew"
            )


def _text(time: datetime | None) -> str | None:
    return time.isoformat() if time else None


def _name(settings: MarketSettings) -> str:
    parts = [settings.folder or f"the market {settings.source}"]
    parts += [f"from {settings.start.isoformat()}"] if settings.start else []
    parts += [f"with seed {settings.seed}"] if settings.seed is not None else []
    return " ".join(parts)
