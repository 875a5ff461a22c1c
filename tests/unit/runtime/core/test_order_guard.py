"""What the guard says of an order, with its figures, at and beside each limit."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dantaro_runtime.core.ledger import Ledger
from dantaro_runtime.core.order_guard import Action, OrderGate, Verdict, judge_order
from dantaro_runtime.core.orders import Intent
from dantaro_runtime.core.permit import Permit
from tests.unit.runtime.core.test_risk import RULES, buy, exposure, limits, sell

pytestmark = pytest.mark.unit

D = Decimal
NO_NUMBERS = [D("NaN"), D("Infinity"), D("-Infinity"), D(0), D(-1)]


def judge(intent: Intent, bounds: dict[str, Any] | None = None, **seen: Any) -> Verdict:
    return judge_order(intent, exposure(**seen), limits=limits(**bounds or {}), rules=RULES)


@pytest.mark.parametrize(
    ("intent", "seen", "bounds", "want"),
    [
        pytest.param(
            buy(),
            {"permit": Permit.KEEP_ENTRIES},
            {},
            ("Refuse", "Permit", "KeepEntries", "Entry", "orders permitted now: KeepEntries"),
            id="wait",
        ),
        pytest.param(
            buy(),
            {"permit": Permit.EXITS_ONLY},
            {},
            ("Halt", "Permit", "ExitsOnly", "Entry", "orders permitted now: ExitsOnly"),
            id="halted",
        ),
        pytest.param(
            sell(),
            {"permit": Permit.NOTHING},
            {},
            ("Halt", "Permit", "Nothing", "Exit", "orders permitted now: Nothing"),
            id="stopped",
        ),
        pytest.param(
            buy(),
            {"last": D(-5)},
            {},
            ("Refuse", "Price", "> 0", "-5", "the last price must be > 0, was -5"),
            id="last-price",
        ),
        pytest.param(
            buy("3000.5"),
            {},
            {},
            (
                "Refuse",
                "Tick",
                "> 0, on a tick",
                "3000.5",
                "the price must be on a tick, was 3000.5",
            ),
            id="tick",
        ),
        pytest.param(
            buy("3301"),
            {},
            {},
            (
                "Refuse",
                "PriceBand",
                "3300",
                "3301",
                "a buy may stand at most 10 % above the last price 3000, was 3301",
            ),
            id="band",
        ),
        pytest.param(
            replace(buy("3301"), bounded=True),
            {},
            {},
            (
                "Shrink",
                "PriceBand",
                "3300",
                "3301",
                "the price 3301 is beyond the price band: sent at 3300",
            ),
            id="line-that-the-price-gapped-past",
        ),
        pytest.param(
            sell("2699"),
            {},
            {},
            (
                "Shrink",
                "PriceBand",
                "2700",
                "2699",
                "the price 2699 is beyond the price band: sent at 2700",
            ),
            id="exit-beyond-the-band",
        ),
        pytest.param(
            buy(volume="0.000000001"),
            {},
            {},
            (
                "Refuse",
                "Volume",
                "> 0, 8 decimals",
                "1E-9",
                "the volume must be > 0 with at most 8 decimals, was 1E-9",
            ),
            id="volume",
        ),
        pytest.param(
            buy("2000", "2.4"),
            {},
            {},
            (
                "Refuse",
                "MinValue",
                "5000",
                "4800.0000",
                "the value must be at least 5000, was 4800.0000",
            ),
            id="minimum",
        ),
        pytest.param(
            buy("2000", "10"),
            {},
            {"maxOrderValue": "19999"},
            (
                "Refuse",
                "MaxOrderValue",
                "19999",
                "20000.00",
                "the value must be at most 19999, was 20000.00",
            ),
            id="largest",
        ),
        pytest.param(
            sell(volume="9"),
            {"open_sells": D("1.5")},
            {},
            (
                "Refuse",
                "OwnCoin",
                "8.5",
                "9",
                "a sale may not exceed own free coin 8.5, was 9",
            ),
            id="coin",
        ),
        pytest.param(
            buy("2000", "10"),
            {"open_buys": D("979990.01")},
            {},
            (
                "Refuse",
                "Budget",
                "20009.99",
                "20010.00",
                "the order needs 20010.00, own free money is 20009.99",
            ),
            id="money",
        ),
        pytest.param(
            buy(),
            {"placed_last_minute": 60},
            {},
            ("Refuse", "OrderRate", "60", "60", "at most 60 orders a minute"),
            id="rate",
        ),
    ],
)
def test_a_verdict_names_guard_limit_and_measured_value(
    intent: Intent, seen: dict[str, Any], bounds: dict[str, Any], want: tuple[str, ...]
) -> None:
    found = judge(intent, bounds, **seen)
    assert (found.action, found.guard, found.limit, found.measured, found.message) == want
    assert replace(found.intent, price=intent.price) == intent


@pytest.mark.parametrize(
    ("intent", "seen", "bounds"),
    [
        pytest.param(buy("2000", "10"), {}, {"maxOrderValue": "20000"}, id="largest-value"),
        pytest.param(buy("2000", "10"), {"open_buys": D(979_990)}, {}, id="all-free-money"),
        pytest.param(sell(volume="8.5"), {"open_sells": D("1.5")}, {}, id="all-free-coin"),
        pytest.param(buy(), {"placed_last_minute": 59}, {}, id="last-order-of-the-minute"),
        pytest.param(buy("1", "5000"), {"last": D(1)}, {}, id="lowest-whole-price"),
        pytest.param(buy(None, "10"), {}, {"maxOrderValue": "30000"}, id="market-buy-by-last"),
    ],
)
def test_what_is_exactly_at_a_limit_passes_as_it_is(
    intent: Intent, seen: dict[str, Any], bounds: dict[str, Any]
) -> None:
    found = judge(intent, bounds, **seen)
    assert (found.action, found.intent, found.guard) == (Action.ALLOW, intent, "")


# Equity 1,030,000: 1,000,000 of money and 10 coins at 3,000.
@pytest.mark.parametrize(
    ("intent", "seen", "percent", "share"),
    [
        pytest.param(buy("3000", "93"), {}, "30", None, id="at-the-limit"),
        pytest.param(buy("3000", "93.01"), {}, "30", "30.00 %", id="a-hair-above"),
        pytest.param(buy("3000", "93.1"), {}, "30", "30.03 %", id="above"),
        pytest.param(buy("3200", "93"), {}, "30", "31.81 %", id="cost-counts-when-larger"),
        pytest.param(buy("2800", "93.1"), {}, "30", "30.03 %", id="mark-counts-when-larger"),
        pytest.param(buy(None, "93.1"), {}, "30", "30.03 %", id="market-buy-at-the-last-price"),
        pytest.param(
            buy("3000", "83.1"),
            {"open_buys": D(1), "open_buy_volume": D(10)},
            "30",
            "30.03 %",
            id="open-volume-counts",
        ),
        pytest.param(
            buy("3000", "83.1"), {"open_buys": D(30_000)}, "30", "30.03 %", id="open-money-counts"
        ),
        pytest.param(buy("3000", "83.1"), {"cost": D(60_000)}, "30", "30.03 %", id="cost-held"),
        pytest.param(
            buy("2500", "2"),
            {"ledger": Ledger(quote=D(5003), base=D(0)), "cost": D(0)},
            "100",
            "119.93 %",
            id="share-above-all",
        ),
    ],
)
def test_position_share(
    intent: Intent, seen: dict[str, Any], percent: str, share: str | None
) -> None:
    found = judge(intent, {"maxPositionPercent": percent}, **seen)
    if share is None:
        assert found.action is Action.ALLOW
        return
    assert (found.action, found.intent) == (Action.REFUSE, intent)
    assert (found.guard, found.limit, found.measured) == ("MaxPosition", f"{percent} %", share)
    assert found.message == (
        f"the position may be at most {percent} % of the equity, would be {share}"
    )


@pytest.mark.parametrize("number", NO_NUMBERS, ids=str)
def test_what_is_no_price_or_volume_is_refused_and_not_computed(number: Decimal) -> None:
    for intent in (buy(), sell(), buy(None)):
        assert judge(intent, last=number).guard == "Price"
        gate = OrderGate(limits=limits(), rules=RULES)
        assert gate.clamp([intent], last=number) == (intent,)
        assert judge(replace(intent, price=number)).guard == "Tick"
        assert judge(replace(intent, volume=number)).guard == "Volume"
        bad = replace(intent, price=D("NaN"))
        assert gate.clamp([bad], last=D(3000))[0] is bad


def test_only_an_exit_and_an_order_at_a_line_are_moved_into_the_band() -> None:
    gate = OrderGate(limits=limits(priceBandPercent="5"), rules=RULES)
    entry_sale = replace(sell("1000"), entry=True)
    intents = (
        buy("4000"),
        replace(buy("4000"), bounded=True),
        sell("1000"),
        entry_sale,
        sell(None),
    )
    moved = gate.clamp(intents, last=D(3001))
    assert [intent.price for intent in moved] == [D(4000), D(3151), D(2851), D(1000), None]
    assert gate.clamp(moved, last=D(3001)) == moved


def test_later_checks_look_at_the_order_as_it_was_shrunk() -> None:
    line = replace(buy("4000", "1.5"), bounded=True)
    assert judge(line).guard == "MinValue"
    assert judge(replace(line, volume=D("1.6"))).intent.price == D(3300)


def test_a_refusal_is_told_once_for_each_reason() -> None:
    gate = OrderGate(limits=limits(), rules=RULES)
    seen = exposure(open_buys=D(999_999))
    passes, text = gate.look(buy(), seen)
    assert not passes
    assert text == (
        "Buy 10 at 3000 (s0) was not sent (Budget): the order needs 30015.00, "
        "own free money is 1.00"
    )
    assert gate.holds_back
    assert gate.message.startswith("Buy 10 at 3000 (s0)")
    assert gate.look(buy(), seen) == (False, "")
    passes, text = gate.look(buy(None, "0.1"), seen)
    assert not passes
    assert text == (
        "Buy 0.1 at the market (s0) was not sent (MinValue): the value must be at least 5000, "
        "was 300.0000"
    )
    assert gate.look(buy(), exposure()) == (True, "")
    assert (gate.holds_back, gate.message) == (False, "")
    assert gate.look(buy(), seen)[1]
    gate.keep({"other"})
    assert not gate.holds_back
    gate.look(buy(), seen)
    gate.forget()
    assert not gate.holds_back


_AMOUNTS = st.decimals(min_value="0.00000001", max_value=1000, places=8)
_MONEY = st.decimals(min_value=0, max_value=2_000_000, places=4)


@given(
    is_buy=st.booleans(),
    is_entry=st.booleans(),
    price=st.none() | st.integers(1, 6000).map(Decimal),
    volume=_AMOUNTS,
    last=st.integers(1, 6000).map(Decimal),
    quote=_MONEY,
    base=_AMOUNTS,
    bound=st.tuples(_MONEY, _AMOUNTS),
    permit=st.sampled_from(list(Permit)),
)
def test_what_passes_keeps_every_limit(
    is_buy: bool,
    is_entry: bool,
    price: Decimal | None,
    volume: Decimal,
    last: Decimal,
    quote: Decimal,
    base: Decimal,
    bound: tuple[Decimal, Decimal],
    permit: Permit,
) -> None:
    intent = replace((buy if is_buy else sell)(), entry=is_entry, price=price, volume=volume)
    seen = exposure(
        ledger=Ledger(quote=quote, base=base),
        last=last,
        open_buys=bound[0],
        open_sells=bound[1],
        permit=permit,
    )
    found = judge_order(intent, seen, limits=limits(maxOrderValue="500000"), rules=RULES)
    if not found.passes:
        assert found.guard
        assert found.message
        return
    sent = found.intent
    value = sent.volume * (last if sent.price is None else sent.price)
    assert value >= RULES.min_total
    assert not is_entry or (permit is Permit.ALL and value <= 500_000)
    assert permit is not Permit.NOTHING
    if is_buy:
        assert bound[0] + value * (1 + RULES.fee_rate) <= quote
        assert sent.price is None or sent.price <= last * D("1.1")
    else:
        assert bound[1] + sent.volume <= base
        assert is_entry or sent.price is None or sent.price >= last * D("0.9")
    assert replace(sent, price=price) == intent
