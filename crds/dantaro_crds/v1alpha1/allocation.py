"""The kind Allocation: one exchange account and how its money is split among bots."""

from enum import StrEnum
from typing import ClassVar, Literal

from pydantic import Field
from pydantic.config import JsonDict

from dantaro_crds.v1alpha1.bot_common import LIST_MAP_BY_TYPE
from dantaro_crds.v1alpha1.common import Condition, Mode, Model
from dantaro_crds.v1alpha1.references import (
    CURRENCY_PATTERN,
    EXCHANGE_PATTERN,
    Name,
    SecretReference,
)
from dantaro_crds.v1alpha1.resource import KindInfo, Resource, column
from dantaro_crds.v1alpha1.rule import Node, Rule
from dantaro_crds.values import DecimalStr, PositiveDecimalStr, SignedDecimalStr

__all__ = [
    "AccountRisk",
    "Allocation",
    "AllocationSpec",
    "AllocationStatus",
    "BotKind",
    "Exchange",
    "RateLimit",
    "Share",
    "ShareStatus",
]


_LIST_MAP_BY_BOT: JsonDict = {
    "x-kubernetes-list-type": "map",
    "x-kubernetes-list-map-keys": ["kind", "name"],
}


class BotKind(StrEnum):
    """Kinds that can hold a share."""

    TRADING_BOT = "TradingBot"
    GRID_BOT = "GridBot"


class Exchange(Model):
    """Where the account is."""

    name: str = Field(default="paper", min_length=1, max_length=32, pattern=EXCHANGE_PATTERN)
    """`paper` (no account: Upbit's rules and play money), `upbit`, or the id of a ccxt exchange; it
    cannot be changed later."""


class Share(Model):
    """The part of the budget that one bot may use."""

    kind: BotKind
    """TradingBot or GridBot."""
    name: Name
    """Name of the bot, in the same namespace."""
    percent: int = Field(ge=1, le=100)
    """Part of the budget, whole percent."""


class AccountRisk(Model):
    """Limits of the account. Each bot gets its part and enforces it alone, so the sum holds."""

    max_daily_loss: PositiveDecimalStr | None = None
    """Loss of a day (Asia/Seoul) that stops new entries until the next day, quote currency; a bot
    gets its share of it. Default: no limit."""
    max_drawdown_percent: PositiveDecimalStr | None = Field(default=None, le=100)
    """Fall of a bot's equity from its peak that stops its entries until a reset, percent. Default:
    no limit."""


class RateLimit(Model):
    """The account's order budget."""

    orders_per_second: int = Field(ge=1, le=100)
    """Most orders a second; the bots share it in equal parts."""


class AllocationSpec(Model):
    """What the user wants of an account."""

    exchange: Exchange = Exchange()
    """Where the account is."""
    mode: Mode = Mode.PAPER
    """Paper sends no order to an exchange; Live does, and needs credentialsSecretRef and
    acknowledgeLiveTrading."""
    credentials_secret_ref: SecretReference | None = None
    """Secret with the keys `access-key` and `secret-key`; required with mode Live."""
    acknowledge_live_trading: bool = False
    """Set to true to say that real money may be lost; required with mode Live."""
    quote_currency: str = Field(
        default="KRW", min_length=1, max_length=10, pattern=CURRENCY_PATTERN
    )
    """Currency of the budget and of every market that is traded."""
    budget: PositiveDecimalStr
    """Money that the bots of this account may use together, quote currency."""
    max_bots: int = Field(default=10, ge=1, le=10)
    """Most entries in shares."""
    shares: list[Share] = Field(
        default_factory=list,
        max_length=10,
        json_schema_extra=_LIST_MAP_BY_BOT,
    )
    """How the budget is split; at most 100 percent together."""
    risk: AccountRisk | None = None
    """Limits of the account. Default: none."""
    halt: bool = False
    """Kill switch: every bot cancels its open entries and places no new ones until this is false
    again; positions and sells stay."""
    rate_limit: RateLimit | None = None
    """The account's order budget. Default: what the venue allows."""

    def share_of(self, kind: str, name: str) -> Share | None:
        """Return the share of a bot, or None."""
        return next((s for s in self.shares if s.kind == kind and s.name == name), None)


class ShareStatus(Model):
    """One bot of the account."""

    kind: str = Field(max_length=32)
    """TradingBot or GridBot."""
    name: str = Field(max_length=49)
    """Name of the bot."""
    percent: int
    """Part of the budget, percent."""
    budget: DecimalStr | None = None
    """Money of the bot, quote currency."""
    phase: str | None = Field(default=None, max_length=32)
    """Phase of the bot; absent when there is no such bot."""
    pnl: SignedDecimalStr | None = None
    """Total profit or loss of the bot, quote currency; absent before it reports."""


class AllocationStatus(Model):
    """How an account is doing. Written by the operator only."""

    observed_generation: int = -1
    """Generation of the spec that this tells of; -1 before the first look."""
    allocated_percent: int | None = None
    """Sum of the shares, percent."""
    bots: list[ShareStatus] = Field(
        default_factory=list,
        max_length=100,
        json_schema_extra=_LIST_MAP_BY_BOT,
    )
    """The bots that hold a share."""
    equity: SignedDecimalStr | None = None
    """Equity of the bots plus what is not allocated, quote currency."""
    realized_pnl: SignedDecimalStr | None = None
    """Sum over the bots, quote currency."""
    unrealized_pnl: SignedDecimalStr | None = None
    """Sum over the bots, quote currency."""
    conditions: list[Condition] = Field(
        default_factory=list, max_length=32, json_schema_extra=LIST_MAP_BY_TYPE
    )
    """Ready, Reconciling, Stalled and Halted."""


