"""Upbit as a `Venue`: one account on one market."""

import contextlib
import random
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any

import httpx

from dantaro_crds.errors import (
    NotFoundError,
    OutcomeUnknownError,
    TransientError,
    VenueRefusedError,
)
from dantaro_crds.kit.clock import Clock
from dantaro_crds.values import decimal_text
from dantaro_crds.venues import rules_for
from dantaro_runtime.adapters.exchanges.calls import TIMEOUT
from dantaro_runtime.adapters.exchanges.keys import KeyFolder
from dantaro_runtime.adapters.exchanges.limits import Group, Limits, Priority
from dantaro_runtime.adapters.exchanges.upbit.client import Call, UpbitClient
from dantaro_runtime.adapters.exchanges.upbit.messages import (
    to_account,
    to_book,
    to_market,
    to_order,
    to_orders,
    to_price,
    with_event,
)
from dantaro_runtime.adapters.exchanges.upbit.signing import Algorithm
from dantaro_runtime.adapters.transport import LeanTransport
from dantaro_runtime.core.orders import Order, Side
from dantaro_runtime.core.venue import (
    VenueAccount,
    VenueBook,
    VenueMarket,
    VenueOrder,
    VenuePrice,
)
from dantaro_runtime.ports import REFUSAL_UNKNOWN

__all__ = ["UPBIT_URL", "UpbitVenue", "open_upbit"]

UPBIT_URL = "https://api.upbit.com"
"""Korea, the only region with KRW markets."""

_PAGE = 100
"""Most orders that Upbit lists at once."""


class UpbitVenue:
    """Upbit's answers to the questions of the `Venue` port.

    Args:
        client: The account's.
        symbol: The market, such as `KRW-BTC`.
        clock: Wall time of a price.
    """

    def __init__(self, client: UpbitClient, *, symbol: str, clock: Clock) -> None:
        self._client = client
        self._symbol = symbol
        self._clock = clock

    def on(self, symbol: str) -> "UpbitVenue":
        """Return another market of the same account, under the same limits."""
        return UpbitVenue(self._client, symbol=symbol, clock=self._clock)

    @property
    def banned_until(self) -> datetime | None:
        """End of the last ban that Upbit told of; store it, so that a restart keeps to it."""
        return self._client.limits.banned_until

    def narrow_orders(self, orders_per_second: Decimal | None) -> None:
        """Set this bot's part of the account's order rate; None is all of it."""
        self._client.limits.narrow(orders_per_second)

    async def fetch_market(self) -> VenueMarket:
        """Return fee, smallest order, state and warnings; four calls."""
        price = await self.fetch_price()
        instruments = await self._client.read(
            Call(
                path="/v1/orderbook/instruments",
                pairs=[("markets", self._symbol)],
                group=Group.ORDERBOOK,
                is_signed=False,
            ),
            lambda body: body,
        )
        market = await self._client.read(
            Call(path="/v1/orders/chance", pairs=[("market", self._symbol)]),
            lambda body: to_market(
                self._symbol, chance=body, instruments=instruments, last=price.last
            ),
        )
        # The longest answer by far, so it comes last: most troubles end before it.
        return await self._client.read(
            Call(
                path="/v1/market/all",
                pairs=[("is_details", "true")],
                group=Group.MARKET,
                is_signed=False,
            ),
            lambda body: with_event(market, body, self._symbol),
        )

    async def fetch_price(self) -> VenuePrice:
        """Return the last price."""
        return await self._client.read(
            Call(
                path="/v1/ticker",
                pairs=[("markets", self._symbol)],
                group=Group.TICKER,
                is_signed=False,
            ),
            lambda body: to_price(body, self._symbol, read=self._clock.now()),
        )

    async def fetch_book(self) -> VenueBook:
        """Return the best prices of the order book."""
        return await self._client.read(
            Call(
                path="/v1/orderbook",
                pairs=[("markets", self._symbol), ("count", "1")],
                group=Group.ORDERBOOK,
                is_signed=False,
            ),
            lambda body: to_book(body, self._symbol),
        )

    async def fetch_account(self) -> VenueAccount:
        """Return what the account holds of the market's two currencies."""
        return await self._client.read(
            Call(path="/v1/accounts"), lambda body: to_account(body, self._symbol)
        )

    async def fetch_open_orders(self) -> tuple[VenueOrder, ...]:
        """Return the resting orders, oldest first, each once.

        Upbit numbers pages, so that an order may slip to a page that was read already when another
        one ends meanwhile: that an order is not listed is no proof that it has ended.
        """
        found: dict[str, VenueOrder] = {}
        page, count = 1, _PAGE
        while count == _PAGE:
            rows = await self._client.read(self._open_page(page), self._to_orders)
            fresh = {order.venue_id: order for order in rows if order.venue_id not in found}
            found |= fresh
            page, count = page + 1, len(rows) if fresh else 0
        return tuple(found.values())

    async def fetch_order(self, client_id: str) -> VenueOrder | None:
        """Return an order with its executions; None when Upbit has none of that identifier."""
        try:
            return await self._client.read(
                Call(path="/v1/order", pairs=[("identifier", client_id)]),
                partial(self._to_own, client_id=client_id),
            )
        except NotFoundError:
            return None

    async def test_order(self, price: Decimal) -> None:
        """Have a buy of twice the smallest order checked; Upbit places nothing."""
        rules = rules_for("upbit", self._symbol)
        step = rules.ticks.floor(price)
        call = Call(
            method="POST",
            path="/v1/orders/test",
            pairs=[
                ("market", self._symbol),
                ("side", "bid"),
                ("volume", decimal_text(rules.floor_volume(2 * rules.min_total / step))),
                ("price", decimal_text(step)),
                ("ord_type", "limit"),
            ],
            group=Group.ORDER_TEST,
        )
        try:
            await self._client.write(call, lambda _: None)
        except VenueRefusedError:
            return  # whoever looked at what it asks has taken the keys
        except OutcomeUnknownError as error:
            if error.code != REFUSAL_UNKNOWN:
                raise TransientError(error.message) from error

    async def place(self, order: Order) -> VenueOrder:
        """Send a limit order or a market sell, once.

        Raises:
            VenueRefusedError: It was refused and does not exist; or it is a market buy, which
                Upbit takes by total only.
            OutcomeUnknownError: It may exist.
        """
        if order.price is None and order.side is Side.BUY:
            raise VenueRefusedError(
                "Upbit takes a market buy by its total, not by its volume: use a limit",
                code="MarketBuyByVolume",
            )
        call = Call(
            method="POST",
            path="/v1/orders",
            pairs=_order_pairs(order, self._symbol),
            group=Group.ORDER,
            priority=Priority.ENTRY if order.entry else Priority.EXIT,
        )
        try:
            placed = await self._client.write(
                call, partial(self._to_own, client_id=order.client_id)
            )
        except NotFoundError as error:
            raise OutcomeUnknownError(error.message) from error
        return replace(placed, trades=None)

    async def cancel(self, client_id: str) -> None:
        """Ask for a cancel; Upbit may carry it out later, or find the order filled.

        Raises:
            OutcomeUnknownError: The request may have arrived.
        """
        call = Call(
            method="DELETE",
            path="/v1/order",
            pairs=[("identifier", client_id)],
            priority=Priority.CANCEL,
        )
        try:
            await self._client.write(call, lambda _: None)
        except NotFoundError:
            return
        except VenueRefusedError as error:
            raise OutcomeUnknownError(error.message) from error

    def _open_page(self, page: int) -> Call:
        return Call(
            path="/v1/orders/open",
            pairs=[
                ("market", self._symbol),
                ("states[]", "wait"),
                ("states[]", "watch"),
                ("page", str(page)),
                ("limit", str(_PAGE)),
                ("order_by", "asc"),
            ],
        )

    def _to_orders(self, body: Any) -> tuple[VenueOrder, ...]:
        return to_orders(body, self._symbol)

    def _to_own(self, body: Any, *, client_id: str) -> VenueOrder:
        order = to_order(body, self._symbol)
        if order.client_id not in {"", client_id}:
            raise TransientError(f"expected order {client_id} of Upbit, found {order.client_id}")
        return replace(order, client_id=client_id)


