"""One exchange for all tests, a fresh one in it for each; one PostgreSQL, with many stores."""

from collections.abc import Iterator

import pytest

from tests.support.exchange.client import ExchangeClient
from tests.support.exchange.process import running_exchange
from tests.support.postgres import MissingToolError, Postgres, running_postgres


@pytest.fixture(scope="session")
def exchange_process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ExchangeClient]:
    with running_exchange(tmp_path_factory.mktemp("exchange")) as client:
        yield client


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    try:
        with running_postgres() as server:
            yield server
    except MissingToolError as error:
        pytest.skip(str(error))
