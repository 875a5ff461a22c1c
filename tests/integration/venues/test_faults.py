"""What every venue promises the engine when the exchange or the way to it fails.

The exchange's own truth says what happened; what the venue raised must fit it.
"""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from dantaro_crds.errors import (
    AuthenticationError,
    OutcomeUnknownError,
    RateLimitedError,
    TransientError,
)
from dantaro_crds.kit.clock import SystemClock
from dantaro_runtime.core.orders import OrderState
from dantaro_runtime.ports import Venue
from tests.integration.venues.conftest import WITH_TLS
from tests.integration.venues.orders import make_order
from tests.support.exchange.client import ExchangeClient
from tests.support.exchange.config import KeyState, Scope
from tests.support.exchange.faults import FaultKind

pytestmark = pytest.mark.integration

KEY = "test-access"

LOST = [
    pytest.param({"kind": FaultKind.LOSE_BEFORE, "how": "reset"}, False, id="reset-before"),
    pytest.param({"kind": FaultKind.LOSE_BEFORE, "how": "close"}, False, id="closed-before"),
    pytest.param({"kind": FaultKind.LOSE_AFTER, "how": "reset"}, True, id="reset-after"),
    pytest.param({"kind": FaultKind.LOSE_AFTER, "how": "close"}, True, id="closed-after"),
    pytest.param({"kind": FaultKind.ERROR_BEFORE, "status": 502}, False, id="502-before"),
    pytest.param({"kind": FaultKind.ERROR_AFTER, "status": 504}, True, id="504-after"),
    pytest.param({"kind": FaultKind.CUT}, True, id="cut-in-the-body"),
    pytest.param(
        {"kind": FaultKind.REFUSE, "status": 500, "name": "server_error"}, False, id="500"
    ),
    pytest.param(
        {"kind": FaultKind.REFUSE, "status": 400, "name": "a_name_of_tomorrow"},
        False,
        id="new-name",
    ),
]
"""(Fault, whether the write took effect)."""

GARBAGE = pytest.param({"kind": FaultKind.GARBAGE}, True, id="no-json")

Read = Callable[[Venue], Awaitable[Any]]
READS: list[Any] = [
    pytest.param(lambda venue: venue.fetch_market(), "GET", "/v1/orders/chance", id="market"),
    pytest.param(lambda venue: venue.fetch_price(), "GET", "/v1/ticker", id="price"),
    pytest.param(lambda venue: venue.fetch_account(), "GET", "/v1/accounts", id="account"),
    pytest.param(lambda venue: venue.fetch_open_orders(), "GET", "/v1/orders/open", id="open"),
    pytest.param(lambda venue: venue.fetch_order("none"), "GET", "/v1/order", id="order"),
]
WRITES: list[Any] = [
    pytest.param(lambda venue: venue.place(make_order()), "POST", "/v1/orders", id="place"),
    pytest.param(lambda venue: venue.cancel("none"), "DELETE", "/v1/order", id="cancel"),
]


@pytest.mark.parametrize("opener", sorted(WITH_TLS), indirect=True)
@pytest.mark.parametrize(("fault", "happened"), [*LOST, GARBAGE])
async def test_an_order_whose_answer_is_lost_is_unknown_and_sent_once(
    venue: Venue, exchange: ExchangeClient, fault: dict[str, Any], happened: bool
) -> None:
    await venue.fetch_price()  # the connection exists already
    exchange.add_fault(method="POST", path="/v1/orders", **fault)
    order = make_order()
    with pytest.raises(OutcomeUnknownError) as caught:
        await venue.place(order)
    assert caught.value.code != "DuplicateOrder"
    truth = exchange.pocket()
    assert (len(truth.orders), truth.posts) == (int(happened), {order.client_id: 1})
    read = await venue.fetch_order(order.client_id)
    assert (read is not None) is happened


