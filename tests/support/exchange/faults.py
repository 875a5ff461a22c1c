"""Faults on command: which requests they meet, and what they do to them. All chance has a seed."""

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from random import Random
from typing import Literal

from pydantic import Field

from tests.support.exchange.config import Strict

__all__ = ["Fault", "FaultKind", "Faults"]


class FaultKind(StrEnum):
    """What goes wrong.

    Before the effect: the venue does nothing. After it: it did all, only the answer fails.
    """

    LOSE_BEFORE = "lose_before"
    LOSE_AFTER = "lose_after"
    CUT = "cut"
    """The effect takes place; the connection breaks in the middle of the body."""
    GARBAGE = "garbage"
    """The effect takes place; the body is no JSON."""
    DELAY_BEFORE = "delay_before"
    DELAY_AFTER = "delay_after"
    REFUSE = "refuse"
    """Answered with `status`, `name` and `message`, no effect."""
    RATE_LIMITED = "rate_limited"
    """429 once."""
    BANNED = "banned"
    """418, and the caller is shut out for `seconds`; 0: as long as the limits say."""
    ERROR_BEFORE = "error_before"
    """A 5xx without effect, its body is a page of a proxy. `error_after`: with effect."""
    ERROR_AFTER = "error_after"
    MAINTENANCE = "maintenance"
    """403 `market_offline`."""
    STALE = "stale"
    """After the matched write, reads show the state before it for `seconds`: all of them, or lists
    only where `lists_only` is set."""
    CANCEL_FILLS = "cancel_fills"
    """The matched cancel comes too late for `part` of what is left: it fills first."""
    CANCEL_LATE = "cancel_late"
    """The matched cancel is accepted and takes effect after `seconds`."""
    SKEW = "skew"
    """`created_at` of the order and the Date header are `seconds` off."""


class Fault(Strict):
    """One fault.

    Attributes:
        method: Empty for all.
        path: Beginning of the path, such as `/v1/orders`.
        exact_path: Whether the whole path has to be `path`.
        after: Matching requests that pass first.
        count: How many it meets; None: all.
        probability: Chance for each that matches.
        seed: Of the chance.
        part: Of what is left of the order, for `cancel_fills`.
        is_accepted: Whether a cancel that `cancel_fills` overtook is answered as if it was in time;
            else with 404 `order_not_found` where nothing was left.
        burns_identifier: Whether `refuse` uses up the identifier of an order.
        lists_only: Whether only lists are `stale`, not the read of the order itself.
        how: How an answer is lost: the connection is reset, closed, or silent for `seconds`.
    """

    kind: FaultKind
    method: str = ""
    path: str = "/v1/"
    exact_path: bool = False
    after: int = Field(default=0, ge=0)
    count: int | None = Field(default=1, ge=1)
    probability: float = Field(default=1, gt=0, le=1)
    seed: int = 0
    seconds: float = 0
    how: Literal["reset", "close", "hang"] = "reset"
    status: int = 500
    name: str = "internal_server_error"
    message: str = "refused on command"
    part: Decimal = Field(default=Decimal(1), gt=0, le=1)
    is_accepted: bool = True
    burns_identifier: bool = False
    lists_only: bool = False

    def meets(self, method: str, path: str) -> bool:
        """Return whether a request is one of those that it is meant for."""
        if self.method and self.method != method:
            return False
        return path == self.path if self.exact_path else path.startswith(self.path)


@dataclass(slots=True)
class _Armed:
    fault: Fault
    random: Random
    passed: int = 0
    fired: int = 0

    def fires(self) -> bool:
        self.passed += 1
        if self.passed <= self.fault.after:
            return False
        if self.fault.probability < 1 and self.random.random() >= self.fault.probability:
            return False
        self.fired += 1
        return True

    @property
    def is_spent(self) -> bool:
        return self.fault.count is not None and self.fired >= self.fault.count


class Faults:
    """The faults that wait for their requests."""

    def __init__(self) -> None:
        self._armed: list[_Armed] = []
        self.fired: dict[str, int] = {}
        """How often each kind struck."""

    def add(self, fault: Fault) -> None:
        """Arm a fault."""
        self._armed.append(_Armed(fault, Random(fault.seed)))

    def clear(self) -> None:
        """Disarm all."""
        self._armed.clear()

    def strike(self, method: str, path: str) -> dict[FaultKind, Fault]:
        """Return what strikes this request; one of each kind at most."""
        struck: dict[FaultKind, Fault] = {}
        for armed in self._armed:
            fault = armed.fault
            if fault.kind not in struck and fault.meets(method, path) and armed.fires():
                struck[fault.kind] = fault
                self.fired[fault.kind] = self.fired.get(fault.kind, 0) + 1
        if struck:
            self._armed = [armed for armed in self._armed if not armed.is_spent]
        return struck
