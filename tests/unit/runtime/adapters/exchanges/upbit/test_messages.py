"""Upbit's answers as values; what makes no sense is refused."""

from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from dantaro_crds.errors import TransientError
from dantaro_crds.venues import KRW_TICKS
from dantaro_runtime.adapters.exchanges.upbit.messages import (
    parse_body,
    to_account,
    to_book,
    to_market,
    to_order,
    to_orders,
    to_price,
    with_event,
)
from dantaro_runtime.core.orders import OrderState, Side
from dantaro_runtime.core.venue import VenueAccount, VenueTrade

pytestmark = pytest.mark.unit

READ = datetime(2026, 8, 30, 4, 26, 41, tzinfo=UTC)
BTC = "KRW-BTC"


def order_row(**changes: Any) -> dict[str, Any]:
    row = {
        "uuid": "u-1",
        "identifier": "bot12345-1-s0-1",
        "market": BTC,
        "side": "bid",
        "ord_type": "limit",
        "price": "100000000",
        "volume": "0.01",
        "executed_volume": "0",
        "paid_fee": "0",
        "state": "wait",
        "created_at": "2026-01-31T18:00:00+09:00",
    }
    return row | changes


def trade_row(name: str, second: int) -> dict[str, Any]:
    created = f"2026-01-31T18:00:{second:02d}+09:00"
    return {"uuid": name, "price": "100", "volume": "0.5", "created_at": created}


def test_an_order_of_a_person_of_an_unknown_kind_is_left_out_and_one_with_an_id_is_not() -> None:
    odd = order_row(identifier=None, side="both")
    (known,) = to_orders([odd, order_row()], BTC)
    assert known.client_id == "bot12345-1-s0-1"
    with pytest.raises(TransientError):
        to_orders([order_row(side="both")], BTC)


def chance(**changes: Any) -> dict[str, Any]:
    market = {
        "id": BTC,
        "bid": {"currency": "KRW", "min_total": "5000"},
        "ask": {"currency": "BTC", "min_total": "6000"},
        "state": "active",
    }
    return {"bid_fee": "0.0005", "ask_fee": "0.0007", "market": market | changes}


def instruments(tick: object = 1000) -> list[dict[str, Any]]:
    return [{"market": BTC, "quote_currency": "KRW", "tick_size": tick}]


def test_a_resting_order_is_read() -> None:
    order = to_order(order_row(executed_volume="0.004", paid_fee="200.5"), BTC)
    assert (order.client_id, order.venue_id, order.side) == ("bot12345-1-s0-1", "u-1", Side.BUY)
    assert (order.price, order.volume) == (Decimal(100000000), Decimal("0.01"))
    assert (order.filled_volume, order.fee) == (Decimal("0.004"), Decimal("200.5"))
    assert order.created == datetime(2026, 1, 31, 9, 0, tzinfo=UTC)
    assert (order.state, order.trades) == (OrderState.OPEN, None)


def test_a_foreign_order_may_have_no_identifier() -> None:
    row = order_row()
    del row["identifier"]
    assert to_order(row, BTC).client_id == ""
    assert to_order(order_row(identifier=None), BTC).client_id == ""


@pytest.mark.parametrize(
    ("state", "volume", "executed", "want"),
    [
        pytest.param("wait", "1", "0.5", OrderState.OPEN, id="filled-in-part"),
        pytest.param("watch", "1", "0", OrderState.OPEN, id="reserved-in-the-app"),
        pytest.param("done", "1", "1", OrderState.DONE, id="filled"),
        pytest.param("cancel", "1", "0", OrderState.CANCELLED, id="cancelled"),
        pytest.param("cancel", "1", "0.5", OrderState.CANCELLED, id="cancelled-after-a-part"),
        pytest.param("cancel", "1", "1", OrderState.DONE, id="cancel-that-came-too-late"),
        pytest.param("cancel", None, "0.33333333", OrderState.DONE, id="market-buy-that-bought"),
        pytest.param("cancel", None, "0", OrderState.CANCELLED, id="market-buy-of-nothing"),
        pytest.param("done", "1", "0.9", OrderState.CANCELLED, id="done-but-not-whole"),
    ],
)
def test_the_executed_volume_decides_how_an_order_ended(
    state: str, volume: str | None, executed: str, want: OrderState
) -> None:
    row = order_row(state=state, volume=volume, executed_volume=executed)
    assert to_order(row, BTC).state is want


@pytest.mark.parametrize(
    ("ord_type", "price", "want"),
    [
        pytest.param("limit", "5000", Decimal(5000), id="limit"),
        pytest.param("market", None, None, id="market-sell"),
        pytest.param("price", "10000", None, id="the-price-of-a-market-buy-is-its-total"),
    ],
)
def test_only_a_limit_order_has_a_limit(
    ord_type: str, price: str | None, want: Decimal | None
) -> None:
    assert to_order(order_row(ord_type=ord_type, price=price), BTC).price == want


