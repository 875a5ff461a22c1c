"""The paper market's orders, money and triggers, and the walk through a candle."""

from datetime import timedelta
from decimal import Decimal, localcontext

import pytest

from dantaro_crds.errors import SpecError
from dantaro_crds.wire.bundle import Candle
from dantaro_runtime.core.orders import Side, Trigger, TriggerKind
from dantaro_runtime.core.paper import (
    CandleWalk,
    Fills,
    Move,
    MoveKind,
    Opened,
    PaperMarket,
    PaperOrder,
    PaperState,
    TimeInForce,
    TriggerFired,
    absorb,
    filled,
    moves,
)
from tests.support.paper_bot import (
    MIDNIGHT,
    balances,
    buy,
    make_candle,
    make_market,
    rebuild,
    sell,
)

pytestmark = pytest.mark.unit


def market_at(price: str, *, quote: str = "1000000", base: str = "100") -> PaperMarket:
    """Return a market with a last price."""
    market = make_market(quote=quote, base=base)
    market.jump(Decimal(price), MIDNIGHT)
    return market


def at_or_below(price: str, name: str = "stop") -> Trigger:
    """Return a trigger for a fall."""
    return Trigger(name=name, kind=TriggerKind.AT_OR_BELOW, price=Decimal(price))


def at_or_above(price: str, name: str = "target") -> Trigger:
    """Return a trigger for a rise."""
    return Trigger(name=name, kind=TriggerKind.AT_OR_ABOVE, price=Decimal(price))


# Orders


@pytest.mark.parametrize(
    ("order", "want"),
    [
        pytest.param(buy("10", "0"), "the price must be > 0", id="price-zero"),
        pytest.param(buy("10", "-3000"), "the price must be > 0", id="price-negative"),
        pytest.param(buy("0", "3000"), "the volume must be > 0", id="volume-zero"),
        pytest.param(sell("-1", "3000"), "the volume must be > 0", id="volume-negative"),
        pytest.param(buy("0", None), "a market buy is given by funds", id="funds-zero"),
        pytest.param(
            PaperOrder(client_id="m", side=Side.BUY, volume=Decimal(10)),
            "a market buy is given by funds",
            id="market-buy-by-volume",
        ),
        pytest.param(
            PaperOrder(client_id="m", side=Side.SELL, funds=Decimal(10_000)),
            "an order other than a market buy is given by its volume",
            id="market-sell-by-funds",
        ),
        pytest.param(buy("4999", None), "must be worth at least 5000, was 4999", id="funds-small"),
        pytest.param(sell("1", None), "must be worth at least 5000, was 3200", id="sale-small"),
        pytest.param(buy("1000000", None), "needs 1000500, free were 1000000", id="fee-unpaid"),
    ],
)
def test_a_wrong_order_is_refused_with_a_reason(order: PaperOrder, want: str) -> None:
    market = market_at("3200")

    receipt = market.submit(order, known=False)

    assert receipt.order.state is PaperState.REFUSED
    assert want in receipt.order.error
    assert market.next_accepted == 1
    assert market.open_orders == ()


def test_nothing_is_accepted_before_the_first_price() -> None:
    receipt = make_market().submit(buy("10", "3000"), known=False)

    assert receipt.order.state is PaperState.REFUSED
    assert "last price" in receipt.order.error


@pytest.mark.parametrize("time_in_force", [TimeInForce.IOC, TimeInForce.FOK])
def test_an_immediate_order_that_cannot_fill_is_cancelled(time_in_force: TimeInForce) -> None:
    market = market_at("3200")

    receipt = market.submit(sell("10", "3300", time_in_force=time_in_force), known=False)

    assert receipt.order.state is PaperState.CANCELLED
    assert balances(market) == ("1000000", "100")


@pytest.mark.parametrize("time_in_force", [TimeInForce.IOC, TimeInForce.FOK])
def test_an_immediate_order_that_can_fill_is_filled(time_in_force: TimeInForce) -> None:
    market = market_at("3200")

    receipt = market.submit(sell("10", "3100", time_in_force=time_in_force), known=False)

    assert receipt.order.state is PaperState.DONE
    assert receipt.order == filled(receipt.order, receipt.fills[0])
    assert receipt.order.fee == Decimal("15.995")


def test_a_post_only_order_below_the_market_rests() -> None:
    market = market_at("3200")

    market.submit(sell("10", "3300", "p", time_in_force=TimeInForce.POST_ONLY), known=False)

    assert [order.client_id for order in market.open_orders] == ["p"]


def test_a_market_buy_of_less_than_one_step_buys_nothing() -> None:
    market = market_at("1000000000000", quote="10000")

    receipt = market.submit(buy("5000", None), known=False)

    assert receipt.order.state is PaperState.CANCELLED
    assert receipt.fills == ()
    assert balances(market) == ("10000", "100")


def test_a_market_sale_at_the_lowest_tick_gets_the_last_price() -> None:
    market = market_at("0.00000001", base="1000000000000")

    receipt = market.submit(sell("1000000000000", None), known=False)

    assert receipt.fills[0].price == Decimal("0.00000001")


