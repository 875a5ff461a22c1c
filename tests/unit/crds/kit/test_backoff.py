"""Growing pauses."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dantaro_crds.kit.backoff import Backoff

pytestmark = pytest.mark.unit


def test_pauses_double_up_to_the_longest() -> None:
    backoff = Backoff(first=1, longest=10, jitter=0)
    assert [backoff.next() for _ in range(6)] == [1, 2, 4, 8, 10, 10]


def test_a_success_starts_over() -> None:
    backoff = Backoff(first=1, longest=10, jitter=0)
    for _ in range(4):
        backoff.next()
    backoff.reset()
    assert (backoff.failures, backoff.next()) == (0, 1)


def test_the_same_seed_gives_the_same_pauses() -> None:
    one, two = (Backoff(first=1, longest=60, rng=random.Random(7)) for _ in range(2))
    assert [one.next() for _ in range(20)] == [two.next() for _ in range(20)]


@given(
    first=st.floats(min_value=0.001, max_value=10),
    longest=st.floats(min_value=10, max_value=1000),
    jitter=st.floats(min_value=0, max_value=1),
    seed=st.integers(),
)
def test_a_pause_is_never_longer_than_allowed_nor_shorter_than_the_jitter_leaves(
    first: float, longest: float, jitter: float, seed: int
) -> None:
    backoff = Backoff(first=first, longest=longest, jitter=jitter, rng=random.Random(seed))
    for count in range(40):
        full = min(first * 2.0**count, longest)
        assert full * (1 - jitter) <= backoff.next() <= full


def test_thousands_of_failures_do_no_harm() -> None:
    backoff = Backoff(first=1, longest=60, jitter=0, failures=100_000)
    assert backoff.next() == 60
