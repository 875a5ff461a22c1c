"""When a call is one too many, and which calls a fault meets."""

from typing import Any

import pytest
from pydantic import ValidationError

from tests.support.exchange.config import LimitConfig
from tests.support.exchange.faults import Fault, FaultKind, Faults
from tests.support.exchange.limits import Limits
from tests.support.exchange.orders import Refusal

pytestmark = pytest.mark.unit


def _limits(**more: Any) -> Limits:
    return Limits(LimitConfig(per_second={"order": 2, "default": 3}, **more))


def _status(limits: Limits, now: float, *, whose: str = "main", group: str = "order") -> int:
    try:
        limits.take(group, whose, now)
    except Refusal as refusal:
        return refusal.status
    return 200


def test_what_is_left_counts_down_and_starts_again_each_second() -> None:
    limits = _limits()
    assert [limits.take("order", "main", t) for t in (5.0, 5.9, 6.0)] == [1, 0, 1]


def test_less_than_one_a_second() -> None:
    limits = Limits(LimitConfig(per_second={"order-cancel-all": 0.5}))
    statuses = [_status(limits, t, group="order-cancel-all") for t in (4, 5.9, 6, 7, 8)]
    assert statuses == [200, 429, 200, 429, 200]


def test_groups_and_callers_have_their_own_limits() -> None:
    limits = _limits()
    assert [_status(limits, 5) for _ in range(3)] == [200, 200, 429]
    assert _status(limits, 5, group="default") == 200
    assert _status(limits, 5, whose="other") == 200


def test_going_on_ends_in_bans_that_double() -> None:
    limits = _limits(patience=2, ban_seconds=4)
    assert [_status(limits, 5) for _ in range(5)] == [200, 200, 429, 429, 418]
    assert [_status(limits, t, group="default") for t in (8.9, 9)] == [418, 200]
    assert [_status(limits, 20) for _ in range(5)] == [200, 200, 429, 429, 418]
    assert [_status(limits, t) for t in (27.9, 28)] == [418, 200]


def test_a_good_call_in_between_is_forgiven() -> None:
    limits = _limits(patience=2)
    for second in range(10):
        assert [_status(limits, second) for _ in range(4)] == [200, 200, 429, 429]


def test_without_limits_only_bans_count() -> None:
    limits = _limits(enabled=False)
    assert {_status(limits, 5) for _ in range(100)} == {200}
    limits.ban("main", 5, 1)
    assert [_status(limits, 5.5), _status(limits, 6)] == [418, 200]


def _struck(faults: Faults, method: str, path: str) -> list[FaultKind]:
    return list(faults.strike(method, path))


def test_a_fault_meets_its_method_and_path() -> None:
    faults = Faults()
    faults.add(Fault(kind=FaultKind.LOSE_AFTER, method="POST", path="/v1/orders", count=None))
    assert _struck(faults, "GET", "/v1/orders/open") == []
    assert _struck(faults, "POST", "/v1/order") == []
    assert _struck(faults, "POST", "/v1/orders") == [FaultKind.LOSE_AFTER]
    assert _struck(faults, "POST", "/v1/orders/test") == [FaultKind.LOSE_AFTER]
    faults.clear()
    faults.add(Fault(kind=FaultKind.CUT, path="/v1/orders", exact_path=True))
    assert _struck(faults, "POST", "/v1/orders/test") == []
    assert _struck(faults, "POST", "/v1/orders") == [FaultKind.CUT]


def test_a_fault_waits_and_is_spent() -> None:
    faults = Faults()
    faults.add(Fault(kind=FaultKind.REFUSE, after=2, count=2))
    struck = [len(faults.strike("GET", "/v1/order")) for _ in range(6)]
    assert struck == [0, 0, 1, 1, 0, 0]
    assert faults.fired == {FaultKind.REFUSE: 2}


def test_chance_has_a_seed() -> None:
    def run(seed: int) -> list[int]:
        faults = Faults()
        faults.add(Fault(kind=FaultKind.REFUSE, probability=0.3, seed=seed, count=None))
        return [len(faults.strike("GET", "/v1/order")) for _ in range(200)]

    assert run(1) == run(1) != run(2)
    assert 30 < sum(run(1)) < 90


def test_faults_of_two_kinds_strike_together() -> None:
    faults = Faults()
    faults.add(Fault(kind=FaultKind.DELAY_BEFORE, seconds=0.1))
    faults.add(Fault(kind=FaultKind.LOSE_AFTER))
    faults.add(Fault(kind=FaultKind.LOSE_AFTER))
    assert len(faults.strike("POST", "/v1/orders")) == 2
    assert _struck(faults, "POST", "/v1/orders") == [FaultKind.LOSE_AFTER]


def test_a_fault_that_nobody_knows_is_refused() -> None:
    with pytest.raises(ValidationError):
        Fault.model_validate({"kind": "lose_after", "colour": "red"})