def test_trades_come_by_time_and_within_a_second_as_listed() -> None:
    rows = [trade_row("late", 2), trade_row("early-b", 1), trade_row("early-a", 1)]
    trades = to_order(order_row(trades=rows), BTC).trades
    assert trades is not None
    assert [trade.trade_id for trade in trades] == ["early-b", "early-a", "late"]
    assert trades[0] == VenueTrade(
        trade_id="early-b",
        time=datetime(2026, 1, 31, 9, 0, 1, tzinfo=UTC),
        price=Decimal(100),
        volume=Decimal("0.5"),
    )


def test_no_trades_are_told_apart_from_trades_not_told() -> None:
    assert to_order(order_row(trades=[]), BTC).trades == ()


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"price": "0"}, id="price-zero"),
        pytest.param({"price": None}, id="price-null"),
        pytest.param({"price": "-5"}, id="price-negative"),
        pytest.param({"price": "NaN"}, id="price-nan"),
        pytest.param({"price": "Infinity"}, id="price-infinite"),
        pytest.param({"price": "much"}, id="price-no-number"),
        pytest.param({"price": True}, id="price-true"),
        pytest.param({"volume": "0"}, id="volume-zero"),
        pytest.param({"executed_volume": None}, id="executed-null"),
        pytest.param({"executed_volume": "-1"}, id="executed-negative"),
        pytest.param({"state": "trade"}, id="state-unknown"),
        pytest.param({"state": None}, id="state-null"),
        pytest.param({"side": "buy"}, id="side-unknown"),
        pytest.param({"created_at": "2026-01-31T18:00:00"}, id="time-without-zone"),
        pytest.param({"created_at": None}, id="time-null"),
        pytest.param({"uuid": ""}, id="uuid-empty"),
        pytest.param({"market": "KRW-ETH"}, id="other-market"),
        pytest.param({"trades": {}}, id="trades-no-list"),
        pytest.param({"trades": [None]}, id="trade-null"),
        pytest.param({"trades": [trade_row("t", 1) | {"price": 0}]}, id="trade-price-zero"),
    ],
)
def test_an_order_that_makes_no_sense_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(TransientError):
        to_order(order_row(**changes), BTC)


@pytest.mark.parametrize("body", [None, [], "text", 1], ids=str)
def test_what_is_no_order_is_refused(body: Any) -> None:
    with pytest.raises(TransientError):
        to_order(body, BTC)


@pytest.mark.parametrize("price", [0, None, -1, "", "x"], ids=str)
def test_a_price_that_is_none_is_refused(price: object) -> None:
    with pytest.raises(TransientError):
        to_price([{"market": BTC, "trade_price": price}], BTC, read=READ)


def test_a_ticker_of_another_market_is_no_price() -> None:
    with pytest.raises(TransientError, match="a row of KRW-BTC"):
        to_price([{"market": "KRW-ETH", "trade_price": 5}], BTC, read=READ)


def test_numbers_are_exact() -> None:
    body = parse_body(b'[{"market":"KRW-BTC","trade_price":0.1000000000000000055}]')
    assert to_price(body, BTC, read=READ).last == Decimal("0.1000000000000000055")


@pytest.mark.parametrize(
    "content", [b"", b"<html>", b"[NaN]", b"[1", b"\xff"], ids=["empty", "html", "nan", "cut", "ff"]
)
def test_what_is_no_json_is_refused(content: bytes) -> None:
    with pytest.raises(TransientError):
        parse_body(content)


def test_an_account_without_the_coin_holds_none() -> None:
    body = [{"currency": "KRW", "balance": "8004.5", "locked": "1.5"}]
    assert to_account(body, BTC) == VenueAccount(
        quote=Decimal("8004.5"),
        quote_locked=Decimal("1.5"),
        base=Decimal(0),
        base_locked=Decimal(0),
    )


def test_a_balance_below_zero_is_refused() -> None:
    with pytest.raises(TransientError):
        to_account([{"currency": "KRW", "balance": "-1", "locked": "0"}], BTC)


def test_a_market_takes_fee_and_minimum_from_the_venue_the_dearer_side() -> None:
    market = to_market(BTC, chance=chance(), instruments=instruments(), last=Decimal(100000000))
    assert (market.rules.fee_rate, market.rules.min_total) == (Decimal("0.0007"), Decimal(6000))
    assert market.rules.ticks is KRW_TICKS
    assert (market.is_open, market.warning) == (True, "")


def test_a_tick_unlike_the_table_is_a_warning() -> None:
    market = to_market(BTC, chance=chance(), instruments=instruments(500), last=Decimal(1500000))
    assert market.is_open
    assert "is 1000 by our table and 500 by Upbit" in market.warning


