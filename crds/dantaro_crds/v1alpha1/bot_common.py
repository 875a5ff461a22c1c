"""What TradingBot and GridBot share: spec, status, columns and rules."""

from functools import partial

from pydantic import Field
from pydantic.config import JsonDict

from dantaro_crds.v1alpha1.common import (
    BotState,
    Condition,
    DeletionPolicy,
    Model,
    RiskLimits,
    Sentence,
)
from dantaro_crds.v1alpha1.quantity import parse_quantity
from dantaro_crds.v1alpha1.references import NameReference, Quantity, SecretReference
from dantaro_crds.v1alpha1.resource import column
from dantaro_crds.v1alpha1.rule import Node, Rule
from dantaro_crds.values import DecimalStr, Interval, SignedDecimalStr, Symbol, UtcTime

__all__ = [
    "BOT_COLUMNS",
    "BOT_RULES",
    "LIST_MAP_BY_TYPE",
    "BotOrders",
    "BotPnl",
    "BotPosition",
    "BotSpec",
    "BotStatus",
    "ComputeAmounts",
    "ComputeResources",
    "Notifications",
    "Storage",
]

LIST_MAP_BY_TYPE: JsonDict = {
    "x-kubernetes-list-type": "map",
    "x-kubernetes-list-map-keys": ["type"],
}
"""Schema keys of a list of conditions."""


class Notifications(Model):
    """Whom the bot tells of its trades."""

    telegram_secret_ref: SecretReference | None = None
    """Secret with the keys `token` and `chat-id`. Default: no messages to Telegram."""


class ComputeAmounts(Model):
    """Processor time and memory."""

    cpu: Quantity | None = None
    """Processors, such as `100m` (a tenth of one) or `1`."""
    memory: Quantity | None = None
    """Memory, such as `64Mi`."""


class ComputeResources(Model):
    """What the bot's container asks for and may use at most. Local mode leaves it aside."""

    requests: ComputeAmounts | None = None
    """Reserved for it. Default: what the operator is set to."""
    limits: ComputeAmounts | None = None
    """Most that it may use. Default: what the operator is set to."""


class Storage(Model):
    """The volume that holds the bot's store. Local mode leaves it aside."""

    size: Quantity = "1Gi"
    """Size of the volume; it cannot be changed later."""


class BotSpec(Model):
    """What every bot is told."""

    allocation_ref: NameReference
    """The Allocation whose shares name this bot; it cannot be changed later."""
    symbol: Symbol
    """Market such as KRW-BTC or BTC/USDT; its quote currency is that of the Allocation."""
    state: BotState = BotState.RUNNING
    """Running trades; Stopped cancels all own orders and keeps what the bot holds."""
    interval: Interval = Interval.M1
    """Length of the candles that the indicators are made of."""
    risk: RiskLimits = RiskLimits()
    """Limits of this bot, beside those of its Allocation."""
    leverage: int = Field(default=1, ge=1, le=20)
    """1 is spot; more works only where the venue's adapter can do it, else a condition says so."""
    deletion_policy: DeletionPolicy = DeletionPolicy.CANCEL_ORDERS
    """What happens on the exchange when this object is deleted: CancelOrders cancels the bot's
    orders and keeps the coin, Flatten sells the coin too, Retain leaves both as they are."""
    notifications: Notifications | None = None
    """Messages to people. Default: none."""
    resources: ComputeResources | None = None
    """Processor time and memory. Default: what the operator is set to."""
    storage: Storage = Storage()
    """The volume of the bot's store."""
    image: str | None = Field(default=None, min_length=1, max_length=512)
    """Container image of the runtime. Default: what the operator is set to."""


class BotPosition(Model):
    """What the bot holds."""

    amount: DecimalStr
    """Base currency."""
    average_price: DecimalStr | None = None
    """Cost per unit, fees included, quote currency; absent when flat."""
    value: DecimalStr
    """At the last price, quote currency."""


class BotPnl(Model):
    """Profit and loss since the first start, quote currency; total = realized + unrealized."""

    total: SignedDecimalStr
    """Equity less the money put in."""
    realized: SignedDecimalStr
    """From sold coin, after all fees."""
    unrealized: SignedDecimalStr
    """Of the coin held, at the last price."""
    today: SignedDecimalStr
    """Change of `total` since the start of the day (Asia/Seoul)."""


class BotOrders(Model):
    """Counts of orders since the first start."""

    open: int = 0
    """Resting now."""
    filled: int = 0
    """Filled in full."""
    rejected: int = 0
    """Refused by the exchange or by a limit."""