@pytest.mark.parametrize("opener", sorted(WITH_TLS), indirect=True)
@pytest.mark.parametrize(("fault", "happened"), [*LOST, GARBAGE])
async def test_a_cancel_whose_answer_is_lost_is_unknown_and_may_be_repeated(
    venue: Venue, exchange: ExchangeClient, fault: dict[str, Any], happened: bool
) -> None:
    order = make_order()
    await venue.place(order)
    exchange.add_fault(method="DELETE", path="/v1/order", **fault)
    with pytest.raises(OutcomeUnknownError):
        await venue.cancel(order.client_id)
    truth = exchange.truth()
    assert truth.calls["DELETE /v1/order"] == 1
    state = truth.pockets["main"].order(order.client_id)["state"]
    assert state == ("cancel" if happened else "wait")
    await venue.cancel(order.client_id)
    read = await venue.fetch_order(order.client_id)
    assert read is not None
    assert read.state is OrderState.CANCELLED


@pytest.mark.parametrize(("read", "method", "path"), READS)
@pytest.mark.parametrize(("fault", "_happened"), [*LOST, GARBAGE])
async def test_a_read_goes_through_a_fault_that_passes(
    hasty_venue: Venue,
    exchange: ExchangeClient,
    fault: dict[str, Any],
    _happened: bool,
    read: Read,
    method: str,
    path: str,
) -> None:
    exchange.add_fault(method=method, path=path, exact_path=True, **fault)
    await read(hasty_venue)
    assert exchange.truth().faults == {fault["kind"]: 1}


@pytest.mark.parametrize(("read", "method", "path"), READS)
async def test_a_read_gives_up_on_a_fault_that_stays(
    hasty_venue: Venue, exchange: ExchangeClient, read: Read, method: str, path: str
) -> None:
    exchange.add_fault(
        FaultKind.ERROR_BEFORE, method=method, path=path, exact_path=True, count=None, status=503
    )
    with pytest.raises(TransientError):
        await read(hasty_venue)
    assert exchange.truth().calls[f"{method} {path}"] == 4


@pytest.mark.parametrize(("call", "method", "path"), [*READS, *WRITES])
async def test_maintenance_is_told_and_not_asked_twice(
    venue: Venue, exchange: ExchangeClient, call: Read, method: str, path: str
) -> None:
    exchange.add_fault(FaultKind.MAINTENANCE, method=method, path=path, exact_path=True)
    with pytest.raises(TransientError) as caught:
        await call(venue)
    assert caught.value.code == "VenueOffline"
    truth = exchange.truth()
    assert truth.calls[f"{method} {path}"] == 1
    assert truth.pockets["main"].orders == []


async def test_an_order_that_is_rate_limited_was_sent_once_and_names_the_pause(
    venue: Venue, exchange: ExchangeClient
) -> None:
    exchange.add_fault(FaultKind.RATE_LIMITED, method="POST", path="/v1/orders")
    order = make_order()
    with pytest.raises(RateLimitedError) as caught:
        await venue.place(order)
    assert caught.value.retry_after is not None
    assert caught.value.retry_after >= timedelta(seconds=1)
    assert exchange.pocket().posts == {order.client_id: 1}
    assert await venue.fetch_order(order.client_id) is None
    await venue.place(order)


@pytest.mark.parametrize(("read", "method", "path"), READS)
async def test_a_read_that_is_rate_limited_waits_and_asks_again(
    venue: Venue, exchange: ExchangeClient, read: Read, method: str, path: str
) -> None:
    clock = SystemClock()
    exchange.add_fault(FaultKind.RATE_LIMITED, method=method, path=path, exact_path=True)
    start = clock.monotonic()
    await read(venue)
    assert clock.monotonic() - start >= 1.0


