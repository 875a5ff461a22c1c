"""A person with an API key: signs and sends single calls, repeats nothing, interprets nothing."""

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping, Sequence
from typing import Any, Self
from urllib.parse import quote
from uuid import uuid4

import httpx

from tests.support.exchange.config import PocketConfig

__all__ = ["Trader", "sign"]

Pairs = Sequence[tuple[str, str]]


def _encode(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def sign(claims: Mapping[str, str], secret: str, *, algorithm: str = "HS256") -> str:
    """Return a JWT with its claims in the order given."""
    digest = {"HS256": hashlib.sha256, "HS512": hashlib.sha512}[algorithm]
    parts = [
        _encode(json.dumps(part, separators=(",", ":")).encode())
        for part in ({"alg": algorithm, "typ": "JWT"}, dict(claims))
    ]
    text = ".".join(parts)
    return f"{text}.{_encode(hmac.digest(secret.encode(), text.encode(), digest))}"


class Trader:
    """Sends calls with one key."""

    def __init__(
        self, url: str, *, access: str = "", secret: str = "", algorithm: str = "HS256"
    ) -> None:
        """Choose the key.

        Args:
            url: Root of the API, with `/v1`.
            access: Empty: the key of a default pocket.
            secret: As `access`.
            algorithm: HS256 or HS512.
        """
        key = PocketConfig().keys[0]
        self._access, self._secret = access or key.access, secret or key.secret
        self._algorithm = algorithm
        self._http = httpx.Client(base_url=url, timeout=10)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    def token(self, query: str, *, nonce: str | None = None) -> str:
        """Return a token for a query that is not percent-encoded."""
        claims = {"access_key": self._access, "nonce": nonce or str(uuid4())}
        if query:
            claims["query_hash"] = hashlib.sha512(query.encode()).hexdigest()
            claims["query_hash_alg"] = "SHA512"
        return sign(claims, self._secret, algorithm=self._algorithm)

    def call(self, method: str, path: str, pairs: Pairs = ()) -> httpx.Response:
        """Send a call with parameters in the query."""
        wire = "&".join(f"{name}={quote(value, safe='')}" for name, value in pairs)
        headers = {"Authorization": f"Bearer {self.token('&'.join(map('='.join, pairs)))}"}
        return self._http.request(method, path + (f"?{wire}" if wire else ""), headers=headers)

    def get(self, path: str, **params: str) -> httpx.Response:
        """Read something private."""
        return self.call("GET", path, list(params.items()))

    def see(self, path: str, **params: str) -> httpx.Response:
        """Read something public."""
        return self._http.get(path, params=params)

    def post(self, path: str, **body: str) -> httpx.Response:
        """Send a JSON body."""
        token = self.token("&".join(map("=".join, body.items())))
        headers = {"Authorization": f"Bearer {token}"}
        return self._http.post(path, json=body, headers=headers)

    def limit(self, side: str, price: str, volume: str, **more: str) -> httpx.Response:
        """Place a limit order on KRW-BTC."""
        order = {"market": "KRW-BTC", "side": side, "volume": volume, "price": price}
        return self.post("/orders", **order, ord_type="limit", **more)

    def order(self, identifier: str) -> dict[str, Any]:
        """Read an order that has to be there."""
        response = self.get("/order", identifier=identifier)
        assert response.status_code == 200, response.text
        found: dict[str, Any] = response.json()
        return found

    def cancel(self, identifier: str) -> httpx.Response:
        """Ask for a cancel."""
        return self.call("DELETE", "/order", [("identifier", identifier)])
