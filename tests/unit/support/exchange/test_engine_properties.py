"""Whatever is ordered and wherever the price goes, the books add up."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.exchange.audit import find_faults
from tests.support.exchange.config import PocketConfig, Rules
from tests.support.exchange.engine import Engine
from tests.support.exchange.orders import Draft, OrdType, Refusal, Side, SmpType, TimeInForce

pytestmark = pytest.mark.unit

NOW = datetime(2025, 9, 2, tzinfo=UTC)
MARKETS = {"KRW-XRP": (3000, 3400), "KRW-BTC": (99_000_000, 101_000_000)}

prices = {
    "KRW-XRP": st.integers(3000, 3400).map(Decimal),
    "KRW-BTC": st.integers(99_000, 101_000).map(lambda n: Decimal(n * 1000)),
}
volumes = {
    "KRW-XRP": st.integers(10**8, 200 * 10**8).map(lambda n: Decimal(n).scaleb(-8)),
    "KRW-BTC": st.integers(4000, 4_000_000).map(lambda n: Decimal(n).scaleb(-8)),
}
totals = st.integers(4000, 2_000_000).map(Decimal)


@st.composite
def drafts(draw: st.DrawFn) -> Draft:
    market = draw(st.sampled_from(sorted(MARKETS)))
    side = draw(st.sampled_from(Side))
    kind = draw(st.sampled_from([OrdType.LIMIT] * 4 + [OrdType.BEST, OrdType.PRICE]))
    if kind is OrdType.PRICE and side is Side.ASK:
        kind = OrdType.MARKET
    forces: list[TimeInForce | None] = [None]
    if kind is OrdType.BEST:
        forces = [TimeInForce.IOC, TimeInForce.FOK]
    elif kind is OrdType.LIMIT:
        forces = [None, None, *TimeInForce]
    has_price = kind is OrdType.LIMIT or side is Side.BID
    has_volume = kind is OrdType.LIMIT or side is Side.ASK
    price = draw(prices[market] if kind is OrdType.LIMIT else totals) if has_price else None
    return Draft(
        market=market,
        side=side,
        ord_type=kind,
        price=price,
        volume=draw(volumes[market]) if has_volume else None,
        time_in_force=draw(st.sampled_from(forces)),
        identifier=draw(st.sampled_from([None, "a", "b", "c", "d"])),
        smp_type=draw(st.sampled_from([SmpType.CANCEL_MAKER, SmpType.NONE])),
    )


places = st.tuples(st.just("place"), st.sampled_from(["one", "two"]), drafts())
moves = st.sampled_from(sorted(MARKETS)).flatmap(
    lambda market: st.tuples(st.just("move"), st.just(market), prices[market])
)
cancels = st.tuples(st.just("cancel"), st.sampled_from(["one", "two"]), st.integers(0, 30))
fills = st.tuples(st.just("fill"), st.sampled_from(["one", "two"]), st.integers(0, 30))
rules = st.builds(
    Rules,
    slippage_ticks=st.integers(0, 2),
    fills_at_touch=st.booleans(),
    partial=st.sampled_from([0.0, 0.5, 1.0]),
    seed=st.integers(0, 5),
)


def _engine(given_rules: Rules) -> Engine:
    balances = {"KRW": Decimal(5_000_000), "XRP": Decimal(500), "BTC": Decimal("0.1")}
    engine = Engine(
        given_rules,
        [PocketConfig(name=name, keys=(), balances=balances) for name in ("one", "two")],
    )
    for market, (low, high) in MARKETS.items():
        engine.add_market(market, Decimal(low + high) / 2)
    return engine


def _carry_out(engine: Engine, step: tuple[str, str, object]) -> None:
    kind, name, what = step
    if kind == "move":
        assert isinstance(what, Decimal)
        engine.move(name, what, NOW)
        return
    pocket = engine.pockets[name]
    if kind == "place":
        assert isinstance(what, Draft)
        engine.place(pocket, what, NOW)
        return
    orders = list(pocket.by_uuid.values())
    if isinstance(what, int) and what < len(orders):
        if kind == "cancel":
            engine.cancel(orders[what])
        elif orders[what].draft.ord_type is OrdType.LIMIT:
            engine.fill(orders[what], Decimal("0.3"), NOW)


@settings(max_examples=150, deadline=None)
@given(rules, st.lists(st.one_of(places, places, moves, cancels, fills), min_size=5, max_size=40))
def test_the_books_add_up_after_each_step(
    given_rules: Rules, steps: list[tuple[str, str, object]]
) -> None:
    engine = _engine(given_rules)
    for step in steps:
        before = {n: len(p.by_uuid) for n, p in engine.pockets.items()}
        try:
            _carry_out(engine, step)
        except Refusal:
            assert {n: len(p.by_uuid) for n, p in engine.pockets.items()} == before
        assert find_faults(engine) == []


@settings(max_examples=50, deadline=None)
@given(rules, st.lists(st.one_of(places, moves, cancels), min_size=5, max_size=25))
def test_after_all_is_cancelled_nothing_is_locked(
    given_rules: Rules, steps: list[tuple[str, str, object]]
) -> None:
    engine = _engine(given_rules)
    for step in steps:
        try:
            _carry_out(engine, step)
        except Refusal:
            continue
    for pocket in engine.pockets.values():
        for order in list(pocket.open.values()):
            engine.cancel(order)
        assert all(balance.locked == 0 for balance in pocket.balances.values())
    assert find_faults(engine) == []


@settings(max_examples=30, deadline=None)
@given(rules, st.lists(st.one_of(places, moves, cancels), min_size=5, max_size=20))
def test_the_same_seed_gives_the_same_books(
    given_rules: Rules, steps: list[tuple[str, str, object]]
) -> None:
    engines = _engine(given_rules), _engine(given_rules)
    for engine in engines:
        for step in steps:
            try:
                _carry_out(engine, step)
            except Refusal:
                continue
    assert engines[0].pockets == engines[1].pockets
