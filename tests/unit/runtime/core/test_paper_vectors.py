"""The vectors of the paper matching rules, section 10."""

from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal

import pytest

from dantaro_runtime.core.paper import PaperFill, PaperOrder, PaperState, TimeInForce
from tests.support.paper_bot import (
    MIDNIGHT,
    GridScript,
    PaperRun,
    Script,
    balances,
    buy,
    make_candle,
    make_market,
    make_series,
    sell,
)

pytestmark = pytest.mark.unit


def as_text(fill: PaperFill) -> str:
    """Return a fill as one line: time, side, volume @ price, kind, fee."""
    kind = "maker" if fill.maker else "taker"
    side = fill.side.lower()
    return (
        f"{fill.time:%H:%M:%S} {side} {fill.volume} @ {fill.price} {kind} {fill.fee.normalize():f}"
    )


@dataclass(frozen=True, kw_only=True)
class Vector:
    """One row of the table."""

    candles: list[str]
    orders: list[PaperOrder] = field(default_factory=list)
    later: dict[int, list[PaperOrder]] = field(default_factory=dict)
    stop: str | None = None
    answers: dict[str, PaperOrder] = field(default_factory=dict)
    start: tuple[str, str] = ("1000000", "100")
    slippage: int = 1
    want_fills: list[str]
    want: tuple[str, str]


FLAT = "3200"

VECTORS = [
    pytest.param(
        Vector(
            candles=[FLAT, "3200 3210 3100 3150", "3150 3160 3099 3120"],
            orders=[buy("10", "3100")],
            want_fills=["00:02:30 buy 10 @ 3100 maker 15.5"],
            want=("968984.5", "110"),
        ),
        id="V1-a-touch-is-no-fill",
    ),
    pytest.param(
        Vector(
            candles=[FLAT, "3200 3350 3050 3250"],
            orders=[sell("10", "3300"), buy("10", "3100")],
            want_fills=[
                "00:01:15 buy 10 @ 3100 maker 15.5",
                "00:01:30 sell 10 @ 3300 maker 16.5",
            ],
            want=("1001968", "100"),
        ),
        id="V2a-a-rising-candle-goes-low-first",
    ),
    pytest.param(
        Vector(
            candles=[FLAT, "3200 3350 3050 3150"],
            orders=[sell("10", "3300"), buy("10", "3100")],
            want_fills=[
                "00:01:15 sell 10 @ 3300 maker 16.5",
                "00:01:30 buy 10 @ 3100 maker 15.5",
            ],
            want=("1001968", "100"),
        ),
        id="V2b-a-falling-candle-goes-high-first",
    ),
    pytest.param(
        Vector(
            candles=[FLAT, "3000 3050 2990 3040"],
            orders=[buy("10", "3050"), buy("10", "3150"), buy("5", "3150")],
            want_fills=[
                "00:01:00 buy 10 @ 3150 maker 15.75",
                "00:01:00 buy 5 @ 3150 maker 7.875",
                "00:01:00 buy 10 @ 3050 maker 15.25",
            ],
            want=("922211.125", "125"),
        ),
        id="V3-a-gap-fills-at-the-limits",
    ),
    pytest.param(
        Vector(
            candles=[FLAT],
            orders=[buy("10", "3300"), buy("10", "3200"), sell("10", "3150")],
            want_fills=[
                "00:00:00 buy 10 @ 3201 taker 16.005",
                "00:00:00 buy 10 @ 3200 taker 16",
                "00:00:00 sell 10 @ 3199 taker 15.995",
            ],
            want=("967932", "110"),
        ),
        id="V4a-a-taker-pays-one-tick-but-never-beyond-its-limit",
    ),
    pytest.param(
        Vector(
            candles=[FLAT],
            orders=[buy("10", "3300"), sell("10", "3150")],
            slippage=0,
            want_fills=[
                "00:00:00 buy 10 @ 3200 taker 16",
                "00:00:00 sell 10 @ 3200 taker 16",
            ],
            want=("999968", "100"),
        ),
        id="V4b-without-slippage-a-taker-gets-the-last-price",
    ),
    pytest.param(
        Vector(
            candles=["3200 3210 2950 3000"],
            stop="3000",
            want_fills=["00:00:30 sell 100 @ 2999 taker 149.95"],
            want=("1299750.05", "0"),
        ),
        id="V5a-a-stop-fires-at-its-price",
    ),
    pytest.param(
        Vector(
            candles=["3200 3210 3190 3200", "2980 3010 2950 3005"],
            stop="3000",
            want_fills=["00:01:00 sell 100 @ 2979 taker 148.95"],
            want=("1297751.05", "0"),
        ),
        id="V5b-after-a-gap-a-stop-fires-at-the-open",
    ),
    pytest.param(
        Vector(
            candles=["3240", "3240 3250 3090 3245"],
            orders=[buy("10", "3100")],
            answers={
                "b-10-3100": sell("10", "3200"),
                "s-10-3200": buy("10", "3100", "again"),
            },
            start=("1000000", "0"),
            want_fills=[
                "00:01:15 buy 10 @ 3100 maker 15.5",
                "00:01:30 sell 10 @ 3200 maker 16",
            ],
            want=("1000968.5", "0"),
        ),
        id="V6-an-answer-can-fill-in-the-same-candle",
    ),
    pytest.param(
        Vector(
            candles=[FLAT, "3200 3350 2950 3210"],
            orders=[sell("100", "3300")],
            stop="3000",
            want_fills=["00:01:15 sell 100 @ 2999 taker 149.95"],
            want=("1299750.05", "0"),
        ),
        id="V7a-stop-and-take-profit-rising",
    ),
    pytest.param(
        Vector(
            candles=[FLAT, "3200 3350 2950 3190"],
            orders=[sell("100", "3300")],
            stop="3000",
            want_fills=["00:01:15 sell 100 @ 3300 maker 165"],
            want=("1329835", "0"),
        ),
        id="V7b-stop-and-take-profit-falling",
    ),
    pytest.param(
        Vector(
            candles=["30000"],
            orders=[buy("10000", None)],
            start=("10005", "0"),
            slippage=0,
            want_fills=["00:00:00 buy 0.33333333 @ 30000 taker 4.99999995"],
            want=("0.00010005", "0.33333333"),
        ),
        id="V9-a-market-buy-floors-its-volume",
    ),
    pytest.param(
        Vector(
            candles=["1000000 1000000 999500 999500", "999500"],
            orders=[sell("1", None)],
            later={1: [buy("500000", None)]},
            start=("2000000", "2"),
            want_fills=[
                "00:00:00 sell 1 @ 999500 taker 499.75",
                "00:01:00 buy 0.50000000 @ 1000000 taker 250",
            ],
            want=("2498750.25", "1.5"),
        ),
        id="V10-ticks-at-a-band-edge",
    ),
    pytest.param(
        Vector(
            candles=[FLAT, "3200 3200 2990 2995"],
            orders=[buy("10", "3000")],
            stop="3000",
            want_fills=["00:01:30 sell 100 @ 2999 taker 149.95"],
            want=("1299750.05", "0"),
        ),
        id="V11-a-trigger-comes-before-a-fill-at-its-price",
    ),
]


