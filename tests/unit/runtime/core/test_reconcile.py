from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dantaro_runtime.core.orders import Intent, Order, OrderState, Side, client_order_id
from dantaro_runtime.core.reconcile import Balance, compare, without_new_entries

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


def test_an_unknown_order_blocks_its_slot_until_it_is_explained() -> None:
    unknown = replace(order("a"), state=OrderState.PENDING)
    gap = compare([intent("a")], [unknown], cycle=1)
    assert (gap.unknown, gap.cancels, gap.keeps, gap.places) == ((unknown,), (), (), ())
    for wanted in ([intent("a", price=99)], []):
        gap = compare(wanted, [unknown], cycle=1)
        assert (gap.unknown, gap.cancels, gap.keeps, gap.places) == ((), (unknown,), (), ())


def test_what_stays_is_kept_by_name() -> None:
    same, other = order("a"), order("b", price=99)
    gap = compare([intent("a"), intent("b")], [same, other], cycle=1)
    assert (gap.keeps, gap.cancels, gap.unknown) == ((same,), (other,), ())


def test_without_leave_for_new_entries_exits_and_what_rests_stay() -> None:
    wanted = (intent("a"), intent("b"), intent("c", side=Side.SELL))
    assert without_new_entries(wanted, [order("b")]) == wanted[1:]


@pytest.mark.parametrize(
    ("quote", "places"),
    [
        pytest.param("300.3", "abc", id="money-for-all"),
        pytest.param("300.29", "abd", id="a-hair-less"),
        pytest.param("100.1", "a", id="for-one"),
        pytest.param("50.05", "d", id="only-for-the-small-one"),
        pytest.param("0", "", id="for-none"),
    ],
)
def test_money_goes_to_what_is_wanted_first(quote: str, places: str) -> None:
    balance = Balance(quote=D(quote), base=D(0), last=D(50), fee_rate=D("0.001"))
    market = replace(intent("d"), price=None)
    wanted = [intent("a"), intent("b"), intent("c"), market]
    gap = compare(wanted, [], cycle=1, balance=balance)
    assert "".join(i.slot for i in gap.places) == places
    assert set(gap.places) | set(gap.waits) == set(wanted)
    assert not set(gap.places) & set(gap.waits)


def test_a_sale_needs_coin_and_no_money() -> None:
    balance = Balance(quote=D(0), base=D(1), last=D(50), fee_rate=D("0.001"))
    sale = intent("a", side=Side.SELL)
    assert compare([sale], [], cycle=1, balance=balance).places == (sale,)


def test_what_is_being_cancelled_binds_its_money_until_its_end_is_known() -> None:
    balance = Balance(quote=D(200), base=D(5), last=D(100), fee_rate=D(0))
    old = replace(order("a", price=110, volume=2), filled_volume=D(1))
    sale = replace(order("s", volume=4), side=Side.SELL, entry=False)
    wanted = [intent("b"), intent("x", side=Side.SELL, volume=2), intent("y", side=Side.SELL)]
    for cancelling in ((), (old.client_id, sale.client_id)):
        gap = compare(wanted, [old, sale], cycle=1, cancelling=cancelling, balance=balance)
        assert [i.slot for i in gap.places] == ["y"]
        assert [i.slot for i in gap.waits] == ["b", "x"]
    assert compare(wanted, [sale], cycle=1, balance=balance).places == (wanted[0], wanted[2])


_SLOTS = [f"s{n}" for n in range(8)]
_ORDERS = st.dictionaries(
    st.sampled_from(_SLOTS),
    st.tuples(
        st.integers(1, 50),
        st.integers(1, 20),
        st.sampled_from(list(Side)),
        st.sampled_from([OrderState.OPEN, OrderState.PENDING]),
        st.booleans(),
    ),
)


@given(wanted=_ORDERS, live=_ORDERS, spare=st.tuples(st.integers(0, 2000), st.integers(0, 40)))
def test_no_part_of_a_plan_binds_more_than_is_owned(
    wanted: dict[str, tuple[int, int, Side, OrderState, bool]],
    live: dict[str, tuple[int, int, Side, OrderState, bool]],
    spare: tuple[int, int],
) -> None:
    fee_rate = D("0.0005")
    intents = [
        replace(intent(slot, price, volume, side), price=None if at_market else D(price))
        for slot, (price, volume, side, _, at_market) in wanted.items()
    ]
    orders = [
        replace(order(slot, price, volume), side=side, state=state, filled_volume=D(half) / 2)
        for slot, (price, volume, side, state, half) in live.items()
    ]

    def bound(held: list[Order], sent: list[Intent]) -> tuple[Decimal, Decimal]:
        quote = base = D(0)
        for side, price, volume in [
            *((o.side, o.price, o.remaining) for o in held),
            *((i.side, i.price, i.volume) for i in sent),
        ]:
            if side is Side.BUY:
                quote += volume * (D(25) if price is None else price) * (1 + fee_rate)
            else:
                base += volume
        return quote, base

    bound_quote, bound_base = bound(orders, [])
    balance = Balance(
        quote=bound_quote + spare[0], base=bound_base + spare[1], last=D(25), fee_rate=fee_rate
    )
    gap = compare(intents, orders, cycle=1, balance=balance)
    # No cancel frees anything before the venue confirms it.
    for length in range(len(gap.places) + 1):
        quote, base = bound(orders, list(gap.places[:length]))
        assert quote <= balance.quote
        assert base <= balance.base
    assert {o.client_id for o in orders} == {
        o.client_id for o in (*gap.cancels, *gap.keeps, *gap.unknown)
    }
    assert not {i.slot for i in gap.places} & {o.slot for o in orders}
