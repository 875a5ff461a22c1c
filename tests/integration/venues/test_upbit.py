"""What is Upbit's own: how requests are signed, which keys are used, how fast it is asked."""

import asyncio
import random
from decimal import Decimal
from pathlib import Path

import pytest

from dantaro_crds.errors import AuthenticationError, RateLimitedError
from dantaro_crds.kit.clock import SystemClock
from dantaro_runtime.adapters.exchanges.upbit.signing import Algorithm
from dantaro_runtime.adapters.exchanges.upbit.venue import open_upbit
from tests.integration.venues.orders import make_order
from tests.support.exchange.client import ExchangeClient
from tests.support.exchange.config import KeyConfig
from tests.support.exchange.faults import FaultKind
from tests.support.key_files import write_keys

pytestmark = pytest.mark.integration


@pytest.mark.parametrize("algorithm", list(Algorithm), ids=str)
async def test_either_algorithm_is_taken(
    exchange: ExchangeClient, keys: Path, algorithm: Algorithm
) -> None:
    async with open_upbit(
        "KRW-BTC",
        key_folder=keys,
        clock=SystemClock(),
        rng=random.Random(1),
        base_url=exchange.url,
        algorithm=algorithm,
    ) as venue:
        order = make_order()
        await venue.place(order)
        assert len(await venue.fetch_open_orders()) == 1
        await venue.cancel(order.client_id)


async def test_new_keys_are_used_without_a_restart(exchange: ExchangeClient, keys: Path) -> None:
    exchange.add_key("main", KeyConfig(access="next-access", secret="next-secret"))
    async with open_upbit(
        "KRW-BTC",
        key_folder=keys,
        clock=SystemClock(),
        rng=random.Random(1),
        base_url=exchange.root,
    ) as venue:
        await venue.fetch_account()
        exchange.change_key("test-access", state="expired")
        with pytest.raises(AuthenticationError, match="has expired"):
            await venue.fetch_account()
        write_keys(keys, access="next-access", secret="next-secret")
        assert (await venue.fetch_account()).quote == 10_000_000


async def test_many_calls_at_once_stay_below_upbits_limits(
    exchange: ExchangeClient, keys: Path
) -> None:
    async with (
        open_upbit(
            "KRW-BTC",
            key_folder=keys,
            clock=SystemClock(),
            rng=random.Random(1),
            base_url=exchange.root,
        ) as venue,
        asyncio.TaskGroup() as group,
    ):
        for _ in range(18):
            group.create_task(venue.place(make_order(volume="0.0001")))
        for _ in range(12):
            group.create_task(venue.fetch_price())
        for _ in range(40):
            group.create_task(venue.fetch_account())
    truth = exchange.truth()
    assert truth.refused == []
    assert len(truth.pockets["main"].orders) == 18


async def test_a_ban_is_kept_over_a_restart(exchange: ExchangeClient, keys: Path) -> None:
    clock = SystemClock()
    exchange.add_fault(FaultKind.BANNED, path="/v1/accounts", seconds=2)
    async with open_upbit(
        "KRW-BTC", key_folder=keys, clock=clock, rng=random.Random(1), base_url=exchange.root
    ) as venue:
        with pytest.raises(RateLimitedError):
            await venue.fetch_account()
        banned_until = venue.banned_until
    assert banned_until is not None
    asked = sum(exchange.truth().calls.values())
    async with open_upbit(
        "KRW-BTC",
        key_folder=keys,
        clock=clock,
        rng=random.Random(1),
        base_url=exchange.root,
        banned_until=banned_until,
        orders_per_second=Decimal(1),
    ) as venue:
        with pytest.raises(RateLimitedError) as caught:
            await venue.place(make_order())
    assert caught.value.code == "Banned"
    assert sum(exchange.truth().calls.values()) == asked
