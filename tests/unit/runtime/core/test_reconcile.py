from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dantaro_runtime.core.orders import Intent, Order, OrderState, Side, client_order_id
from dantaro_runtime.core.reconcile import compare

pytestmark = pytest.mark.unit

D = Decimal


def intent(slot: str, price: int = 100, volume: int = 1, side: Side = Side.BUY) -> Intent:
    return Intent(slot=slot, side=side, price=D(price), volume=D(volume), entry=side is Side.BUY)


def order(slot: str, price: int = 100, volume: int = 1, *, cycle: int = 1) -> Order:
    return Order(
        client_id=client_order_id("12345678", cycle=cycle, slot=slot, attempt=1),
        cycle=cycle,
        slot=slot,
        attempt=1,
        side=Side.BUY,
        price=D(price),
        volume=D(volume),
        entry=True,
        state=OrderState.OPEN,
        created=datetime(2026, 1, 1, tzinfo=UTC),
    )


def test_what_is_wanted_and_live_is_left_alone() -> None:
    gap = compare([intent("a"), intent("b")], [order("b"), order("a")], cycle=1)
    assert (gap.cancels, gap.places) == ((), ())


@pytest.mark.parametrize(
    "live",
    [
        pytest.param(order("a", price=101), id="other-price"),
        pytest.param(order("a", volume=2), id="other-volume"),
        pytest.param(order("a", cycle=2), id="other-cycle"),
    ],
)
def test_a_changed_order_is_cancelled_before_its_slot_is_used_again(live: Order) -> None:
    gap = compare([intent("a"), intent("b")], [live], cycle=1)
    assert gap.cancels == (live,)
    assert gap.places == (intent("b"),)


def test_a_partly_filled_order_stands_for_its_rest() -> None:
    live = replace(order("a", volume=3), filled_volume=D(2))
    assert compare([intent("a", volume=1)], [live], cycle=1).cancels == ()
    assert compare([intent("a", volume=3)], [live], cycle=1).cancels == ()
    assert compare([intent("a", volume=2)], [live], cycle=1).cancels == (live,)


def test_a_cancel_is_sent_once() -> None:
    live = order("a")
    gap = compare([], [live], cycle=1, cancelling=[live.client_id])
    assert (gap.cancels, gap.places) == ((), ())


def test_places_keep_the_wanted_order() -> None:
    gap = compare([intent("c"), intent("a"), intent("b")], [], cycle=1)
    assert [place.slot for place in gap.places] == ["c", "a", "b"]


@given(
    wanted=st.dictionaries(st.sampled_from("abcdef"), st.integers(1, 3)),
    live=st.dictionaries(st.sampled_from("abcdef"), st.integers(1, 3)),
)
def test_carrying_out_the_difference_leaves_none(
    wanted: dict[str, int], live: dict[str, int]
) -> None:
    intents = [intent(slot, price) for slot, price in wanted.items()]
    orders = {slot: order(slot, price) for slot, price in live.items()}
    for _ in range(2):
        gap = compare(intents, tuple(orders.values()), cycle=1)
        for cancel in gap.cancels:
            del orders[cancel.slot]
        for place in gap.places:
            assert place.slot not in orders
            orders[place.slot] = order(place.slot, int(place.price or 0))
    final = compare(intents, tuple(orders.values()), cycle=1)
    assert (final.cancels, final.places) == ((), ())
    assert {slot: int(o.price or 0) for slot, o in orders.items()} == wanted


def test_client_ids_fit_the_venue() -> None:
    longest = client_order_id("0f" * 16, cycle=99999, slot="c99s", attempt=999999)
    assert longest == "0f0f0f0f-99999-c99s-999999"
    assert len(longest) <= 40
