"""One exchange process for all tests; each begins with a fresh exchange in it."""

from collections.abc import Iterator

import pytest

from tests.support.exchange.client import ExchangeClient
from tests.support.exchange.process import running_exchange


@pytest.fixture(scope="session")
def exchange_process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ExchangeClient]:
    with running_exchange(tmp_path_factory.mktemp("exchange")) as client:
        yield client
