"""What an exchange is started with: pockets, markets, rules, clock, limits. JSON on the way in."""

from datetime import UTC, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

__all__ = [
    "ALL_SCOPES",
    "ClockConfig",
    "ExchangeConfig",
    "KeyConfig",
    "KeyState",
    "LimitConfig",
    "MarketConfig",
    "PocketConfig",
    "Rules",
    "Scope",
    "Strict",
]


class Strict(BaseModel):
    """A model that is not changed and knows all its fields."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Scope(StrEnum):
    """What a key may do."""

    ACCOUNTS = "accounts"
    ORDERS = "orders"
    TRADE = "trade"


ALL_SCOPES = frozenset(Scope)


class KeyState(StrEnum):
    """Why a key is refused."""

    OK = "ok"
    EXPIRED = "expired"
    WRONG_IP = "wrong_ip"


class KeyConfig(Strict):
    """One API key of a pocket."""

    access: str
    secret: str = Field(repr=False)
    scopes: frozenset[Scope] = ALL_SCOPES
    state: KeyState = KeyState.OK


class PocketConfig(Strict):
    """A sub-account: its keys share balances, orders and limits."""

    name: str = "main"
    keys: tuple[KeyConfig, ...] = (
        KeyConfig(access="test-access", secret="test-secret-of-forty-characters-01234567"),
    )
    balances: dict[str, Decimal] = {"KRW": Decimal(10_000_000)}


class MarketConfig(Strict):
    """One market.

    Attributes:
        code: Quote first, such as `KRW-BTC`.
        price: The last price at the start; with `candles` it may be left out.
        candles: A gzip CSV of recorded 1-minute candles.
    """

    code: str = "KRW-BTC"
    price: Decimal | None = None
    candles: str | None = None


class Rules(Strict):
    """How orders are matched.

    Attributes:
        fee_rate: Fraction of the funds, each side.
        slippage_ticks: Ticks that a taker pays beyond the last price.
        fills_at_touch: Whether a resting order fills when the price reaches it; else the price has
            to go through it, as in paper trading.
        partial: Chance that a touch fills a random part only, 0 to 1.
        seed: Of everything random: parts and uuids.
    """

    fee_rate: Decimal = Decimal("0.0005")
    slippage_ticks: int = Field(default=0, ge=0)
    fills_at_touch: bool = True
    partial: float = Field(default=0, ge=0, le=1)
    seed: int = 0


class ClockConfig(Strict):
    """Market time.

    Attributes:
        mode: `manual`: it stands at `market` until it is moved. `replay`: market time is
            `market + (wall clock - wall) x speed`.
        wall: The wall clock's time that belongs to `market`; None: the start of the process.
    """

    mode: Literal["manual", "replay"] = "manual"
    market: datetime = datetime(2025, 9, 2, tzinfo=UTC)
    wall: datetime | None = None
    speed: float = Field(default=1, gt=0)


class LimitConfig(Strict):
    """Calls a second, and what going over them costs.

    Attributes:
        per_second: By group; 0.5 is one call in 2 s; a group that is not named has no limit.
        seconds_of: Whether a second is one of the wall clock or of the market.
        patience: Answers 429 without a good one between them before a ban (418).
        ban_seconds: Length of the first ban; each further one is twice as long.
    """

    enabled: bool = True
    per_second: dict[str, float] = {
        "market": 10,
        "candles": 10,
        "trades": 10,
        "ticker": 10,
        "orderbook": 10,
        "default": 30,
        "order": 12,
        "order-test": 8,
        "order-cancel-all": 0.5,
    }
    seconds_of: Literal["wall", "market"] = "wall"
    patience: int = 5
    ban_seconds: float = 1


class ExchangeConfig(Strict):
    """All of it."""

    pockets: tuple[PocketConfig, ...] = (PocketConfig(),)
    markets: tuple[MarketConfig, ...] = (MarketConfig(price=Decimal(100_000_000)),)
    rules: Rules = Rules()
    clock: ClockConfig = ClockConfig()
    limits: LimitConfig = LimitConfig()
