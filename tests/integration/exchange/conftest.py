"""One exchange process for all tests here; each begins with a fresh exchange in it."""

from collections.abc import Iterator

import pytest

from tests.support.exchange.client import ExchangeClient
from tests.support.exchange.config import ExchangeConfig, LimitConfig
from tests.support.exchange.process import running_exchange
from tests.support.exchange.trader import Trader


@pytest.fixture(scope="session")
def exchange_process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ExchangeClient]:
    with running_exchange(tmp_path_factory.mktemp("exchange")) as client:
        yield client


@pytest.fixture
def exchange(exchange_process: ExchangeClient) -> ExchangeClient:
    exchange_process.restart(ExchangeConfig(limits=LimitConfig(enabled=False)))
    return exchange_process


@pytest.fixture
def me(exchange: ExchangeClient) -> Iterator[Trader]:
    with Trader(exchange.url) as trader:
        yield trader
