"""Central's API over HTTP."""

from datetime import datetime
from pathlib import Path

import httpx
from pydantic import ValidationError

from dantaro_crds.errors import AuthenticationError, TransientError
from dantaro_crds.values import Interval, utc_text
from dantaro_crds.wire.bundle import Bundle
from dantaro_crds.wire.problem import Problem
from dantaro_runtime.errors import SymbolUnknownError

__all__ = ["HttpCentral"]


class HttpCentral:
    """Pulls bundles; remembers the last answer's ETag, so that nothing new costs nothing.

    Args:
        client: HTTP client with a timeout; closed by whoever made it.
        url: Root of the API.
        key_file: File with the bearer key; read anew when the key is refused.
    """

    def __init__(self, client: httpx.AsyncClient, *, url: str, key_file: Path) -> None:
        self._client = client
        self._url = url
        self._key_file = key_file
        self._key: str | None = None
        self._etag: tuple[str, str] | None = None

    def move(self, *, url: str, key_file: Path) -> None:
        """Use another address from now on."""
        if (url, key_file) != (self._url, self._key_file):
            self._url, self._key_file = url, key_file
            self._key = self._etag = None

    async def fetch_bundle(
        self, symbol: str, interval: Interval, *, since: datetime | None
    ) -> Bundle | None:
        """Return the page after a candle's open; None when nothing changed since the last call."""
        query = {"symbol": symbol, "interval": interval.value}
        if since is not None:
            query["since"] = utc_text(since)
        asked = repr(sorted(query.items()))
        # Unpacking a page takes a bot longer than the nearby network saves.
        headers = {"Authorization": f"Bearer {self._read_key()}", "Accept-Encoding": "identity"}
        if self._etag is not None and self._etag[0] == asked:
            headers["If-None-Match"] = self._etag[1]
        try:
            answer = await self._client.get(
                f"{self._url}/api/v1/bundle", params=query, headers=headers
            )
        except httpx.HTTPError as error:
            raise TransientError(f"central at {self._url} does not answer: {error!r}") from error
        if answer.status_code == httpx.codes.NOT_MODIFIED:
            return None
        if answer.status_code != httpx.codes.OK:
            raise self._refusal(answer)
        self._etag = (asked, answer.headers["etag"]) if "etag" in answer.headers else None
        try:
            return Bundle.model_validate_json(answer.content)
        except ValidationError as error:
            first = error.errors()[0]
            raise TransientError(
                f"central's answer is not a bundle: {first['loc']}: {first['msg']}"
            ) from error

    def _read_key(self) -> str:
        if self._key is None:
            try:
                self._key = self._key_file.read_text().strip()
            except OSError as error:
                raise AuthenticationError(
                    f"the key for central cannot be read: {error.strerror} ({self._key_file.name})"
                ) from error
        return self._key

    def _refusal(self, answer: httpx.Response) -> Exception:
        try:
            problem = Problem.model_validate_json(answer.content)
            code, detail = problem.code, problem.detail
        except ValidationError:
            code, detail = "", f"central answered {answer.status_code}"
        if answer.status_code in {401, 403}:
            self._key = None
            return AuthenticationError(detail)
        if code == "SymbolUnknown":
            return SymbolUnknownError(detail, code=code)
        return TransientError(detail)