async def test_a_ban_silences_every_call_until_it_ends(
    venue: Venue, exchange: ExchangeClient
) -> None:
    exchange.add_fault(FaultKind.BANNED, method="POST", path="/v1/orders", seconds=1)
    with pytest.raises(RateLimitedError) as caught:
        await venue.place(make_order())
    asked = sum(exchange.truth().calls.values())
    for call in (venue.fetch_price, venue.fetch_account, venue.fetch_open_orders):
        with pytest.raises(RateLimitedError):
            await call()
    with pytest.raises(RateLimitedError):
        await venue.cancel("none")
    assert sum(exchange.truth().calls.values()) == asked
    assert caught.value.retry_after is not None
    await SystemClock().sleep(caught.value.retry_after.total_seconds())
    assert (await venue.fetch_account()).quote == 10_000_000


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"state": KeyState.EXPIRED}, id="expired"),
        pytest.param({"state": KeyState.WRONG_IP}, id="address"),
        pytest.param({"secret": "another"}, id="secret"),
        pytest.param({"scopes": []}, id="scope"),
    ],
)
@pytest.mark.parametrize(
    ("call", "method", "path"), [c for c in (*READS, *WRITES) if c.id != "price"]
)
async def test_keys_that_are_refused_are_an_error_at_once(
    venue: Venue,
    exchange: ExchangeClient,
    change: dict[str, Any],
    call: Read,
    method: str,
    path: str,
) -> None:
    exchange.change_key(KEY, **change)
    with pytest.raises(AuthenticationError):
        await call(venue)
    truth = exchange.truth()
    assert truth.calls[f"{method} {path}"] == 1
    assert truth.pockets["main"].orders == []


async def test_a_key_that_may_only_look_cannot_order(
    venue: Venue, exchange: ExchangeClient
) -> None:
    exchange.change_key(KEY, scopes=[Scope.ACCOUNTS, Scope.ORDERS])
    assert (await venue.fetch_account()).quote == 10_000_000
    with pytest.raises(AuthenticationError):
        await venue.place(make_order())


async def test_an_order_that_reads_do_not_show_yet_is_read_as_none(
    venue: Venue, exchange: ExchangeClient
) -> None:
    exchange.add_fault(FaultKind.STALE, method="POST", path="/v1/orders", seconds=1)
    order = make_order()
    placed = await venue.place(order)
    assert await venue.fetch_order(order.client_id) is None
    assert await venue.fetch_open_orders() == ()
    await SystemClock().sleep(1.0)
    read = await venue.fetch_order(order.client_id)
    assert read is not None
    assert read.venue_id == placed.venue_id


async def test_a_cancel_that_takes_effect_late_is_no_error(
    venue: Venue, exchange: ExchangeClient
) -> None:
    order = make_order()
    await venue.place(order)
    exchange.add_fault(FaultKind.CANCEL_LATE, method="DELETE", path="/v1/order", seconds=0.5)
    await venue.cancel(order.client_id)
    states = []
    while OrderState.CANCELLED not in states:
        read = await venue.fetch_order(order.client_id)
        assert read is not None
        states.append(read.state)
        await SystemClock().sleep(0.05)
    assert states[0] is OrderState.OPEN


@pytest.mark.parametrize(
    ("part", "want"),
    [
        pytest.param("1", OrderState.DONE, id="filled-first"),
        pytest.param("0.25", OrderState.CANCELLED, id="filled-in-part-first"),
    ],
)
async def test_a_cancel_that_races_a_fill_loses_no_execution(
    venue: Venue, exchange: ExchangeClient, part: str, want: OrderState
) -> None:
    order = make_order(volume="0.01")
    await venue.place(order)
    exchange.add_fault(FaultKind.CANCEL_FILLS, method="DELETE", path="/v1/order", part=float(part))
    await venue.cancel(order.client_id)
    read = await venue.fetch_order(order.client_id)
    assert read is not None
    assert read.trades is not None
    assert read.state is want
    assert sum(trade.volume for trade in read.trades) == Decimal("0.01") * Decimal(part)
    assert read.filled_volume == Decimal("0.01") * Decimal(part)
