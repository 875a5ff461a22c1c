"""What all kinds share: model bases, modes, limits, conditions. No kind stands here."""

from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Any, ClassVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator
from pydantic.alias_generators import to_camel

from dantaro_crds.values import DecimalStr, PositiveDecimalStr, UtcTime

__all__ = [
    "BotState",
    "Condition",
    "ConditionStatus",
    "DeletionPolicy",
    "Mode",
    "Model",
    "RiskLimits",
    "Sentence",
]


class Model(BaseModel):
    """Base of every shape: frozen, camelCase on the wire, field docstrings as descriptions.

    Unknown fields are refused where a person or a process of ours wrote the text; the kinds are
    read leniently from an API server by `parse` (an old operator must survive a new CRD).
    """

    model_config: ClassVar[ConfigDict] = ConfigDict(
        frozen=True,
        alias_generator=to_camel,
        populate_by_name=True,
        extra="forbid",
        use_attribute_docstrings=True,
    )

    @model_validator(mode="before")
    @classmethod
    def _null_is_absent(cls, data: Any) -> Any:
        """Treat `null` as a field left out, as the API server does."""
        if isinstance(data, dict) and None in data.values():
            return {key: value for key, value in data.items() if value is not None}
        return data


class Mode(StrEnum):
    """Whether orders go to the exchange."""

    PAPER = "Paper"
    LIVE = "Live"


class BotState(StrEnum):
    """What the user wants a bot to do."""

    RUNNING = "Running"
    STOPPED = "Stopped"


class DeletionPolicy(StrEnum):
    """What happens on the exchange when a bot is deleted."""

    CANCEL_ORDERS = "CancelOrders"
    FLATTEN = "Flatten"
    RETAIN = "Retain"


class ConditionStatus(StrEnum):
    """Status of a condition."""

    TRUE = "True"
    FALSE = "False"
    UNKNOWN = "Unknown"


def _clip(value: Any) -> Any:
    return value[:253] + "..." if isinstance(value, str) and len(value) > 256 else value


Sentence = Annotated[str, BeforeValidator(_clip), Field(max_length=256)]
"""Text for people in a status. A longer one is cut: it must not cost the whole status write."""


class Condition(Model):
    """One aspect of an object's state, by the Kubernetes API conventions."""

    type: str = Field(max_length=64)
    """Name of the aspect, PascalCase."""
    status: ConditionStatus
    """True, False or Unknown."""
    observed_generation: int | None = None
    """Generation of the object that this was derived from."""
    last_transition_time: UtcTime
    """When `status` last changed."""
    reason: str = Field(max_length=64)
    """Code of the cause, PascalCase."""
    message: Sentence
    """One sentence that says what to do, if anything."""


class RiskLimits(Model):
    """Limits that the bot itself enforces before each order and once a minute."""

    max_order_value: PositiveDecimalStr | None = None
    """Largest value of one order, quote currency. Default: no limit beyond the budget."""
    max_position_percent: PositiveDecimalStr | None = Field(default=None, le=100)
    """Largest part of the bot's equity held in coin, percent. Default: no limit but the budget."""
    max_daily_loss: PositiveDecimalStr | None = None
    """Loss of a day (Asia/Seoul) that stops new entries until the next day, quote currency."""
    max_daily_loss_percent: PositiveDecimalStr | None = Field(default=None, le=100)
    """The same as percent of the equity at the start of the day; the smaller limit counts."""
    max_drawdown_percent: PositiveDecimalStr | None = Field(default=None, le=100)
    """Fall of the equity from its peak that stops new entries until a reset, percent."""
    max_orders_per_minute: int | None = Field(default=None, ge=1, le=600)
    """Most orders placed in a minute. Default: the larger of 60 and twice the grids."""
    price_band_percent: DecimalStr = Decimal(10)
    """A buy may stand at most this far above, a sell below the last price, percent."""
    flatten_on_trip: bool = False
    """Sell the whole position when the daily loss or the drawdown limit trips."""