@pytest.mark.parametrize("state", ["paused", None], ids=str)
def test_a_market_that_is_not_active_is_closed(state: str | None) -> None:
    market = to_market(
        BTC, chance=chance(state=state), instruments=instruments(), last=Decimal(1500000)
    )
    assert not market.is_open
    assert str(state) in market.warning


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(chance(id="KRW-ETH"), id="other-market"),
        pytest.param(chance() | {"bid_fee": None}, id="no-fee"),
        pytest.param(chance(bid={"min_total": "0"}), id="no-minimum"),
        pytest.param(chance(ask=None), id="no-side"),
        pytest.param([], id="a-list"),
    ],
)
def test_an_order_chance_that_makes_no_sense_is_refused(answer: Any) -> None:
    with pytest.raises(TransientError):
        to_market(BTC, chance=answer, instruments=instruments(), last=Decimal(1500000))


def listed(**event: Any) -> list[dict[str, Any]]:
    return [{"market": "KRW-ETH", "market_event": {}}, {"market": BTC, "market_event": event}]


def with_warnings(body: Any) -> tuple[bool, str]:
    market = to_market(BTC, chance=chance(), instruments=instruments(), last=Decimal(100000000))
    found = with_event(market, body, BTC)
    return found.is_flagged, found.warning


def test_what_upbit_warns_of_is_told() -> None:
    assert with_warnings(listed(warning=False, caution={"A": False})) == (False, "")
    is_flagged, warning = with_warnings(listed(warning=True, caution={"B": True, "A": True}))
    assert is_flagged
    assert "may be delisted" in warning
    assert "caution with KRW-BTC: A, B" in warning


@pytest.mark.parametrize(
    "body", [[], [{"market": BTC}], listed(warning=True), listed(warning=True, caution=[])]
)
def test_warnings_in_another_form_are_told_and_stop_nothing(body: Any) -> None:
    is_flagged, warning = with_warnings(body)
    assert not is_flagged
    assert "does not tell" in warning


def book(**unit: Any) -> list[dict[str, Any]]:
    units = [{"bid_price": Decimal("0.8"), "ask_price": 1} | unit, {"bid_price": 0}]
    return [{"market": BTC, "orderbook_units": units}]


def test_the_first_unit_of_a_book_holds_the_best_prices() -> None:
    found = to_book(book(), BTC)
    assert (found.bid, found.ask) == (Decimal("0.8"), Decimal(1))


@pytest.mark.parametrize(
    "body",
    [book(bid_price=1), book(ask_price=None), book(bid_price=0), [{"market": BTC}], [], "x"],
)
def test_a_book_without_prices_is_refused(body: Any) -> None:
    with pytest.raises(TransientError):
        to_book(body, BTC)


def recorded(name: str) -> Any:
    """Return a recorded answer, or skip the test with a reason."""
    folder = Path(__file__).parents[6].parent / "shared" / "data" / "upbit-api"
    if not folder.is_dir():
        pytest.skip("no recorded answers at ../shared/data/upbit-api")
    return parse_body((folder / name).read_bytes())


def test_the_recorded_tickers_parse() -> None:
    price = to_price(recorded("ticker-KRW-BTC-20260830.json"), BTC, read=READ)
    assert (price.last, price.read) == (Decimal(108580000), READ)
    # One row as texts, one as numbers.
    two = recorded("ticker-KRW-BTC-KRW-ETH-20250704.json")
    assert to_price(two, BTC, read=READ).last == Decimal(148601000)
    assert to_price(two, "KRW-ETH", read=READ).last == Decimal(3510000)


def test_the_recorded_book_and_list_of_markets_parse() -> None:
    best = to_book(recorded("orderbook-KRW-BTC-20250704.json"), BTC)
    assert (best.bid, best.ask) == (Decimal(148490000), Decimal(148520000))
    market = to_market(BTC, chance=chance(), instruments=instruments(), last=Decimal(100000000))
    warned = with_event(market, recorded("market-all-3rows-20260830.json"), "BTC-BERA")
    assert warned.warning == "Upbit advises caution with BTC-BERA: GLOBAL_PRICE_DIFFERENCES"


def test_the_recorded_order_chance_and_instruments_parse() -> None:
    market = to_market(
        BTC,
        chance=recorded("orders-chance-KRW-BTC-2024.json"),
        instruments=recorded("orderbook-instruments-2rows.json"),
        last=Decimal(108580000),
    )
    assert (market.rules.fee_rate, market.rules.min_total) == (Decimal("0.0005"), Decimal(5000))
    assert (market.is_open, market.warning) == (True, "")
    chance_ = recorded("orders-chance-KRW-BTC-2024.json")
    assert to_account([chance_["bid_account"], chance_["ask_account"]], BTC).quote == 0
