"""Quotation: markets, ticker, order book, candles, trades. Numbers are JSON numbers here."""

from bisect import bisect_left
from datetime import timedelta
from decimal import Decimal

from tests.support.exchange.calls import Call, Route
from tests.support.exchange.engine import Market, exactly
from tests.support.exchange.orders import Refusal, Side
from tests.support.exchange.tape import DAY, Candle, Tape
from tests.support.exchange.wire import KST, millis, ratio, read_time

__all__ = ["PUBLIC_ROUTES"]

_UNITS = (1, 3, 5, 10, 15, 30, 60, 240)
_LABEL = "%Y-%m-%dT%H:%M:%S"
_CAUTIONS = (
    "PRICE_FLUCTUATIONS",
    "TRADING_VOLUME_SOARING",
    "DEPOSIT_AMOUNT_SOARING",
    "GLOBAL_PRICE_DIFFERENCES",
    "CONCENTRATION_OF_SMALL_ACCOUNTS",
)
_SIZE = Decimal("1.5")


def _markets(call: Call) -> object:
    rows = []
    for market in call.world.engine.markets.values():
        row: dict[str, object] = {
            "market": market.code,
            "korean_name": market.base,
            "english_name": market.base,
        }
        if call.text("is_details") == "true":
            cautions = {name: name in market.cautions for name in _CAUTIONS}
            row["market_event"] = {"warning": market.is_flagged, "caution": cautions}
        rows.append(row)
    return rows


def _asked(call: Call) -> list[tuple[Market, Tape]]:
    call.need("markets")
    return [_one(call, code) for code in call.many("markets")]


def _one(call: Call, code: str) -> tuple[Market, Tape]:
    if code not in call.world.engine.markets:
        raise Refusal(404, 404, "Code not found")
    return call.world.engine.markets[code], call.world.feed.tapes[code]


def _ticker(call: Call) -> object:
    return [_ticker_row(call, market, tape) for market, tape in _asked(call)]


def _all_tickers(call: Call) -> object:
    quotes = call.many("quote_currencies") or call.many("quoteCurrencies")
    codes = [m.code for m in call.world.engine.markets.values() if m.quote in quotes]
    return [_ticker_row(call, *_one(call, code)) for code in codes]


def _ticker_row(call: Call, market: Market, tape: Tape) -> dict[str, object]:
    days, last = tape.candles(DAY), tape.minutes[-1]
    day = days[-1]
    before = days[-2].close if len(days) > 1 else day.open
    value, volume = tape.last_day(call.now)
    high, low = max(days, key=lambda d: d.high), min(days, key=lambda d: d.low)
    change = market.last - before
    at, here = last.last_at, last.last_at.astimezone(KST)
    return {
        "market": market.code,
        "trade_date": at.strftime("%Y%m%d"),
        "trade_time": at.strftime("%H%M%S"),
        "trade_date_kst": here.strftime("%Y%m%d"),
        "trade_time_kst": here.strftime("%H%M%S"),
        "trade_timestamp": millis(at),
        "opening_price": day.open,
        "high_price": day.high,
        "low_price": day.low,
        "trade_price": market.shown or market.last,
        "prev_closing_price": before,
        "change": "EVEN" if change == 0 else "RISE" if change > 0 else "FALL",
        "change_price": abs(change),
        "change_rate": abs(ratio(change, before)),
        "signed_change_price": change,
        "signed_change_rate": ratio(change, before),
        "trade_volume": tape.ticks[-1].volume,
        "acc_trade_price": day.value,
        "acc_trade_price_24h": value,
        "acc_trade_volume": day.volume,
        "acc_trade_volume_24h": volume,
        "highest_52_week_price": high.high,
        "highest_52_week_date": high.time.strftime("%Y-%m-%d"),
        "lowest_52_week_price": low.low,
        "lowest_52_week_date": low.time.strftime("%Y-%m-%d"),
        "timestamp": millis(call.now),
    }


def _order_book(call: Call) -> object:
    count = call.number("count", 30, most=30)
    return [_book_row(call, market, count) for market, _ in _asked(call)]


