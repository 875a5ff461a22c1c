"""How much an analyst that costs money may be asked in an hour."""

from collections import deque
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from dantaro_crds.values import decimal_text

__all__ = ["HOUR", "Budget", "Payment", "Prices"]

HOUR = timedelta(hours=1)
"""The window of the budget: the last hour, not the hour of the clock."""

_MILLION = Decimal(1_000_000)


@dataclass(frozen=True, slots=True, kw_only=True)
class Prices:
    """What tokens cost.

    Attributes:
        prompt: US dollars for a million tokens that are sent, >= 0.
        answer: US dollars for a million tokens of an answer, >= 0.
    """

    prompt: Decimal
    answer: Decimal

    def cost(self, *, prompt: int, answer: int) -> Decimal:
        """Return what so many tokens cost, US dollars."""
        return (prompt * self.prompt + answer * self.answer) / _MILLION


@dataclass(kw_only=True)
class Payment:
    """One call.

    Attributes:
        time: Wall time of the call.
        cost: US dollars: the most that it can cost, until it is known.
    """

    time: datetime
    cost: Decimal


class Budget:
    """Calls and money of the last hour.

    A call is paid before it is made, with the most that it can cost, and the payment is corrected
    when its cost is known: calls under way at the same time cannot exceed the budget together.
    """

    def __init__(self, *, calls: int, dollars: Decimal) -> None:
        """Choose the budget of an hour.

        Args:
            calls: Most calls, >= 1.
            dollars: Most US dollars, >= 0.
        """
        self._calls = calls
        self._dollars = dollars
        self._payments: deque[Payment] = deque()

    def why_not(self, now: datetime, most: Decimal) -> str:
        """Return why no further call may be made, empty when one may.

        Args:
            now: Wall time.
            most: Most that the call can cost, US dollars.
        """
        while self._payments and self._payments[0].time <= now - HOUR:
            self._payments.popleft()
        made = len(self._payments)
        if made >= self._calls:
            return f"the budget of {self._calls} calls an hour is used up"
        spent = sum((payment.cost for payment in self._payments), Decimal(0))
        if spent + most > self._dollars:
            return (
                f"the budget of {decimal_text(self._dollars)} US dollars an hour is used up: "
                f"{decimal_text(spent)} are spent and a call may cost {decimal_text(most)}"
            )
        return ""

    def pay(self, now: datetime, cost: Decimal) -> Payment:
        """Count a call; `why_not` comes first."""
        payment = Payment(time=now, cost=cost)
        self._payments.append(payment)
        return payment