@pytest.mark.parametrize("vector", VECTORS)
def test_a_vector_gives_its_fills_and_balances(vector: Vector) -> None:
    quote, base = vector.start
    bot = Script(at_open={0: vector.orders, **vector.later}, stop=vector.stop)
    bot.answers = vector.answers
    market = make_market(quote=quote, base=base, slippage_ticks=vector.slippage)

    run = PaperRun(bot, market).walk(make_series(*vector.candles))

    assert [as_text(fill) for fill in run.fills] == vector.want_fills
    assert balances(run.market) == vector.want


def test_v6_leaves_the_second_buy_resting() -> None:
    answers = {"b-10-3100": sell("10", "3200"), "s-10-3200": buy("10", "3100", "again")}
    bot = Script(at_open={0: [buy("10", "3100")]}, answers=answers)

    run = PaperRun(bot, make_market(base="0")).walk(make_series("3240", "3240 3250 3090 3245"))

    assert [order.client_id for order in run.market.open_orders] == ["again"]


def test_v8_checks_an_order_in_their_sequence() -> None:
    orders = [
        buy("1", "5101"),
        buy("1", "4999"),
        buy("2", "5000"),
        sell("1.000000001", "5300"),
        sell("1.1", "5300"),
        buy("1", "5000", "X"),
        buy("1", "5000", "X"),
        sell("1", "5200", time_in_force=TimeInForce.POST_ONLY),
    ]
    run = PaperRun(Script(at_open={0: orders}), make_market(quote="10000", base="1"))

    run.walk(make_series("5200"))

    assert [(r.order.state, r.order.error) for r in run.receipts] == [
        (PaperState.REFUSED, "the price must be > 0 and on a tick, was 5101"),
        (PaperState.REFUSED, "the order must be worth at least 5000, was 4999"),
        (PaperState.REFUSED, "the order needs 10005, free were 10000"),
        (PaperState.REFUSED, "the volume must be > 0 with at most 8 decimals, was 1.000000001"),
        (PaperState.REFUSED, "the order needs 1.1, free were 1"),
        (PaperState.OPEN, ""),
        (PaperState.REFUSED, "the client id X was used before"),
        (PaperState.CANCELLED, ""),
    ]
    assert run.fills == []
    assert balances(run.market) == ("10000", "1")