def test_a_cancel_frees_what_was_locked_and_twice_is_none() -> None:
    market = market_at("3200")
    market.submit(buy("10", "3000"), known=False)
    market.submit(sell("40", "3300"), known=False)
    locked = market.free_quote, market.free_base

    cancelled = market.cancel("b-10-3000")
    market.cancel("s-40-3300")

    assert locked == (Decimal(969985), Decimal(60))
    assert cancelled is not None
    assert cancelled.state is PaperState.CANCELLED
    assert (market.free_quote, market.free_base) == (Decimal(1_000_000), Decimal(100))
    assert market.cancel("b-10-3000") is None


def test_a_withdrawal_takes_only_what_is_free() -> None:
    market = market_at("3200")
    market.submit(buy("100", "3000"), known=False)

    taken = market.withdraw(Decimal(900_000))
    market.deposit(Decimal("0.5"))

    assert taken == Decimal(699850)
    assert market.free_quote == Decimal("0.5")


def test_maker_and_taker_fees_can_differ_and_the_larger_is_locked() -> None:
    rules = market_at("3200")._rules
    market = PaperMarket(
        rules=rules,
        slippage_ticks=0,
        quote=Decimal(100_000),
        base=Decimal(0),
        last=Decimal(3200),
        time=MIDNIGHT,
        maker_fee=Decimal(0),
        taker_fee=Decimal("0.01"),
    )
    market.submit(buy("10", "3200", "taker"), known=False)
    market.submit(buy("10", "3000", "maker"), known=False)
    free = market.free_quote

    fills = market.jump(Decimal(2999), MIDNIGHT)

    assert free == Decimal(100_000) - 32_320 - 30_300
    assert fills[0].fee == 0
    assert market.quote == Decimal(100_000) - 32_320 - 30_000


@pytest.mark.parametrize("digits", [3, 28])
def test_the_decimal_context_of_the_caller_changes_nothing(digits: int) -> None:
    with localcontext(prec=digits):
        market = market_at("3200", quote="1234567.123456789")
        market.submit(buy("12.34567891", "3100"), known=False)
        market.submit(sell("2.23456789", None), known=False)
        market.submit(buy("7654.321", None), known=False)
        free = market.free_quote
        market.jump(Decimal(3000), MIDNIGHT)

    assert free == Decimal("1195763.04337370442")
    assert balances(market) == ("1195763.04337370442", "112.50233907")


# Triggers


def test_arming_again_keeps_the_order_of_arming() -> None:
    market = market_at("3200")
    first, second, third = at_or_below("3000", "a"), at_or_below("3000", "b"), at_or_below("3000")
    market.arm([first, second])

    market.arm([third, second, first])

    assert market.armed == (first, second, third)


def test_what_is_not_given_again_is_disarmed() -> None:
    market = market_at("3200")
    market.arm([at_or_below("3000"), at_or_above("3300")])

    market.arm([at_or_above("3300")])

    assert market.armed == (at_or_above("3300"),)


def test_no_trigger_is_due_before_the_first_price() -> None:
    market = make_market()
    market.arm([at_or_above("3300"), at_or_below("3300")])
    assert (market.last, market.due_trigger()) == (None, None)


def test_a_trigger_that_is_true_when_armed_is_due_once() -> None:
    market = market_at("3200")
    market.arm([at_or_above("3300"), at_or_below("3200")])

    due = [market.due_trigger(), market.due_trigger()]

    assert due == [at_or_below("3200"), None]
    assert market.armed == (at_or_above("3300"),)


@pytest.mark.parametrize(
    ("target", "want"),
    [
        pytest.param("2900", ["near", "far", "far too"], id="falling"),
        pytest.param("3500", ["up near", "up far"], id="rising"),
        pytest.param("3050", ["near"], id="the-nearest-only"),
        pytest.param("3051", [], id="not-reached"),
    ],
)
def test_a_glide_fires_the_nearest_trigger_first(target: str, want: list[str]) -> None:
    market = market_at("3200")
    market.arm(
        [
            at_or_below("2950", "far"),
            at_or_below("2950", "far too"),
            at_or_below("3050", "near"),
            at_or_above("3400", "up far"),
            at_or_above("3300", "up near"),
        ]
    )

    fired = []
    while event := market.glide(Decimal(target), MIDNIGHT):
        assert isinstance(event, Trigger)
        fired.append((event.name, market.last == event.price))

    assert fired == [(name, True) for name in want]
    assert market.last == Decimal(target)


def test_a_trigger_that_was_true_before_a_glide_fires_where_the_price_stands() -> None:
    market = market_at("3200")
    market.arm([at_or_above("3100")])

    event = market.glide(Decimal(3000), MIDNIGHT)

    assert event == at_or_above("3100")
    assert market.last == Decimal(3200)