@exactly
def _book_row(call: Call, market: Market, count: int) -> dict[str, object]:
    """Return a made-up book: one tick apart, as a taker would find it, the same size everywhere."""
    ticks, engine = market.venue.ticks, call.world.engine
    ask = ticks.ceil(engine.taker_price(market, Side.BID))
    bid = min(ticks.floor(engine.taker_price(market, Side.ASK)), ticks.below(ask))
    units: list[dict[str, Decimal]] = []
    while len(units) < count and bid > 0:
        units.append({"ask_price": ask, "bid_price": bid, "ask_size": _SIZE, "bid_size": _SIZE})
        ask, bid = ticks.above(ask), ticks.below(bid)
    return {
        "market": market.code,
        "timestamp": millis(call.now),
        "total_ask_size": _SIZE * len(units),
        "total_bid_size": _SIZE * len(units),
        "orderbook_units": units,
        "level": 0,
    }


def _instruments(call: Call) -> object:
    return [
        {
            "market": market.code,
            "quote_currency": market.quote,
            "tick_size": market.venue.ticks.tick(market.last),
            "supported_levels": ["0"],
        }
        for market, _ in _asked(call)
    ]


def _candles(call: Call, unit: int) -> tuple[list[Candle], int, int]:
    """Return all candles and the range (first, behind the last) that was asked for."""
    _, tape = _one(call, call.need("market"))
    candles = tape.candles(unit)
    count = call.number("count", 1, most=200)
    to = call.text("to")
    end = len(candles)
    if to:
        end = bisect_left(candles, read_time(to), key=lambda candle: candle.time)
    return candles, max(0, end - count), end


def _candle_row(market: str, candle: Candle) -> dict[str, object]:
    return {
        "market": market,
        "candle_date_time_utc": candle.time.strftime(_LABEL),
        "candle_date_time_kst": (candle.time + timedelta(hours=9)).strftime(_LABEL),
        "opening_price": candle.open,
        "high_price": candle.high,
        "low_price": candle.low,
        "trade_price": candle.close,
        "timestamp": millis(candle.last_at),
        "candle_acc_trade_price": candle.value,
        "candle_acc_trade_volume": candle.volume,
    }


def _minutes(unit: int) -> Route:
    def answer(call: Call) -> object:
        candles, first, end = _candles(call, unit)
        market = call.need("market")
        return [_candle_row(market, c) | {"unit": unit} for c in reversed(candles[first:end])]

    return Route(handler=answer, group="candles")


def _days(call: Call) -> object:
    candles, first, end = _candles(call, DAY)
    market = call.need("market")
    rows = []
    for place in range(end - 1, first - 1, -1):
        candle = candles[place]
        before = candles[place - 1].close if place else candle.open
        rows.append(
            _candle_row(market, candle)
            | {
                "prev_closing_price": before,
                "change_price": candle.close - before,
                "change_rate": ratio(candle.close - before, before),
            }
        )
    return rows


def _trades(call: Call) -> object:
    market, tape = _one(call, call.need("market"))
    count = call.number("count", 1, most=500)
    days = tape.candles(DAY)
    before = days[-2].close if len(days) > 1 else days[-1].open
    return [
        {
            "market": market.code,
            "trade_date_utc": tick.time.strftime("%Y-%m-%d"),
            "trade_time_utc": tick.time.strftime("%H:%M:%S"),
            "timestamp": millis(tick.time),
            "trade_price": tick.price,
            "trade_volume": tick.volume,
            "prev_closing_price": before,
            "change_price": tick.price - before,
            "ask_bid": "BID" if tick.is_up else "ASK",
            "sequential_id": tick.number,
        }
        for tick in reversed(tape.ticks[-count:])
    ]


PUBLIC_ROUTES = {
    ("GET", "/v1/market/all"): Route(handler=_markets, group="market"),
    ("GET", "/v1/ticker"): Route(handler=_ticker, group="ticker"),
    ("GET", "/v1/ticker/all"): Route(handler=_all_tickers, group="ticker"),
    ("GET", "/v1/orderbook"): Route(handler=_order_book, group="orderbook"),
    ("GET", "/v1/orderbook/instruments"): Route(handler=_instruments, group="orderbook"),
    ("GET", "/v1/trades/ticks"): Route(handler=_trades, group="trades"),
    ("GET", "/v1/candles/days"): Route(handler=_days, group="candles"),
    **{("GET", f"/v1/candles/minutes/{unit}"): _minutes(unit) for unit in _UNITS},
}
