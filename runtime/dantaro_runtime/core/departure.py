"""From one market to another: when a bot may go, and what it takes along."""

from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Any, Generic, TypeVar

from dantaro_crds.wire.bot_status import EngineState
from dantaro_runtime.core.desk import Desk
from dantaro_runtime.core.desk_state import DeskState
from dantaro_runtime.core.strategies.protocol import Note

__all__ = ["Departure", "depart", "is_flat", "is_sold_out"]

S = TypeVar("S")


@dataclass(frozen=True, slots=True, kw_only=True)
class Departure(Generic[S]):
    """What is stored, in one transaction, when a bot takes up another market.

    Attributes:
        strategy: Strategy's state without anything of the old market.
        desk: The rest, the new market in it.
        time: Market time; None before the first candle.
        note: What a person may read later.
    """

    strategy: S
    desk: DeskState
    time: datetime | None
    note: Note


def is_sold_out(desk: Desk[Any]) -> bool:
    """Return whether no coin is left that is worth an order; of unknown worth it counts as left."""
    base = desk.desk.ledger.base
    return not base or (desk.last is not None and base * desk.last < desk.rules.min_total)


def is_flat(desk: Desk[Any]) -> bool:
    """Return whether nothing binds a bot to its market: no cycle, order or coin to be sold."""
    return (
        desk.desk.engine is not EngineState.ERROR
        and not len(desk.orders)
        and is_sold_out(desk)
        and desk.strategy.leave(desk.state) is not None
    )


def depart(desk: Desk[S], market: str) -> Departure[S] | None:
    """Return what it is to take up another market; None while something binds the bot.

    Coin too little to be sold is given up: its cost becomes a realised loss. The money, the fees
    and what the limits remember go along.
    """
    state = desk.strategy.leave(desk.state)
    if state is None or not is_flat(desk):
        return None
    base, old = desk.desk.ledger.base, desk.desk.market
    left = f"; {base:f} of {old} too little to be sold is given up" if base else ""
    return Departure(
        strategy=state,
        desk=replace(
            desk.desk,
            ledger=replace(desk.desk.ledger, base=Decimal(0)),
            refusals=(),
            market=market,
            market_since=desk.strategy.cycle(desk.state),
        ),
        time=desk.time,
        note=Note(reason="MarketChanged", message=f"trades {market}, no longer {old}{left}"),
    )
