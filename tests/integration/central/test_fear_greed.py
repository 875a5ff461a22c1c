"""The public fear-and-greed index, from a server on loopback."""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import httpx
import pytest

from dantaro_central.adapters.sources.fear_greed import PublicFearGreed
from dantaro_central.core.findings import PublicMood
from dantaro_crds.errors import TransientError
from tests.support.candles import START
from tests.support.central_process import central
from tests.support.eventually import eventually
from tests.support.live_worker import LiveWorker, live_worker, venue_candles
from tests.support.upbit_public import upbit_public

pytestmark = pytest.mark.integration


@contextmanager
def serving(body: bytes, *, status: int = 200) -> Iterator[str]:
    """Answer every request with a body, and yield the address."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/fng/"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


async def asked(url: str) -> PublicMood:
    """Return what the server tells."""
    async with httpx.AsyncClient() as client:
        return await PublicFearGreed(client, url=url).fetch()


async def test_the_newest_value_counts() -> None:
    body = b'{"data": [{"value": "40", "timestamp": "1756684800"}, {"value": "90"}]}'
    with serving(body) as url:
        want = PublicMood(value=40, time=datetime(2025, 9, 1, tzinfo=UTC), source="127.0.0.1")
        assert await asked(url) == want


@pytest.mark.parametrize(
    ("body", "status", "want"),
    [
        pytest.param(b"oops", 200, "found 'oops'", id="no-json"),
        pytest.param(b'{"data": []}', 200, "found '{\"data\": []}'", id="empty"),
        pytest.param(b'{"data": [{"value": null}]}', 200, "null", id="null"),
        pytest.param(b'{"data": [{"value": "4"}]}', 200, "timestamp", id="of-no-time"),
        pytest.param(
            b'{"data": [{"value": "101", "timestamp": "0"}]}',
            200,
            "0 to 100, found 101",
            id="too-much",
        ),
        pytest.param(b"[]", 200, "found '[]'", id="a-list"),
        pytest.param(b"busy", 503, "HTTPStatusError", id="unavailable"),
    ],
)
async def test_nonsense_is_told(body: bytes, status: int, want: str) -> None:
    with serving(body, status=status) as url, pytest.raises(TransientError) as caught:
        await asked(url)
    assert want in caught.value.message


async def test_a_server_that_is_gone_is_told() -> None:
    with serving(b"") as url:
        pass
    with pytest.raises(TransientError, match="ConnectError"):
        await asked(url)


async def test_a_live_worker_tells_it_in_place_of_its_own_while_it_is_fresh(
    tmp_path: Path,
) -> None:
    with upbit_public(venue_candles(1, 0)) as upbit:
        async with live_worker(tmp_path, upbit) as worker:
            await worker.collection.start()
            own = mood_of(worker)
            day = START - timedelta(hours=25, minutes=50)
            worker.collection.hear(PublicMood(value=101 - own[0], time=day, source="index.test"))
            await worker.go_to(5)
            assert mood_of(worker) == (101 - own[0], "index.test")
            await worker.go_to(10)
            assert mood_of(worker)[1] is None


def mood_of(worker: LiveWorker) -> tuple[int, str | None]:
    """Return the mood of the newest market status, and who tells it."""
    body = json.loads(str(worker.rows("market_status")[-1][1]))
    return body["fearGreed"], body["fearGreedSource"]


def test_a_worker_asks_the_server_that_is_set(tmp_path: Path) -> None:
    body = b'{"data": [{"value": "40", "timestamp": "1756684800"}]}'
    with upbit_public(venue_candles(1, 0)) as upbit, serving(body) as url:
        options = ("--source", "upbit", "--traded", "KRW-T0", "--upbit-url", upbit.url)
        with (
            central(tmp_path, *options, "--fear-greed-url", url),
            closing(sqlite3.connect(tmp_path / "central.db")) as database,
        ):
            query = "SELECT outcome, message FROM job_runs WHERE job = 'mood'"
            found = eventually(lambda: database.execute(query).fetchall())
    assert found == [("Succeeded", "127.0.0.1 tells 40 of 2025-09-01T00:00:00Z")]
