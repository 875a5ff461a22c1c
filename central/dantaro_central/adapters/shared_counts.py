"""Counts in Redis, so that all processes of the API hold one limit together."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from limits.aio.storage import RedisStorage
from limits.errors import StorageError

from dantaro_crds.errors import SpecError, TransientError

__all__ = ["RedisCounts", "open_redis_counts"]

_PREFIX = "dantaro:limit"

_TIMEOUT_SECONDS = 0.5
"""Of connecting and of an answer."""

_ROUND_SECONDS = 2.0
"""Of all calls of one `add` together."""

_CONNECTIONS = 4


class RedisCounts:
    """Sums by name; each is forgotten when its window is over."""

    def __init__(self, storage: RedisStorage, *, seconds: int) -> None:
        """Choose a server.

        Args:
            storage: The server, with timeouts.
            seconds: Length of a window.
        """
        self._storage = storage
        self._seconds = seconds

    async def add(self, counts: dict[str, int]) -> dict[str, int]:
        """Add to the counts of a window; return the sums of all processes.

        Raises:
            TransientError: The server does not answer; nothing or a part was added.
        """
        if not counts and not await self._storage.check():
            raise TransientError("Redis does not answer")
        waiting = list(counts.items())
        sums: dict[str, int] = {}

        async def work() -> None:
            while waiting:
                name, amount = waiting.pop()
                sums[name] = await self._storage.incr(name, self._seconds, amount)

        try:
            async with asyncio.timeout(_ROUND_SECONDS), asyncio.TaskGroup() as group:
                for _ in range(min(_CONNECTIONS, len(waiting))):
                    group.create_task(work())
        except* (StorageError, TimeoutError, OSError) as errors:
            raise TransientError(
                f"Redis does not answer: {type(errors.exceptions[0]).__name__}"
            ) from errors
        return sums


@asynccontextmanager
async def open_redis_counts(url: str, *, seconds: int) -> AsyncIterator[RedisCounts]:
    """Yield the counts of a server; it need not be there yet.

    Args:
        url: Such as redis://HOST:6379/0.
        seconds: Length of a window.

    Raises:
        SpecError: The URL cannot be read, or the package for Redis is missing.
    """
    try:
        from redis.asyncio import ConnectionPool  # noqa: PLC0415  # an extra
    except ImportError as error:
        raise SpecError(
            "redis URL: the package is missing: install dantaro[redis]", field="redisUrl"
        ) from error
    try:
        pool = ConnectionPool.from_url(
            url, socket_timeout=_TIMEOUT_SECONDS, socket_connect_timeout=_TIMEOUT_SECONDS
        )
    except ValueError as error:
        raise SpecError(
            "redis URL: expected such as redis://HOST:6379/0", field="redisUrl"
        ) from error
    storage = RedisStorage(
        f"async+{url}",
        wrap_exceptions=True,
        implementation="redispy",
        key_prefix=_PREFIX,
        connection_pool=pool,  # type: ignore[arg-type]  # its manual names this option
    )
    try:
        yield RedisCounts(storage, seconds=seconds)
    finally:
        await pool.disconnect()