def test_a_fall_fills_and_fires_in_the_order_of_prices() -> None:
    market = market_at("3200")
    market.submit(buy("10", "3100"), known=False)
    market.submit(buy("10", "3000"), known=False)
    market.arm([at_or_below("3050")])

    events = [market.glide(Decimal(2999), MIDNIGHT) for _ in range(4)]

    assert [event and event.price for event in events] == [3100, 3050, 3000, None]


# Candles


def test_a_rising_candle_goes_down_first_in_quarters_of_its_span() -> None:
    candle = make_candle("10 14 8 12")

    assert moves(candle, timedelta(minutes=4)) == (
        Move(MoveKind.JUMP, Decimal(10), MIDNIGHT),
        Move(MoveKind.GLIDE, Decimal(8), MIDNIGHT + timedelta(minutes=1)),
        Move(MoveKind.GLIDE, Decimal(14), MIDNIGHT + timedelta(minutes=2)),
        Move(MoveKind.GLIDE, Decimal(12), MIDNIGHT + timedelta(minutes=3)),
    )


def test_a_falling_candle_goes_up_first() -> None:
    assert [move.price for move in moves(make_candle("12 14 8 10"))] == [12, 14, 8, 10]


@pytest.mark.parametrize(
    ("prices", "field"),
    [
        pytest.param("10 14 11 12", "low", id="low-above-open"),
        pytest.param("12 14 11 10", "low", id="low-above-close"),
        pytest.param("10 11 8 12", "high", id="high-below-close"),
        pytest.param("12 11 8 10", "high", id="high-below-open"),
    ],
)
def test_a_broken_candle_is_an_error(prices: str, field: str) -> None:
    with pytest.raises(SpecError, match=f"candle 2026-01-01T00:00:00Z: {field} must be") as caught:
        moves(make_candle(prices))

    assert caught.value.field == field


def test_a_candle_with_a_price_of_zero_is_an_error() -> None:
    zero = Decimal(0)
    candle = Candle.model_construct(
        time=MIDNIGHT, open=zero, high=zero, low=zero, close=zero, volume=zero
    )

    with pytest.raises(SpecError, match="low must be > 0"):
        moves(candle)


def test_a_candle_without_volume_is_no_walk() -> None:
    market = market_at("3200")

    walk = CandleWalk(market, make_candle("3000", 1, volume="0"))

    assert walk.is_done
    assert walk.next_event() is None
    assert (market.last, market.time) == (Decimal(3200), MIDNIGHT)
    assert absorb(market, make_candle("3000", 1, volume="0")) == ()


def test_a_jump_fills_then_fires_then_opens() -> None:
    market = market_at("3200")
    market.submit(buy("10", "3100"), known=False)
    market.arm([at_or_below("2950"), at_or_below("3000", "first"), at_or_above("2990", "second")])
    walk = CandleWalk(market, make_candle("2990", 1))

    events = [walk.next_event() for _ in range(5)]

    assert isinstance(events[0], Fills)
    assert events[1:] == [
        TriggerFired(trigger=at_or_below("3000", "first")),
        TriggerFired(trigger=at_or_above("2990", "second")),
        Opened(time=MIDNIGHT + timedelta(minutes=1)),
        None,
    ]
    assert walk.move == 4


def test_what_is_armed_at_the_open_fires_at_once() -> None:
    market = market_at("3200")
    walk = CandleWalk(market, make_candle("3000", 1))
    walk.next_event()

    market.arm([at_or_below("3000")])

    assert walk.next_event() == TriggerFired(trigger=at_or_below("3000"))


def test_an_open_that_was_not_recorded_is_told_again() -> None:
    market = market_at("3200")
    candle = make_candle("3000 3100 2900 3050", 1)
    walk = CandleWalk(market, candle)
    opened = walk.next_event()

    again = CandleWalk(rebuild(market), candle, from_move=walk.move, tell_open=True)

    assert opened == Opened(time=candle.time)
    assert again.next_event() == opened
    assert again.next_event() is None


def test_an_open_that_was_recorded_is_not_told_twice() -> None:
    candle = make_candle("3000 3100 2900 3050", 1)

    walk = CandleWalk(market_at("3200"), candle, tell_open=False)

    assert walk.next_event() is None
    assert walk.is_done


def test_an_open_is_never_told_past_the_first_glide() -> None:
    candle = make_candle("3000 3100 2900 3050", 1)

    walk = CandleWalk(market_at("2900"), candle, from_move=2, tell_open=True)

    assert walk.next_event() is None


def test_a_missed_candle_goes_on_where_a_stored_walk_stopped() -> None:
    market = market_at("3200")
    for order in (buy("10", "3100"), buy("10", "3000"), sell("10", "3300")):
        market.submit(order, known=False)
    market.arm([at_or_below("3050")])
    candle = make_candle("3200 3350 2990 3250", 1)
    walk = CandleWalk(market, candle)
    while not isinstance(walk.next_event(), Fills):
        pass

    fills = absorb(market, candle, from_move=walk.move)

    assert [(fill.client_id, fill.time.second) for fill in fills] == [
        ("b-10-3000", 15),
        ("s-10-3300", 30),
    ]
    assert market.armed == (at_or_below("3050"),)
