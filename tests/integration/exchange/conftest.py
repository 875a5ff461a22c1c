"""A fresh exchange for each test, and a person with a key."""

from collections.abc import Iterator

import pytest

from tests.support.exchange.client import ExchangeClient
from tests.support.exchange.config import ExchangeConfig, LimitConfig
from tests.support.exchange.trader import Trader


@pytest.fixture
def exchange(exchange_process: ExchangeClient) -> ExchangeClient:
    exchange_process.restart(ExchangeConfig(limits=LimitConfig(enabled=False)))
    return exchange_process


@pytest.fixture
def me(exchange: ExchangeClient) -> Iterator[Trader]:
    with Trader(exchange.url) as trader:
        yield trader
