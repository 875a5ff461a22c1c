"""What the operator hands a bot, as one JSON file. The file is read again when it changes."""

from datetime import date

from pydantic import Field, model_validator

from dantaro_crds.v1alpha1.common import BotState, DeletionPolicy, Mode, Model, RiskLimits
from dantaro_crds.v1alpha1.strategies import (
    AiStrategy,
    BreakoutStrategy,
    GridParameters,
    SignalStrategy,
    StagedStrategy,
)
from dantaro_crds.values import DecimalStr, Interval, PositiveDecimalStr, Symbol, UtcTime

__all__ = [
    "BotConfig",
    "CentralConfig",
    "HttpConfig",
    "RehearsalClock",
    "StrategyConfig",
    "VenueConfig",
]


class StrategyConfig(Model):
    """Exactly one strategy."""

    grid: GridParameters | None = None
    """A grid."""
    staged: StagedStrategy | None = None
    """Stages down to a support level."""
    signal: SignalStrategy | None = None
    """A vote of indicators."""
    breakout: BreakoutStrategy | None = None
    """Volatility breakout."""
    ai: AiStrategy | None = None
    """Decisions of central's analyst."""

    @property
    def name(self) -> str:
        """Name of the strategy that is set."""
        return next(name for name in type(self).model_fields if getattr(self, name) is not None)

    @property
    def orders_per_minute(self) -> int:
        """Most orders in a minute unless a limit says otherwise: so that a grid can be placed."""
        return max(60, 2 * self.grid.grids) if self.grid is not None else 60

    @model_validator(mode="after")
    def _exactly_one(self) -> "StrategyConfig":
        count = sum(getattr(self, name) is not None for name in type(self).model_fields)
        if count != 1:
            raise ValueError(f"exactly one strategy must be set, were {count}")
        return self


class CentralConfig(Model):
    """How to reach central."""

    url: str
    """Root of the API, such as http://127.0.0.1:8000."""
    key_file: str
    """File that holds the bearer key."""
    poll_seconds: float = Field(default=5.0, gt=0, le=300)
    """Pause between two pulls when there is nothing more to read, wall time."""


class HttpConfig(Model):
    """Where the bot's own HTTP server listens."""

    host: str = "127.0.0.1"
    """Address."""
    port: int = Field(default=8080, ge=0, le=65535)
    """Port; 0 takes a free one."""
    port_file: str | None = None
    """File that the bot writes its real port to."""


class RehearsalClock(Model):
    """A clock that runs faster than the machine's, for an emulated exchange on this machine."""

    speed: float = Field(gt=0, le=1_000_000)
    """Seconds that pass in one of the machine's."""
    wall: UtcTime
    """A moment of the machine's clock."""
    shown: UtcTime
    """What the clock shows at that moment."""


class VenueConfig(Model):
    """How a bot that trades live reaches its exchange."""

    keys_folder: str
    """Folder with the files `access-key` and `secret-key`, read again when they change."""
    acknowledged: bool = False
    """Whether somebody said that real money may be lost; nothing is traded without it."""
    base_url: str | None = None
    """Root of an API in place of the exchange's own."""
    poll_seconds: float = Field(default=2.0, gt=0, le=60)
    """Pause between two looks at the exchange."""
    clock: RehearsalClock | None = None
    """Refused but with an exchange on loopback."""


class BotConfig(Model):
    """Everything that one bot needs to know."""

    kind: str
    """TradingBot or GridBot."""
    namespace: str
    """Namespace of the object."""
    name: str
    """Name of the object."""
    uid: str = Field(min_length=8)
    """Uid of the object; the first eight signs begin every client order id."""
    generation: int = 1
    """Generation of the object that this was made of."""
    state: BotState = BotState.RUNNING
    """What the user wants."""
    halt: bool = False
    """Kill switch of the Allocation: cancel entries, place no new ones."""
    drain: DeletionPolicy | None = None
    """Set when the object is being deleted: carry this out, then report `drained`."""
    reset: str | None = None
    """Value of the reset annotation; a new value leaves ERROR and starts a stopped grid again."""
    accept_loss: date | None = None
    """Trading day (Asia/Seoul) whose loss a person accepts: its limit counts anew, once."""
    mode: Mode = Mode.PAPER
    """Whether orders go to the exchange."""
    exchange: str = "paper"
    """Venue: `paper`, `upbit` or a ccxt id."""
    venue: VenueConfig | None = None
    """How the exchange is reached; required with mode Live, unused on paper."""
    symbol: Symbol
    """The market."""
    interval: Interval = Interval.M1
    """Interval of the indicators that the strategy looks at."""
    leverage: int = Field(default=1, ge=1, le=20)
    """1 is spot."""
    budget: DecimalStr
    """Money of this bot, quote currency."""
    quote_currency: str = "KRW"
    """Currency of the budget."""
    orders_per_second: PositiveDecimalStr | None = None
    """This bot's part of the account's order rate."""
    risk: RiskLimits = RiskLimits()
    """Limits, the account's part included."""
    strategy: StrategyConfig
    """What to trade by."""
    slippage_ticks: int = Field(default=1, ge=0, le=10)
    """How many ticks a taker pays on paper, and a first buy is limited above the last price."""
    start_time: UtcTime | None = None
    """First market time to trade from; null: the first candle of a replay, else now."""
    central: CentralConfig
    """Where the market comes from."""
    store_url: str
    """SQLAlchemy URL of the bot's own store."""
    http: HttpConfig = HttpConfig()
    """The bot's own HTTP server."""
    log_level: str = "INFO"
    """Lowest level that is logged."""
