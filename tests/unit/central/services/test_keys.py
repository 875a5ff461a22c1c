"""Only those with a key may read."""

from datetime import datetime

import pytest

from dantaro_central.services.keys import KeyService, hash_of
from dantaro_crds.errors import AuthenticationError
from tests.support.candles import START

pytestmark = pytest.mark.unit


class FakeKeyStore:
    """Keeps hashes in memory."""

    def __init__(self) -> None:
        self.hashes: dict[str, str] = {}

    def load_hashes(self) -> list[str]:
        return list(self.hashes.values())

    def save_hash(self, name: str, sha256: str) -> None:
        self.hashes[name] = sha256


class FakeClock:
    """Stepped by hand."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def now(self) -> datetime:
        return START

    def monotonic(self) -> float:
        return self.seconds

    async def sleep(self, seconds: float) -> None:
        self.seconds += seconds


def make_service(*keys: str, own: str | None = None) -> tuple[KeyService, FakeKeyStore, FakeClock]:
    """Return a service with stored keys."""
    store, clock = FakeKeyStore(), FakeClock()
    for key in keys:
        store.save_hash(key, hash_of(key))
    return KeyService(store, clock, own_hash=hash_of(own) if own else None), store, clock


@pytest.mark.parametrize(
    "header",
    [
        pytest.param("Bearer right", id="stored"),
        pytest.param("bearer right", id="scheme-in-any-case"),
        pytest.param("Bearer mine", id="of-the-key-file"),
    ],
)
def test_a_known_key_is_accepted(header: str) -> None:
    service, _, _ = make_service("right", "other", own="mine")
    service.check(header)


@pytest.mark.parametrize(
    ("header", "want_code"),
    [
        pytest.param("", "Unauthenticated", id="no-header"),
        pytest.param("Bearer", "Unauthenticated", id="no-key"),
        pytest.param("Basic right", "Unauthenticated", id="another-scheme"),
        pytest.param("Bearer wrong", "KeyUnknown", id="wrong"),
        pytest.param(f"Bearer {hash_of('right')}", "KeyUnknown", id="the-hash-is-no-key"),
    ],
)
def test_anything_else_is_refused(header: str, want_code: str) -> None:
    service, _, _ = make_service("right")
    with pytest.raises(AuthenticationError) as caught:
        service.check(header)
    assert caught.value.code == want_code


def test_a_new_key_counts_soon() -> None:
    service, store, clock = make_service("right")
    service.check("Bearer right")
    store.save_hash("new", hash_of("new"))
    clock.seconds += 11
    service.check("Bearer new")
