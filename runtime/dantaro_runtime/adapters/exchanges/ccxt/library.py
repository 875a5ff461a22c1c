"""The one place that touches ccxt, which is untyped here: its classes with our own transport.

ccxt builds, signs and reads; the request itself is sent by us, so that nothing repeats a write, no
proxy of the environment is used and every answer can be told from none. Its texts hold addresses,
headers and bodies: they stay in here.
"""

import importlib
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Protocol
from urllib.parse import parse_qsl, urlsplit

from dantaro_runtime.errors import ConfigError
from dantaro_runtime.left_out import bring_back_tls

__all__ = ["LIBRARY_ERRORS", "Answer", "Exchange", "Request", "build_exchange", "known_ids"]

Exchange = Any
"""An exchange of ccxt."""

LIBRARY_ERRORS = (ArithmeticError, AssertionError, AttributeError, LookupError, TypeError)
"""What ccxt's code raises, beside its own errors and `ValueError`, on an answer unlike others."""

_LONG = 12
"""Values of headers and queries from this length on may be secret."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What ccxt wants to send; only its method and path are shown."""

    method: str
    url: str = field(repr=False)
    headers: dict[str, str] = field(repr=False)
    body: str | None = field(repr=False)

    def __str__(self) -> str:
        """Return it without what may be secret."""
        return f"{self.method} {urlsplit(self.url).path}"

    @property
    def secrets(self) -> tuple[str, ...]:
        """Return values that no text may quote."""
        values = [*self.headers.values(), *(v for _, v in parse_qsl(urlsplit(self.url).query))]
        parts = (part for value in values for part in (value, *value.split()))
        return tuple(part for part in parts if len(part) >= _LONG)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came back."""

    status: int
    reason: str
    headers: dict[str, str]
    text: str


class Doorman(Protocol):
    """Sends what ccxt wants to send."""

    async def take_turn(self, seconds: float) -> None:
        """Wait until a call may be sent; `seconds` is the pause that ccxt wants after it."""
        ...

    async def send(self, request: Request) -> Answer:
        """Send, once."""
        ...


def known_ids() -> tuple[str, ...]:
    """Return the ids of all exchanges of ccxt.

    Raises:
        ConfigError: It is not installed.
    """
    return tuple(_library().exchanges)


def build_exchange(exchange_id: str, doorman: Doorman, *, base_url: str | None = None) -> Exchange:
    """Return an exchange that sends through a doorman; nothing is sent by building it.

    Args:
        exchange_id: ccxt's id.
        doorman: Sends.
        base_url: Scheme and host, and the start of the path, that stand for the exchange's own.

    Raises:
        ConfigError: ccxt is not installed.
    """
    made: Any = getattr(_library(), exchange_id)
    members = {
        "number": str,
        "fetch": _fetch_through(doorman),
        "throttle": _throttle_through(doorman),
    }
    exchange = type(made.__name__, (made,), members)({"options": {"maxRetriesOnFailure": 0}})
    if base_url is not None:
        exchange.urls["api"] = _moved(exchange.urls["api"], base_url.rstrip("/"))
    return exchange


def _library() -> Any:
    bring_back_tls()
    try:
        return importlib.import_module("ccxt.async_support")
    except ImportError as error:
        raise ConfigError(
            "expected the extra ccxt, which other exchanges than upbit need, found it not "
            "installed: pip install 'dantaro[ccxt]'",
            code="ExtraMissing",
        ) from error


def _fetch_through(doorman: Doorman) -> Callable[..., Awaitable[Any]]:
    async def fetch(
        exchange: Any, url: str, method: str = "GET", headers: Any = None, body: Any = None
    ) -> Any:
        sent = {name: str(value) for name, value in (headers or {}).items()}
        request = Request(method=method, url=str(url), headers=sent, body=body)
        answer = await doorman.send(request)
        found = _json(answer.text)
        told = (answer.status, answer.reason, request.url, method, answer.headers, answer.text)
        exchange.handle_errors(*told, found, request.headers, request.body)
        exchange.handle_http_status_code(*told[:4], answer.text)
        if found is None:
            raise ValueError(f"expected JSON, found {len(answer.text)} other signs")
        return found

    return fetch


def _throttle_through(doorman: Doorman) -> Callable[..., Awaitable[None]]:
    async def throttle(exchange: Any, cost: Any = None) -> None:
        calls = 1.0 if cost is None else float(cost)
        await doorman.take_turn(calls * float(exchange.rateLimit) / 1000.0)

    return throttle


def _json(text: str) -> Any:
    try:
        return json.loads(text, parse_float=str, parse_constant=str)
    except (ValueError, RecursionError):
        return None


def _moved(urls: Any, base_url: str) -> Any:
    if isinstance(urls, dict):
        return {name: _moved(url, base_url) for name, url in urls.items()}
    return f"{base_url}{urlsplit(urls).path}" if isinstance(urls, str) else urls
