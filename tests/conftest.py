"""What every test relies on."""

import decimal
import re
from collections.abc import Generator, Iterator
from typing import Any

import pytest
import structlog
from hypothesis import settings

from tests.support.golden import Golden

# As the processes do at their start: sums and products of money are exact.
for _context in (decimal.DefaultContext, decimal.getcontext()):
    _context.prec = 60


# How long an example takes depends on who else uses the machine.
settings.register_profile("dantaro", deadline=None)
settings.load_profile("dantaro")


_KEYS = re.compile(r"secret-of-forty-characters|Bearer ey")
"""In every secret key of the tests, and in every signed call."""


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A test that printed or logged a key has failed, whatever else it found."""
    report = yield
    told = next((title for title, text in report.sections if _KEYS.search(text)), None)
    if report.when == "teardown" and told is not None:
        report.outcome = "failed"
        report.longrepr = f"a key of the exchange stands in the {told.lower()}"
    return report


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--update-data", action="store_true", help="rewrite the golden files below tests/data"
    )


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Golden:
    """Golden files, compared or rewritten."""
    return Golden(update=request.config.getoption("--update-data"))


def _configure_without_cache(**values: Any) -> None:
    """A command that runs inside of a test must not leave its stream to the loggers of others."""
    _configure_logs(**values | {"cache_logger_on_first_use": False})


_configure_logs = structlog.configure
structlog.configure = _configure_without_cache  # type: ignore[assignment]  # same arguments


@pytest.fixture(autouse=True)
def _default_logs() -> Iterator[None]:
    """Every test begins with structlog as it is when nobody configured it."""
    yield
    structlog.reset_defaults()
