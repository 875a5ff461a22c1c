"""A small HTTP server that speaks the chat part of an OpenAI-like API, and fails on command."""

import json
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

__all__ = ["OpenAiServer", "Reply", "completion", "openai_server", "says"]


@dataclass(frozen=True, kw_only=True)
class Reply:
    """One answer.

    Attributes:
        status: HTTP status.
        body: What is sent.
        headers: Further headers.
        sent: How many bytes are sent before the connection is cut; None: all.
        is_held: Whether nothing is sent until the server stops.
        is_endless: Whether the body is sent again and again, until the client leaves.
    """

    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    sent: int | None = None
    is_held: bool = False
    is_endless: bool = False


def completion(
    content: str | None, *, prompt_tokens: int = 1000, completion_tokens: int = 100, **message: Any
) -> Reply:
    """Return a chat completion with this content."""
    body = {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1_767_225_600,
        "model": "test-model",
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": content, **message},
                "finish_reason": "stop",
            }
        ],
        "usage": {
            "prompt_tokens": prompt_tokens,
            "completion_tokens": completion_tokens,
            "total_tokens": prompt_tokens + completion_tokens,
        },
    }
    return Reply(body=json.dumps(body).encode())


def says(action: str, confidence: float, reason: str = "MACD rises above its signal") -> Reply:
    """Return a decision as the schema asks for it."""
    return completion(json.dumps({"action": action, "confidence": confidence, "reason": reason}))


class OpenAiServer:
    """What it answers, and what it was asked."""

    def __init__(self) -> None:
        """Answer every request with Buy."""
        self.url = ""
        self.replies: deque[Reply] = deque()
        """The next answers; when empty the usual one."""
        self.usual = says("Buy", 0.8)
        self.requests: list[dict[str, Any]] = []
        """Bodies, in the order in which they came."""
        self.paths: list[str] = []
        self.keys: list[str] = []
        self.ended = threading.Event()

    def take(self, path: str, key: str, body: bytes) -> Reply:
        """Note a request and return its answer."""
        self.paths.append(path)
        self.keys.append(key)
        self.requests.append(json.loads(body))
        return self.replies.popleft() if self.replies else self.usual


@contextmanager
def openai_server() -> Iterator[OpenAiServer]:
    """Serve on a free loopback port for the length of a block."""
    model = OpenAiServer()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            asked = self.rfile.read(int(self.headers["Content-Length"]))
            reply = model.take(self.path, self.headers.get("Authorization", ""), asked)
            if reply.is_held:
                model.ended.wait()
                self.close_connection = True
                return
            self.send_response(reply.status)
            self.send_header("Content-Type", "application/json")
            for name, value in reply.headers.items():
                self.send_header(name, value)
            if not reply.is_endless:
                self.send_header("Content-Length", str(len(reply.body)))
            self.end_headers()
            with suppress(OSError):
                self.wfile.write(reply.body[: reply.sent])
                while reply.is_endless and not model.ended.is_set():
                    self.wfile.write(reply.body)
            self.close_connection = reply.sent is not None or reply.is_endless

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    model.url = f"http://127.0.0.1:{server.server_port}/v1"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield model
    finally:
        model.ended.set()
        server.shutdown()
        thread.join()
        server.server_close()
