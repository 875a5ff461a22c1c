"""Parameters of each strategy. Defaults and limits are those of the strategy guide."""

from decimal import Decimal
from enum import StrEnum

from pydantic import Field

from dantaro_crds.v1alpha1.common import Model
from dantaro_crds.values import DecimalStr, PositiveDecimalStr

__all__ = [
    "AiStrategy",
    "BreakoutStrategy",
    "GridParameters",
    "SignalStrategy",
    "Sizing",
    "Spacing",
    "StagedStrategy",
    "StopAction",
    "SupportLevelChoice",
    "TrailingUp",
]


class Spacing(StrEnum):
    """How prices are spread over a range."""

    ARITHMETIC = "Arithmetic"
    GEOMETRIC = "Geometric"


class Sizing(StrEnum):
    """How money is spread over stages."""

    EQUAL = "Equal"
    LINEAR = "Linear"
    GEOMETRIC = "Geometric"


class SupportLevelChoice(StrEnum):
    """Which support level bounds the stages: 7, 30 or 90 days back."""

    AGGRESSIVE = "Aggressive"
    MODERATE = "Moderate"
    CONSERVATIVE = "Conservative"


class StopAction(StrEnum):
    """What happens to the coin when a grid stops at its stop loss."""

    SELL = "Sell"
    KEEP = "Keep"


class TrailingUp(Model):
    """Moves the whole grid up when the price leaves it at the top."""

    limit_price: PositiveDecimalStr | None = None
    """Highest top line, quote currency. Default: no limit."""


class GridParameters(Model):
    """A grid of resting orders between two prices."""

    lower_price: PositiveDecimalStr
    """Lowest line, quote currency, on a price tick of the venue."""
    upper_price: PositiveDecimalStr
    """Highest line, quote currency, on a price tick of the venue."""
    grids: int = Field(ge=2, le=100)
    """Number of cells between the lines; each cell holds one live order."""
    spacing: Spacing = Spacing.ARITHMETIC
    """Arithmetic: equal money per line; Geometric: equal percentage per line."""
    take_profit: PositiveDecimalStr | None = None
    """Price above the grid at which it sells out and stops, quote currency."""
    stop_loss: PositiveDecimalStr | None = None
    """Price below the grid at which it stops, quote currency."""
    stop_action: StopAction = StopAction.SELL
    """What happens to the coin at the stop loss."""
    trailing_up: TrailingUp | None = None
    """Follow the price upwards. Default: the grid stays where it is."""


class StagedStrategy(Model):
    """Buys in stages from the present price down to a support level, sells all at a profit."""

    stages: int = Field(default=5, ge=1, le=20)
    """Number of buys."""
    support_level: SupportLevelChoice = SupportLevelChoice.MODERATE
    """Lowest stage: support level of 7 (Aggressive), 30 (Moderate) or 90 days (Conservative)."""
    spacing: Spacing = Spacing.ARITHMETIC
    """How the stage prices are spread."""
    sizing: Sizing = Sizing.EQUAL
    """How the budget is spread over the stages."""
    geometric_ratio: PositiveDecimalStr = Field(default=Decimal("1.5"), ge=1, le=2)
    """Growth of the amount from stage to stage with sizing Geometric, 1 to 2."""
    take_profit_percent: PositiveDecimalStr = Decimal("1.5")
    """Net gain over cost at which all is sold, percent, both fees included."""
    stop_loss_percent: PositiveDecimalStr | None = Field(default=None, lt=100)
    """Distance of the stop loss below the last stage price, percent. Default: no stop loss."""
    jitter_percent: DecimalStr = Field(default=Decimal(0), lt=50)
    """Random shift of the inner stages, percent of the distance to the next stage, below 50."""


class SignalStrategy(Model):
    """Trades on a vote of indicators."""

    entry_threshold: PositiveDecimalStr = Field(default=Decimal("0.6"), le=1)
    """Part of the votes for buying that opens a position, fraction 0..1."""
    exit_threshold: PositiveDecimalStr = Field(default=Decimal("0.6"), le=1)
    """Part of the votes for selling that closes it, fraction 0..1."""
    min_confidence: DecimalStr = Field(default=Decimal("0.5"), le=1)
    """Lowest confidence of the vote that is acted on, fraction 0..1."""
    take_profit_percent: PositiveDecimalStr | None = None
    """Net gain over cost at which all is sold, percent, both fees included. Default: none."""
    stop_loss_percent: PositiveDecimalStr | None = Field(default=None, lt=100)
    """Fall below the price at the cycle's start at which all is sold, percent. Default: none."""


class BreakoutStrategy(Model):
    """Buys when the price breaks out of the last day's range."""

    k: PositiveDecimalStr = Field(default=Decimal("0.5"), le=2)
    """Part of yesterday's range above today's open that must be reached, fraction."""
    squeeze_gate: bool = True
    """Enter only after the bands were narrow."""
    volume_gate: bool = True
    """Enter only with volume above its mean."""
    volume_factor: PositiveDecimalStr = Decimal("1.5")
    """How many times its 20-candle mean the volume must be."""
    take_profit_percent: PositiveDecimalStr | None = None
    """Net gain over cost at which all is sold, percent, both fees included. Default: none."""
    stop_loss_percent: PositiveDecimalStr | None = Field(default=None, lt=100)
    """Fall below the price at the cycle's start at which all is sold, percent. Default: none."""


class AiStrategy(Model):
    """Acts on the decision of central's analyst."""

    min_confidence: DecimalStr = Field(default=Decimal("0.7"), le=1)
    """Lowest confidence that is acted on, fraction 0..1."""
    take_profit_percent: PositiveDecimalStr | None = None
    """Net gain over cost at which all is sold, percent, both fees included. Default: none."""
    stop_loss_percent: PositiveDecimalStr | None = Field(default=None, lt=100)
    """Fall below the price at the cycle's start at which all is sold, percent. Default: none."""