def test_v9_ends_a_market_buy_as_cancelled() -> None:
    market = make_market(quote="10005", base="0", slippage_ticks=0)

    run = PaperRun(Script(at_open={0: [buy("10000", None)]}), market).walk(make_series("30000"))

    assert run.receipts[0].order.state is PaperState.CANCELLED
    assert run.receipts[0].order.filled_volume == Decimal("0.33333333")


def test_v12_skips_a_candle_without_volume() -> None:
    candles = [
        make_candle(FLAT, 0),
        make_candle("3200 3200 3000 3200", 1, volume="0"),
        make_candle("3200 3210 3190 3200", 2),
    ]

    run = PaperRun(Script(at_open={0: [buy("10", "3100")]})).walk(candles)

    assert run.fills == []
    assert len(run.market.open_orders) == 1
    assert balances(run.market) == ("1000000", "100")


def test_v13_the_grid_of_example_a() -> None:
    bot = GridScript(
        lines=[Decimal(line) for line in range(3000, 3501, 100)],
        quantity=Decimal("63.17953539"),
        entry=Decimal(3240),
        empty=2,
    )
    run = PaperRun(bot, make_market(base="0", slippage_ticks=0))

    run.walk(
        make_series(
            "3240 3250 3230 3240",
            "3240 3240 3090 3120",
            "3120 3320 3110 3310",
            "3210 3215 3150 3160",
        )
    )

    assert [as_text(fill) for fill in run.fills] == [
        "00:00:00 buy 189.53860617 @ 3240 taker 307.0525419954",
        "00:01:30 buy 63.17953539 @ 3100 maker 97.9282798545",
        "00:02:30 sell 63.17953539 @ 3200 maker 101.087256624",
        "00:02:30 sell 63.17953539 @ 3300 maker 104.2462333935",
        "00:03:30 buy 63.17953539 @ 3200 maker 101.087256624",
    ]
    market = run.market
    assert balances(market) == ("397819.4215187086", "189.53860617")
    assert sum(fill.fee for fill in run.fills) == Decimal("711.4015684914")
    assert bot.grid_profit == Decimal("6118.9380025215")
    assert bot.initial_gain == Decimal("3584.1750426747")
    value = market.base * 3160
    assert value - sum(bot.costs.values()) == Decimal("-12941.6960292876")
    assert market.quote + value == Decimal("996761.4170159086")
    assert sorted(f"{o.side} {o.price}" for o in market.open_orders) == [
        "Buy 3000",
        "Buy 3100",
        "Sell 3300",
        "Sell 3400",
        "Sell 3500",
    ]


def test_v14_resting_orders_fill_while_the_bot_is_away_but_nothing_reacts() -> None:
    candles = make_series(FLAT, "3200 3295 2990 3290", "3290 3300 3280 3295")
    bot = Script(
        at_open={0: [buy("10", "3100")]},
        answers={"b-10-3100": sell("10", "3200")},
        stop="3000",
        stop_volume="10",
    )
    run = PaperRun(bot, make_market(base="0"))

    run.walk(candles[:1]).miss(candles[1:2], MIDNIGHT + timedelta(minutes=2)).walk(candles[2:])

    assert [as_text(fill) for fill in run.fills] == [
        "00:01:15 buy 10 @ 3100 maker 15.5",
        "00:02:00 sell 10 @ 3289 taker 16.445",
    ]
    assert balances(run.market) == ("1001858.055", "0")
    assert [trigger.price for trigger in run.market.armed] == [3000]