class BotStatus(Model):
    """How a bot is doing. Written by the operator only."""

    observed_generation: int = -1
    """Generation of the spec that this tells of; -1 before the first look."""
    phase: str = Field(default="Pending", max_length=32)
    """Pending, Starting, Running, Stopping, Stopped or Error."""
    strategy: str | None = Field(default=None, max_length=32)
    """Name of the strategy: grid, staged, signal, breakout or ai."""
    symbol: str | None = Field(default=None, max_length=42)
    """Market that is traded; with symbol auto the one that was picked."""
    mode: str | None = Field(default=None, max_length=16)
    """Paper or Live, as the Allocation says."""
    budget: DecimalStr | None = None
    """Money of this bot, quote currency."""
    position: BotPosition | None = None
    """What it holds."""
    pnl: BotPnl | None = None
    """Profit and loss."""
    orders: BotOrders | None = None
    """Counts of orders."""
    last_trade_time: UtcTime | None = None
    """Market time of the last fill."""
    last_heartbeat_time: UtcTime | None = None
    """When the bot last answered; written with other changes, else every 5 minutes at most."""
    analysis_time: UtcTime | None = None
    """Market time of the newest analysis that the bot uses."""
    last_decision: Sentence | None = None
    """What was last decided."""
    last_reset: str | None = Field(default=None, max_length=256)
    """Value of the annotation dantaro.io/reset that was last handled."""
    message: Sentence | None = None
    """What a person should know."""
    conditions: list[Condition] = Field(
        default_factory=list, max_length=32, json_schema_extra=LIST_MAP_BY_TYPE
    )
    """Ready, Reconciling, Stalled, Allocated, WorkloadReady, CentralReachable, ExchangeReachable,
    OrdersReconciled and TradingHalted."""


BOT_COLUMNS = (
    column("Mode", ".status.mode", "Paper or Live."),
    column("Symbol", ".status.symbol", "Market that is traded."),
    column("Strategy", ".status.strategy", "Name of the strategy."),
    column("Phase", ".status.phase", "What the bot is doing."),
    column("Budget", ".status.budget", "Money of the bot, quote currency."),
    column("PnL", ".status.pnl.total", "Profit or loss since the first start, quote currency."),
    column("Orders", ".status.orders.open", "Orders that rest on the exchange.", kind="integer"),
    column("Age", ".metadata.creationTimestamp", "Time since creation.", kind="date"),
    column("Position", ".status.position.amount", "Coin held.", wide=True),
    column("Today", ".status.pnl.today", "Profit or loss of the day.", wide=True),
    column(
        "Analysis Age",
        ".status.analysisTime",
        "Time since the newest analysis in use.",
        kind="date",
        wide=True,
    ),
    column("Message", ".status.message", "What a person should know.", wide=True),
)
"""Columns of `kubectl get tb` and `gb`."""


def _amount(resources: Node, kind: str, name: str) -> str | None:
    text: str | None = resources.get(kind, {}).get(name)
    return text


def _within_limit(name: str) -> Rule:
    """Return the rule that a container asks for no more than it may use."""

    def holds(resources: Node, _: Node) -> bool:
        asked, most = (_amount(resources, kind, name) for kind in ("requests", "limits"))
        return asked is None or most is None or parse_quantity(asked) <= parse_quantity(most)

    asked, most = f"self.requests.{name}", f"self.limits.{name}"
    return Rule(
        at=("spec", "resources"),
        cel=f"!has(self.requests) || !has({asked}) || !has(self.limits) || !has({most})"
        f" || quantity({asked}).compareTo(quantity({most})) <= 0",
        holds=holds,
        reads=("requests", "limits"),
        message=f"requests.{name} must be at most limits.{name}",
        suffix=", were %s and %s",
        details=(
            (asked, partial(_amount, kind="requests", name=name)),
            (most, partial(_amount, kind="limits", name=name)),
        ),
        field=f"requests.{name}",
    )


BOT_RULES = (
    _within_limit("cpu"),
    _within_limit("memory"),
    Rule(
        at=("spec",),
        cel="self.allocationRef.name == oldSelf.allocationRef.name",
        holds=lambda new, old: new["allocationRef"]["name"] == old["allocationRef"]["name"],
        reads=("allocationRef",),
        message="allocationRef.name cannot be changed: delete the bot and create a new one",
        field="allocationRef.name",
        reason="FieldValueForbidden",
        is_transition=True,
    ),
    Rule(
        at=("spec",),
        cel="self.storage.size == oldSelf.storage.size",
        holds=lambda new, old: new["storage"]["size"] == old["storage"]["size"],
        reads=("storage",),
        message="storage.size cannot be changed: delete the bot and create a new one",
        field="storage.size",
        reason="FieldValueForbidden",
        is_transition=True,
    ),
)
"""Rules of both kinds."""
