"""What a bot says of itself at `/status`."""

from enum import StrEnum

from pydantic import Field

from dantaro_crds.v1alpha1.common import Mode, Model
from dantaro_crds.values import DecimalStr, SignedDecimalStr, Symbol, UtcTime

__all__ = [
    "BotReport",
    "EngineState",
    "Fact",
    "GridPnl",
    "OpenOrder",
    "OrderCounts",
    "Pnl",
    "Position",
]


class EngineState(StrEnum):
    """State of the bot's engine. Any state may go to ERROR; only a reset leads out of it."""

    IDLE = "IDLE"
    RUNNING = "RUNNING"
    STOPPING = "STOPPING"
    ERROR = "ERROR"


class Position(Model):
    """What the bot holds."""

    amount: DecimalStr
    """Base currency."""
    average_price: DecimalStr | None = None
    """Cost of what is held per unit, fees included, quote currency; null when flat."""
    value: DecimalStr
    """At the last price, quote currency."""


class GridPnl(Model):
    """Where a grid's profit comes from. The three realised parts add up to `realized`."""

    grid_profit: SignedDecimalStr
    """Completed buy and sell pairs, after fees."""
    initial_stock_gain: SignedDecimalStr
    """First sells of the coin that was bought at the start, after fees."""
    exit_result: SignedDecimalStr
    """Sale at stop loss, take profit or flatten, after fees."""


class Pnl(Model):
    """Profit and loss since the first start, quote currency; total = realized + unrealized."""

    total: SignedDecimalStr
    """Equity less the money put in."""
    realized: SignedDecimalStr
    """From sold coin, after all fees."""
    unrealized: SignedDecimalStr
    """Of the coin held, at the last price, fees of its purchase counted."""
    today: SignedDecimalStr
    """Change of `total` since the start of the day (Asia/Seoul)."""
    fees: DecimalStr
    """All fees paid."""
    grid: GridPnl | None = None
    """Parts of a grid's profit."""


class OrderCounts(Model):
    """Orders of the bot since its first start."""

    open: int = 0
    """Resting on the exchange now."""
    filled: int = 0
    """Filled in full."""
    rejected: int = 0
    """Refused by the exchange or by the risk gate."""


class OpenOrder(Model):
    """One resting order."""

    client_id: str
    """Client order id."""
    side: str
    """Buy or Sell."""
    price: DecimalStr
    """Limit, quote currency."""
    volume: DecimalStr
    """Base currency."""


class Fact(Model):
    """One aspect of the bot, from which the operator makes a condition."""

    ok: bool
    """Whether it is as it should be."""
    reason: str
    """PascalCase code."""
    message: str
    """One sentence."""


class BotReport(Model):
    """The bot as it sees itself."""

    kind: str
    """TradingBot or GridBot."""
    namespace: str
    """Namespace of the object."""
    name: str
    """Name of the object."""
    uid: str
    """Uid of the object."""
    version: str
    """Version of the software."""
    observed_generation: int
    """Generation of the configuration in force."""
    engine_state: EngineState
    """State of the engine."""
    strategy: str
    """grid, staged, signal, breakout or ai."""
    strategy_state: str
    """State of the strategy, PascalCase, such as Running, Holding or Stopped."""
    cycle: int = 0
    """Number of the present cycle; 0 before the first."""
    symbol: Symbol
    """The market that is traded; another one that was asked for waits until the bot is flat."""
    flat: bool = False
    """Whether nothing binds the bot to its market: no cycle, no order, no coin that can be sold."""
    market_cycles: int = 0
    """Cycles begun since this market was taken up."""
    mode: Mode
    """Paper or Live."""
    budget: DecimalStr
    """Money put in, quote currency; differs from the configured budget until a cut is free."""
    equity: DecimalStr
    """Quote currency and coin at the last price."""
    position: Position
    """What is held."""
    pnl: Pnl
    """Profit and loss."""
    orders: OrderCounts
    """Counts of orders."""
    open_orders: list[OpenOrder] = Field(default_factory=list)
    """The resting orders, by falling price."""
    last_price: DecimalStr | None = None
    """Last price seen; null before the first candle."""
    market_time: UtcTime | None = None
    """Market time of the bot's cursor; null before the first candle."""
    caught_up: bool = False
    """Whether every candle that central has is consumed."""
    source_ended: bool = False
    """Whether central says that there will be no more candles."""
    heartbeat_time: UtcTime
    """Wall time of this report."""
    last_trade_time: UtcTime | None = None
    """Market time of the last fill."""
    analysis_time: UtcTime | None = None
    """`dataUntil` of the newest analysis in use."""
    last_decision: str | None = None
    """What was last decided, one sentence."""
    last_reset: str | None = None
    """Value of the reset annotation that was last handled."""
    drained: bool = False
    """Whether a requested drain is done."""
    message: str = ""
    """What a person should know, one sentence."""
    central: Fact
    """Whether central answers with fresh data."""
    exchange: Fact
    """Whether the exchange answers."""
    reconciled: Fact
    """Whether every order is explained."""
    halted: Fact
    """`ok` while entries are allowed; else which limit or switch stops them."""
    ready: Fact
    """The summary: whether the bot does what it was asked to."""
