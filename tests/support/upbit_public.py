"""A small HTTP server that speaks the public part of Upbit's API, and fails on command.

It serves candles in the shape of Upbit: newest first, `to` exclusive, at most 200, the candle in
progress included, nothing where nothing was traded.
"""

import json
import threading
from bisect import bisect_left
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

from dantaro_central.core.candles import Candle

__all__ = ["UpbitPublic", "upbit_public"]

_PAGE = 200


class UpbitPublic:
    """What the server has, and what it was asked."""

    def __init__(self, markets: Mapping[tuple[str, str], Sequence[Candle]]) -> None:
        """Choose the candles.

        Args:
            markets: By (market, path), such as ("KRW-BTC", "minutes/1"); oldest first.
        """
        self.markets = {key: list(candles) for key, candles in markets.items()}
        self.url = ""
        self.requests: list[str] = []
        self.failures: deque[tuple[int, str]] = deque()
        """(status, body) of the next answers; when empty it answers as it should."""
        self.remaining = "group=candles; min=600; sec=9"
        self.headers: dict[str, str] = {}
        """Of every answer; a `Date` makes the caller compare its clock."""
        self.broken: dict[str, tuple[int, str]] = {}
        """(status, body) of every answer to a path, such as `candles/minutes/1`, until removed."""
        self.until: datetime | None = None
        """Candles that open then or later are not told; None: all are."""
        self.pause = 0.0
        """Seconds before every answer."""
        self.events: dict[str, object] = {}
        """`market_event` of markets; the others have none."""
        self.is_shuffled = False
        """Whether rows come oldest first, and twice."""

    def answer(self, target: str) -> tuple[int, str]:
        """Return status and body of a request."""
        self.requests.append(target)
        if self.failures:
            return self.failures.popleft()
        url = urlsplit(target)
        query = {name: values[0] for name, values in parse_qs(url.query).items()}
        path = url.path.removeprefix("/v1/")
        if path in self.broken:
            return self.broken[path]
        if path == "ticker/all":
            return 200, self._tickers()
        if path == "orderbook":
            return 200, self._order_books(query["markets"].split(","))
        if path == "market/all":
            return 200, json.dumps([self._listed(m) for m in sorted({m for m, _ in self.markets})])
        candles = self.markets.get((query.get("market", ""), path.removeprefix("candles/")))
        if candles is None and query.get("market", "") in {name for name, _ in self.markets}:
            return 200, "[]"
        if candles is None:
            return 404, '{"error":{"name":404,"message":"Code not found"}}'
        to = datetime.max.replace(tzinfo=UTC)
        if "to" in query:
            to = datetime.fromisoformat(query["to"])
        count = min(int(query.get("count", "1")), _PAGE)
        if self.until is not None:
            to = min(to, self.until)
        end = bisect_left(candles, to, key=lambda candle: candle.time)
        rows = [_row(query["market"], candle) for candle in candles[max(end - count, 0) : end]]
        if self.is_shuffled:
            return 200, f"[{','.join(row for row in rows for _ in range(2))}]"
        return 200, f"[{','.join(reversed(rows))}]"

    def _listed(self, market: str) -> dict[str, object]:
        event = self.events.get(market)
        return {"market": market} | ({"market_event": event} if event else {})

    def _newest(self, market: str) -> Candle:
        candles = self.markets.get((market, "minutes/1")) or self.markets[market, "minutes/60"]
        shown = [c for c in candles[-200:] if self.until is None or c.time < self.until]
        return shown[-1] if shown else candles[0]

    def _tickers(self) -> str:
        rows = []
        for market in sorted({name for name, _ in self.markets}):
            newest = self._newest(market)
            rows.append(
                {
                    "market": market,
                    "trade_price": float(newest.close),
                    "acc_trade_volume_24h": 12.5,
                    "trade_timestamp": int(newest.time.timestamp() * 1000),
                    "timestamp": int(newest.time.timestamp() * 1000),
                }
            )
        return json.dumps(rows)

    def _order_books(self, markets: Sequence[str]) -> str:
        rows = []
        for market in markets:
            newest = self._newest(market)
            price = float(newest.close)
            unit = {"ask_price": price, "bid_price": price, "ask_size": 1.5, "bid_size": 2}
            rows.append(
                {
                    "market": market,
                    "timestamp": int(newest.time.timestamp() * 1000),
                    "total_ask_size": 1.5,
                    "total_bid_size": 2,
                    "orderbook_units": [unit],
                }
            )
        return json.dumps(rows)


def _row(market: str, candle: Candle) -> str:
    time = candle.time.strftime("%Y-%m-%dT%H:%M:%S")
    numbers = {
        "opening_price": candle.open,
        "high_price": candle.high,
        "low_price": candle.low,
        "trade_price": candle.close,
        "candle_acc_trade_price": candle.close * candle.volume,
        "candle_acc_trade_volume": candle.volume,
    }
    fields = ",".join(f'"{name}":{value:f}' for name, value in numbers.items())
    return (
        f'{{"market":"{market}","candle_date_time_utc":"{time}",{fields},'
        f'"timestamp":{int(candle.time.timestamp() * 1000)}}}'
    )


@contextmanager
def upbit_public(markets: Mapping[tuple[str, str], Sequence[Candle]]) -> Iterator[UpbitPublic]:
    """Serve on a free loopback port for the length of a block."""
    upbit = UpbitPublic(markets)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            status, body = upbit.answer(self.path)
            if upbit.pause:
                threading.Event().wait(upbit.pause)
            data = body.encode()
            self.send_response_only(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.send_header("Remaining-Req", upbit.remaining)
            for name, value in upbit.headers.items():
                self.send_header(name, value)
            self.end_headers()
            with suppress(ConnectionError):
                self.wfile.write(data)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    upbit.url = f"http://127.0.0.1:{server.server_port}/v1"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield upbit
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
