"""The control API under /control: steers the exchange and tells its truth. JSON, no keys."""

from collections.abc import Callable
from dataclasses import asdict
from datetime import datetime
from decimal import Decimal
from typing import Any, TypeVar

from pydantic import ValidationError

from tests.support.exchange.audit import find_faults
from tests.support.exchange.config import (
    ClockConfig,
    ExchangeConfig,
    KeyConfig,
    LimitConfig,
    PocketConfig,
    Rules,
    Strict,
)
from tests.support.exchange.faults import Fault
from tests.support.exchange.limits import Limits
from tests.support.exchange.orders import Refusal
from tests.support.exchange.pockets import Pocket
from tests.support.exchange.wire import plain
from tests.support.exchange.world import World

__all__ = [
    "CONTROL_ROUTES",
    "Deposit",
    "KeyChange",
    "MarketChange",
    "NewKey",
    "OrderFill",
    "PriceMove",
    "TimeMove",
    "control",
    "read_world",
]

_M = TypeVar("_M", bound=Strict)
Act = Callable[[World, bytes], object]


class PriceMove(Strict):
    """Moves the last price of a market, now."""

    market: str
    price: Decimal
    volume: Decimal = Decimal(0)


class TimeMove(Strict):
    """Moves a clock that stands; recorded candles are walked up to it."""

    to: datetime


class Deposit(Strict):
    """Money from outside; below 0 it is taken out."""

    pocket: str
    currency: str
    amount: Decimal


class NewKey(Strict):
    """One more key of a pocket."""

    pocket: str
    key: KeyConfig


class KeyChange(Strict):
    """Other properties of a key, such as `{"state": "expired"}`."""

    access: str
    changes: dict[str, Any]


class MarketChange(Strict):
    """State of a market, `active` or not, and what the venue warns of."""

    market: str
    state: str = "active"
    is_flagged: bool = False
    cautions: tuple[str, ...] = ()
    shown: Decimal | None = None


class OrderFill(Strict):
    """Fills a part of what is left of an order, wherever the price is."""

    pocket: str
    uuid: str
    part: Decimal = Decimal(1)


def _pocket(world: World, name: str) -> Pocket:
    if name not in world.engine.pockets:
        raise Refusal(404, "no_such_pocket", f"no pocket {name}")
    return world.engine.pockets[name]


def _act(model: type[_M], act: Callable[[World, _M], object]) -> Act:
    def run(world: World, body: bytes) -> object:
        try:
            return act(world, model.model_validate_json(body))
        except ValidationError as error:
            raise Refusal(400, "invalid_control", str(error)) from error

    return run


def _truth(world: World, _: bytes) -> object:
    engine = world.engine
    return {
        "time": world.feed.advance().isoformat(),
        "has_ended": world.feed.has_ended,
        "prices": {market.code: plain(market.last) for market in engine.markets.values()},
        "fees": {currency: plain(fee) for currency, fee in engine.fees.items()},
        "pockets": {name: world.truth(name) for name in engine.pockets},
        "calls": dict(world.calls),
        "refused": [asdict(row) for row in world.refused],
        "faults": dict(world.faults.fired),
        "wrong": find_faults(engine) + world.crashes,
    }


def _move_time(world: World, move: TimeMove) -> object:
    world.clock.move_to(move.to)
    return {"time": world.feed.advance().isoformat()}


def _set_clock(world: World, config: ClockConfig) -> object:
    world.clock.set(config)
    return {"time": world.feed.advance().isoformat()}


def _set_rules(world: World, rules: Rules) -> object:
    world.engine.rules = rules
    return {}


def _set_limits(world: World, config: LimitConfig) -> object:
    world.limits = Limits(config)
    return {}


def _set_market(world: World, change: MarketChange) -> object:
    market = world.engine.market(change.market)
    market.state, market.is_flagged = change.state, change.is_flagged
    market.cautions, market.shown = change.cautions, change.shown
    return {}


def _fill(world: World, fill: OrderFill) -> object:
    order = _pocket(world, fill.pocket).find(uuid=fill.uuid, identifier=None)
    world.engine.fill(order, fill.part, world.feed.advance())
    return {"state": order.state}


def _clear(world: World, _: bytes) -> object:
    world.faults.clear()
    world.catch_up()
    return {}


def _deposit(world: World, d: Deposit) -> object:
    world.engine.deposit(_pocket(world, d.pocket), d.currency, d.amount)
    return {}


CONTROL_ROUTES: dict[tuple[str, str], Act] = {
    ("GET", "/control/truth"): _truth,
    ("POST", "/control/faults"): _act(Fault, lambda world, fault: world.faults.add(fault)),
    ("DELETE", "/control/faults"): _clear,
    ("POST", "/control/price"): _act(
        PriceMove, lambda world, m: world.feed.move(m.market, m.price, m.volume)
    ),
    ("POST", "/control/time"): _act(TimeMove, _move_time),
    ("POST", "/control/clock"): _act(ClockConfig, _set_clock),
    ("POST", "/control/rules"): _act(Rules, _set_rules),
    ("POST", "/control/limits"): _act(LimitConfig, _set_limits),
    ("POST", "/control/markets"): _act(MarketChange, _set_market),
    ("POST", "/control/pockets"): _act(PocketConfig, lambda world, p: world.add_pocket(p)),
    ("POST", "/control/deposits"): _act(Deposit, _deposit),
    ("POST", "/control/keys"): _act(NewKey, lambda world, k: world.gate.add(k.pocket, k.key)),
    ("PATCH", "/control/keys"): _act(
        KeyChange, lambda world, k: world.gate.change(k.access, **k.changes)
    ),
    ("POST", "/control/fills"): _act(OrderFill, _fill),
}


def control(world: World, method: str, path: str, body: bytes) -> object:
    """Carry out a control call; `POST /control/world` is the server's own."""
    act = CONTROL_ROUTES.get((method, path))
    if act is None:
        raise Refusal(404, "no_such_route", f"{method} {path}")
    answer = act(world, body)
    return {} if answer is None else answer


def read_world(body: bytes) -> World:
    """Return a new exchange from its configuration."""
    try:
        return World(ExchangeConfig.model_validate_json(body))
    except ValidationError as error:
        raise Refusal(400, "invalid_control", str(error)) from error
