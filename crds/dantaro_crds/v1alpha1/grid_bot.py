"""The kind GridBot: resting orders between two prices."""

from decimal import Decimal
from typing import ClassVar, Literal

from dantaro_crds.v1alpha1.bot_common import BOT_COLUMNS, BOT_RULES, BotPnl, BotSpec, BotStatus
from dantaro_crds.v1alpha1.cel import DecimalText
from dantaro_crds.v1alpha1.resource import KindInfo, Resource
from dantaro_crds.v1alpha1.rule import Rule
from dantaro_crds.v1alpha1.strategies import GridParameters
from dantaro_crds.values import SignedDecimalStr

__all__ = ["GridBot", "GridBotPnl", "GridBotSpec", "GridBotStatus"]


class GridBotSpec(GridParameters, BotSpec):
    """What a grid bot is told."""

    @property
    def grid(self) -> GridParameters:
        """The grid alone, as a bot's configuration wants it."""
        # Its values were checked with this model's.
        return GridParameters.model_construct(
            **{name: getattr(self, name) for name in GridParameters.model_fields}
        )


class GridBotPnl(BotPnl):
    """Profit and loss of a grid; realized = gridProfit + initialStockGain + exitResult."""

    grid_profit: SignedDecimalStr | None = None
    """Completed pairs of buy and sell, after fees. Alone it misleads: look at `total`."""
    initial_stock_gain: SignedDecimalStr | None = None
    """First sells of the coin that was bought at the start, after fees."""
    exit_result: SignedDecimalStr | None = None
    """Sale at stop loss, take profit or flatten, after fees."""


class GridBotStatus(BotStatus):
    """How a grid bot is doing. Written by the operator only."""

    pnl: GridBotPnl | None = None
    """Profit and loss."""


_LOWER = DecimalText.of_field("self.lowerPrice")
_UPPER = DecimalText.of_field("self.upperPrice")
_STOP_LOSS = DecimalText.of_field("self.stopLoss")
_TAKE_PROFIT = DecimalText.of_field("self.takeProfit")
_LIMIT = DecimalText.of_field("self.trailingUp.limitPrice")

_GRID_RULES = (
    Rule(
        at=("spec",),
        cel=_LOWER.is_below(_UPPER),
        holds=lambda new, _: Decimal(new["lowerPrice"]) < Decimal(new["upperPrice"]),
        reads=("lowerPrice", "upperPrice"),
        message="lowerPrice must be < upperPrice",
        suffix=", were %s and %s",
        details=(
            ("self.lowerPrice", lambda new: new["lowerPrice"]),
            ("self.upperPrice", lambda new: new["upperPrice"]),
        ),
        field="lowerPrice",
    ),
    Rule(
        at=("spec",),
        cel=f"!has(self.stopLoss) || {_STOP_LOSS.is_below(_LOWER)}",
        holds=lambda new, _: (
            "stopLoss" not in new or Decimal(new["stopLoss"]) < Decimal(new["lowerPrice"])
        ),
        reads=("lowerPrice", "stopLoss"),
        message="stopLoss must be < lowerPrice",
        suffix=", were %s and %s",
        details=(
            ("self.stopLoss", lambda new: new["stopLoss"]),
            ("self.lowerPrice", lambda new: new["lowerPrice"]),
        ),
        field="stopLoss",
    ),
    Rule(
        at=("spec",),
        cel=f"!has(self.takeProfit) || {_UPPER.is_below(_TAKE_PROFIT)}",
        holds=lambda new, _: (
            "takeProfit" not in new or Decimal(new["takeProfit"]) > Decimal(new["upperPrice"])
        ),
        reads=("takeProfit", "upperPrice"),
        message="takeProfit must be > upperPrice",
        suffix=", were %s and %s",
        details=(
            ("self.takeProfit", lambda new: new["takeProfit"]),
            ("self.upperPrice", lambda new: new["upperPrice"]),
        ),
        field="takeProfit",
    ),
    Rule(
        at=("spec",),
        cel="!has(self.trailingUp) || !has(self.trailingUp.limitPrice)"
        f" || {_UPPER.is_below(_LIMIT)}",
        holds=lambda new, _: (
            "limitPrice" not in new.get("trailingUp", {})
            or Decimal(new["trailingUp"]["limitPrice"]) > Decimal(new["upperPrice"])
        ),
        reads=("trailingUp", "upperPrice"),
        message="trailingUp.limitPrice must be > upperPrice, else the grid can never move",
        suffix=": were %s and %s",
        details=(
            ("self.trailingUp.limitPrice", lambda new: new["trailingUp"]["limitPrice"]),
            ("self.upperPrice", lambda new: new["upperPrice"]),
        ),
        field="trailingUp.limitPrice",
    ),
)


class GridBot(Resource):
    """Trades a grid: buys a step lower, sells a step higher, again and again."""

    info: ClassVar[KindInfo] = KindInfo(
        plural="gridbots",
        short_names=("gb",),
        columns=BOT_COLUMNS,
        rules=(*BOT_RULES, *_GRID_RULES),
    )

    kind: Literal["GridBot"] = "GridBot"
    """Always GridBot."""
    spec: GridBotSpec
    """What the user wants."""
    status: GridBotStatus = GridBotStatus()
    """How it is doing."""
