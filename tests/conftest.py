"""What every test relies on."""

import decimal

import pytest

from tests.support.golden import Golden

# As the processes do at their start: sums and products of money are exact.
for _context in (decimal.DefaultContext, decimal.getcontext()):
    _context.prec = 60


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--update-data", action="store_true", help="rewrite the golden files below tests/data"
    )


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Golden:
    """Golden files, compared or rewritten."""
    return Golden(update=request.config.getoption("--update-data"))
