"""Every error of a database becomes a reason and a sentence that says what to do."""

import psycopg
import pytest
from psycopg import errors
from sqlalchemy.exc import OperationalError

from dantaro_runtime.adapters.store.database import to_store_url
from dantaro_runtime.adapters.store.problems import store_error
from dantaro_runtime.errors import StoreError

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("cause", "code", "advice"),
    [
        (errors.DiskFull("no room"), "StoreFull", "make room on the server's volume"),
        (errors.ReadOnlySqlTransaction("standby"), "StoreReadOnly", "name the primary"),
        (errors.LockNotAvailable("held"), "StoreLocked", "end the session"),
        (errors.QueryCanceled("too long"), "StoreLocked", "end the session"),
        (errors.DataCorrupted("a page"), "StoreDamaged", "from a backup"),
        (errors.IndexCorrupted("an index"), "StoreDamaged", "from a backup"),
        (errors.InvalidPassword("no"), "StoreRefused", "mend user and password"),
        (errors.InsufficientPrivilege("no"), "StoreRefused", "the right to write"),
        (errors.AdminShutdown("bye"), "StoreUnreachable", "goes on by itself"),
        (errors.ConnectionFailure("gone"), "StoreUnreachable", "goes on by itself"),
        (psycopg.OperationalError("refused"), "StoreUnreachable", "goes on by itself"),
        (errors.UndefinedTable("orders"), "Store", "nothing is traded until it works again"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else "",
)
def test_an_error_of_postgresql_is_told_with_what_to_do(
    cause: psycopg.Error, code: str, advice: str
) -> None:
    error = store_error(OperationalError("", {}, cause), "the store cannot be written")
    assert error.code == code
    assert error.message.startswith(f"the store cannot be written: {cause}: ")
    assert advice in error.message


@pytest.mark.parametrize("url", ["postgresql://h/n", "postgres://h/n", "postgresql+psycopg://h/n"])
def test_postgresql_is_reached_by_the_driver_that_is_there(url: str) -> None:
    assert to_store_url(url).drivername == "postgresql+psycopg"


@pytest.mark.parametrize("url", ["mysql://h/n", "no url", "postgresql+asyncpg://h/n"])
def test_a_url_of_something_else_is_told(url: str) -> None:
    with pytest.raises(StoreError, match="expected sqlite:///FILE or postgresql://") as refused:
        to_store_url(url)
    assert refused.value.code == "StoreUrl"
