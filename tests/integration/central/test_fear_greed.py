"""The public fear-and-greed index, from a server on loopback."""

from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import httpx
import pytest

from dantaro_central.adapters.sources.fear_greed import PublicFearGreed

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


async def asked(url: str) -> tuple[int, list[str]]:
    """Return what counts when our own index is 33, and what was noted."""
    notes: list[str] = []
    async with httpx.AsyncClient() as client:
        return await PublicFearGreed(client, url=url).value_or(33, note=notes.append), notes


async def test_the_newest_value_counts() -> None:
    with serving(b'{"data": [{"value": "40"}, {"value": "90"}]}') as url:
        assert await asked(url) == (40, [])


@pytest.mark.parametrize(
    ("body", "status", "want"),
    [
        pytest.param(b"oops", 200, "found 'oops'", id="no-json"),
        pytest.param(b'{"data": []}', 200, "found '{\"data\": []}'", id="empty"),
        pytest.param(b'{"data": [{"value": null}]}', 200, "null", id="null"),
        pytest.param(b'{"data": [{"value": "101"}]}', 200, "0 to 100, found 101", id="too-much"),
        pytest.param(b"[]", 200, "found '[]'", id="a-list"),
        pytest.param(b"busy", 503, "HTTPStatusError", id="unavailable"),
    ],
)
async def test_nonsense_leaves_our_own_with_a_note(body: bytes, status: int, want: str) -> None:
    with serving(body, status=status) as url:
        value, (note,) = await asked(url)
    assert value == 33
    assert want in note
    assert note.endswith("our own index 33 counts")


async def test_a_server_that_is_gone_leaves_our_own_with_a_note() -> None:
    with serving(b"") as url:
        pass
    value, (note,) = await asked(url)
    assert (value, "ConnectError" in note) == (33, True)