def _order_pairs(order: Order, symbol: str) -> list[tuple[str, str]]:
    pairs = [("market", symbol), ("side", "bid" if order.side is Side.BUY else "ask")]
    pairs.append(("volume", decimal_text(order.volume)))
    if order.price is not None:
        pairs.append(("price", decimal_text(order.price)))
    pairs.append(("ord_type", "market" if order.price is None else "limit"))
    return [*pairs, ("identifier", order.client_id)]


@contextlib.asynccontextmanager
async def open_upbit(
    symbol: str,
    *,
    key_folder: Path,
    clock: Clock,
    rng: random.Random,
    base_url: str = UPBIT_URL,
    orders_per_second: Decimal | None = None,
    banned_until: datetime | None = None,
    algorithm: Algorithm = Algorithm.HS256,
) -> AsyncIterator[UpbitVenue]:
    """Have a market of Upbit for the length of a block; nothing is sent by opening.

    Args:
        symbol: The market, such as `KRW-BTC`.
        key_folder: Holds the files `access-key` and `secret-key`.
        clock: Wall time and waiting.
        rng: Source of the pauses' jitter.
        base_url: Root of the API, with or without its `/v1`.
        orders_per_second: This bot's part of the account's order rate; None is all of it.
        banned_until: What `UpbitVenue.banned_until` was before a restart.
        algorithm: How to sign.
    """
    limits = Limits(
        clock=clock, rng=rng, orders_per_second=orders_per_second, banned_until=banned_until
    )
    async with httpx.AsyncClient(
        timeout=TIMEOUT, transport=LeanTransport(), trust_env=False
    ) as client:
        yield UpbitVenue(
            UpbitClient(
                client,
                base_url=base_url,
                keys=KeyFolder(key_folder),
                limits=limits,
                clock=clock,
                rng=rng,
                algorithm=algorithm,
            ),
            symbol=symbol,
            clock=clock,
        )
