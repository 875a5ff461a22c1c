import random
from datetime import timedelta

import pytest

from dantaro_crds.errors import RateLimitedError, TransientError
from dantaro_crds.kit.backoff import Backoff
from dantaro_operator.adapters.kubernetes.retry import NEVER, UNREACHABLE, RetryPolicy

pytestmark = pytest.mark.unit

POLICY = RetryPolicy(attempts=5, first=1.0, longest=8.0, patience=30.0)


def backoff() -> Backoff:
    return Backoff(first=POLICY.first, longest=POLICY.longest, rng=random.Random(7))


def test_pauses_double_up_to_the_longest_less_a_random_quarter() -> None:
    policy, pauses = RetryPolicy(attempts=9, first=1.0, longest=8.0), backoff()
    error = TransientError("x")
    got = [policy.pause(error, pauses, attempt=n, repeatable=True) for n in range(1, 7)]
    for pause, full in zip(got, (1, 2, 4, 8, 8, 8), strict=True):
        assert pause is not None
        assert 0.75 * full <= pause <= full
    assert len(set(got)) == 6


@pytest.mark.parametrize(
    ("error", "want"),
    [
        pytest.param(TransientError("x"), None, id="may-have-been-done"),
        pytest.param(TransientError("x", code=UNREACHABLE), True, id="was-not-sent"),
        pytest.param(RateLimitedError("x"), True, id="was-turned-away"),
    ],
)
def test_what_cannot_be_repeated_is_tried_again_only_if_it_was_surely_not_done(
    error: TransientError, want: bool | None
) -> None:
    pause = POLICY.pause(error, backoff(), attempt=1, repeatable=False)
    assert (pause is not None) is bool(want)


@pytest.mark.parametrize(
    ("asked", "want"),
    [
        pytest.param(0.1, None, id="less-than-ours"),
        pytest.param(20.0, 20.0, id="more-than-ours"),
        pytest.param(30.0, 30.0, id="just-bearable"),
    ],
)
def test_the_servers_pause_is_a_lower_bound(asked: float, want: float | None) -> None:
    error = RateLimitedError("x", retry_after=timedelta(seconds=asked))
    pause = POLICY.pause(error, backoff(), attempt=1, repeatable=True)
    assert pause is not None
    assert pause == want if want else 0.75 <= pause <= 1


def test_the_last_attempt_and_a_pause_beyond_patience_end_the_call() -> None:
    error = TransientError("x", retry_after=timedelta(seconds=31))
    assert POLICY.pause(error, backoff(), attempt=1, repeatable=True) is None
    assert POLICY.pause(TransientError("x"), backoff(), attempt=5, repeatable=True) is None
    assert NEVER.pause(RateLimitedError("x"), backoff(), attempt=1, repeatable=True) is None
