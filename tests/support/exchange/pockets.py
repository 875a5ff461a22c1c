"""Pockets: balances and the orders that belong to them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import ROUND_HALF_EVEN, Context, Decimal

from tests.support.exchange.orders import Order, Refusal, Side

__all__ = ["Balance", "Pocket"]

_ZERO = Decimal(0)
_AVERAGE = Context(prec=40, rounding=ROUND_HALF_EVEN)


@dataclass(kw_only=True, slots=True)
class Balance:
    """One currency of a pocket; the total is `free + locked`."""

    free: Decimal = _ZERO
    locked: Decimal = _ZERO
    average: Decimal = _ZERO
    """Average buying price, 8 decimals; the venue's figure for people, not exact."""

    @property
    def total(self) -> Decimal:
        """Free and locked."""
        return self.free + self.locked

    def add_bought(self, volume: Decimal, funds: Decimal) -> None:
        """Take in coins that were bought."""
        total = _AVERAGE.add(self.total, volume)
        cost = _AVERAGE.add(_AVERAGE.multiply(self.average, self.total), funds)
        self.average = _AVERAGE.divide(cost, total).quantize(Decimal("1E-8"), context=_AVERAGE)
        self.free += volume


@dataclass(kw_only=True, slots=True)
class Pocket:
    """A sub-account.

    Attributes:
        deposits: Everything that came in from outside, by currency; what went out counts negative.
        burned: Every identifier that was ever used, also by orders that were refused.
        by_uuid: All orders, oldest first.
        open: Those that wait, oldest first.
        posts: How often a POST with an identifier came in, whatever became of it.
    """

    name: str
    balances: dict[str, Balance] = field(default_factory=dict)
    deposits: dict[str, Decimal] = field(default_factory=dict)
    burned: set[str] = field(default_factory=set)
    by_uuid: dict[str, Order] = field(default_factory=dict)
    by_identifier: dict[str, Order] = field(default_factory=dict)
    open: dict[str, Order] = field(default_factory=dict)
    posts: dict[str, int] = field(default_factory=dict)

    @classmethod
    def with_balances(cls, name: str, balances: Mapping[str, Decimal]) -> "Pocket":
        """Return a pocket that was funded."""
        pocket = cls(name=name)
        for currency, amount in balances.items():
            pocket.deposit(currency, amount)
        return pocket

    def balance(self, currency: str) -> Balance:
        """Return a balance, made at first use."""
        return self.balances.setdefault(currency, Balance())

    def deposit(self, currency: str, amount: Decimal) -> None:
        """Bring money in from outside; below 0 takes it out."""
        balance = self.balance(currency)
        if balance.free + amount < 0:
            raise Refusal(400, "insufficient_funds", f"{currency}: free {balance.free}")
        balance.free += amount
        self.deposits[currency] = self.deposits.get(currency, _ZERO) + amount

    def lock(self, currency: str, amount: Decimal, *, side: Side) -> None:
        """Move money from free to locked, or refuse."""
        balance = self.balance(currency)
        if amount > balance.free:
            raise Refusal(
                400,
                f"insufficient_funds_{side}",
                f"needed {amount} {currency}, free {balance.free}",
            )
        balance.free -= amount
        balance.locked += amount

    def find(self, *, uuid: str | None, identifier: str | None) -> Order:
        """Return an order; uuid wins."""
        order = None
        if uuid is not None:
            order = self.by_uuid.get(uuid)
        elif identifier is not None:
            order = self.by_identifier.get(identifier)
        if order is None:
            raise Refusal(404, "order_not_found", "the order was not found")
        return order
