"""A small HTTP server that speaks the public part of Upbit's API, and fails on command.

It serves candles in the shape of Upbit: newest first, `to` exclusive, at most 200, the candle in
progress included, nothing where nothing was traded.
"""

import json
import threading
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
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
        self.markets = dict(markets)
        self.url = ""
        self.requests: list[str] = []
        self.failures: deque[tuple[int, str]] = deque()
        """(status, body) of the next answers; when empty it answers as it should."""
        self.remaining = "group=candles; min=600; sec=9"

    def answer(self, target: str) -> tuple[int, str]:
        """Return status and body of a request."""
        self.requests.append(target)
        if self.failures:
            return self.failures.popleft()
        url = urlsplit(target)
        query = {name: values[0] for name, values in parse_qs(url.query).items()}
        path = url.path.removeprefix("/v1/")
        if path == "market/all":
            return 200, json.dumps([{"market": m} for m in sorted({m for m, _ in self.markets})])
        candles = self.markets.get((query.get("market", ""), path.removeprefix("candles/")))
        if candles is None:
            return 404, '{"error":{"name":404,"message":"Code not found"}}'
        to = datetime.max.replace(tzinfo=UTC)
        if "to" in query:
            to = datetime.fromisoformat(query["to"])
        count = min(int(query.get("count", "1")), _PAGE)
        wanted = [candle for candle in candles if candle.time < to][-count:]
        rows = ",".join(_row(query["market"], candle) for candle in reversed(wanted))
        return 200, f"[{rows}]"


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
            data = body.encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.send_header("Remaining-Req", upbit.remaining)
            self.end_headers()
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