def _share_sum(spec: Node) -> int:
    return sum(share["percent"] for share in spec.get("shares", ()))


def _share_count(spec: Node) -> int:
    return len(spec.get("shares", ()))


_RULES = (
    Rule(
        at=("spec",),
        cel="!has(self.shares) || self.shares.map(s, s.percent).sum() <= 100",
        holds=lambda new, _: _share_sum(new) <= 100,
        reads=("shares",),
        message="the shares must sum to at most 100 percent",
        suffix=", were %d",
        details=(("self.shares.map(s, s.percent).sum()", _share_sum),),
        field="shares",
    ),
    Rule(
        at=("spec",),
        cel="!has(self.shares) || size(self.shares) <= self.maxBots",
        holds=lambda new, _: _share_count(new) <= new["maxBots"],
        reads=("shares", "maxBots"),
        message="there must be at most as many shares as maxBots says",
        suffix=", were %d with maxBots %d",
        details=(
            ("size(self.shares)", _share_count),
            ("self.maxBots", lambda new: new["maxBots"]),
        ),
        field="shares",
        reason="FieldValueForbidden",
    ),
    Rule(
        at=("spec",),
        cel="self.mode != 'Live' || has(self.credentialsSecretRef)",
        holds=lambda new, _: new["mode"] != "Live" or "credentialsSecretRef" in new,
        reads=("mode", "credentialsSecretRef"),
        message="mode Live needs credentialsSecretRef",
        field="credentialsSecretRef",
        reason="FieldValueRequired",
    ),
    Rule(
        at=("spec",),
        cel="self.mode != 'Live' || self.acknowledgeLiveTrading",
        holds=lambda new, _: new["mode"] != "Live" or new["acknowledgeLiveTrading"],
        reads=("mode", "acknowledgeLiveTrading"),
        message="mode Live needs acknowledgeLiveTrading: true",
        field="acknowledgeLiveTrading",
    ),
    Rule(
        at=("spec",),
        cel="self.mode != 'Live' || self.exchange.name != 'paper'",
        holds=lambda new, _: new["mode"] != "Live" or new["exchange"]["name"] != "paper",
        reads=("mode", "exchange"),
        message="mode Live needs a real exchange: exchange.name paper trades on paper only",
        field="exchange.name",
    ),
    Rule(
        at=("spec",),
        cel="self.exchange.name == oldSelf.exchange.name",
        holds=lambda new, old: new["exchange"]["name"] == old["exchange"]["name"],
        reads=("exchange",),
        message="exchange.name cannot be changed: create a new Allocation",
        field="exchange.name",
        reason="FieldValueForbidden",
        is_transition=True,
    ),
    Rule(
        at=("spec",),
        cel="oldSelf.mode != 'Live' || self.mode == 'Live' || "
        "((!has(oldSelf.shares) || size(oldSelf.shares) == 0)"
        " && (!has(self.shares) || size(self.shares) == 0))",
        holds=lambda new, old: (
            old["mode"] != "Live"
            or new["mode"] == "Live"
            or _share_count(new) + _share_count(old) == 0
        ),
        reads=("mode", "shares"),
        message="mode cannot go from Live to Paper while there are shares: remove the shares first",
        field="mode",
        reason="FieldValueForbidden",
        is_transition=True,
    ),
)


_COLUMNS = (
    column("Mode", ".spec.mode", "Paper or Live."),
    column("Exchange", ".spec.exchange.name", "Where the account is."),
    column("Budget", ".spec.budget", "Money that the bots may use, quote currency."),
    column("Allocated", ".status.allocatedPercent", "Sum of the shares, percent.", kind="integer"),
    column("Equity", ".status.equity", "What the account is worth, quote currency."),
    column("Realized", ".status.realizedPnl", "Profit or loss of sold coin, quote currency."),
    column("Unrealized", ".status.unrealizedPnl", "Profit or loss of held coin, quote currency."),
    column(
        "Ready",
        '.status.conditions[?(@.type=="Ready")].status',
        "Whether the account does what it was asked to.",
    ),
    column(
        "Halted",
        '.status.conditions[?(@.type=="Halted")].status',
        "Whether the kill switch is on.",
    ),
    column("Age", ".metadata.creationTimestamp", "Time since creation.", kind="date"),
    column("Currency", ".spec.quoteCurrency", "Currency of all amounts.", wide=True),
    column(
        "Message",
        '.status.conditions[?(@.type=="Ready")].message',
        "What a person should know.",
        wide=True,
    ),
)


class Allocation(Resource):
    """One exchange account and how its money is split among bots."""

    info: ClassVar[KindInfo] = KindInfo(
        plural="allocations", short_names=("alloc",), columns=_COLUMNS, rules=_RULES
    )

    kind: Literal["Allocation"] = "Allocation"
    """Always Allocation."""
    spec: AllocationSpec
    """What the user wants."""
    status: AllocationStatus = AllocationStatus()
    """How it is doing."""
