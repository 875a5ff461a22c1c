"""Only those with a key may read."""

from collections.abc import Callable

import pytest

from dantaro_central.ports import KeyRecord
from dantaro_central.services.keys import KEY_FILE_NAME, SCOPES, KeyAdmin, KeyService, hash_of
from dantaro_crds.errors import (
    AuthenticationError,
    ConflictError,
    DantaroError,
    NotFoundError,
    SpecError,
    TransientError,
)
from tests.support.candles import START
from tests.support.clock import StepClock

pytestmark = pytest.mark.unit


class FakeKeyStore:
    """Keeps keys in memory; counts how often they are read."""

    def __init__(self) -> None:
        self.records: dict[str, KeyRecord] = {}
        self.is_down = False
        self.reads = 0

    def load_keys(self) -> list[KeyRecord]:
        self.reads += 1
        if self.is_down:
            raise TransientError("the database does not answer")
        return list(self.records.values())

    def save_key(self, record: KeyRecord, *, replaces: bool) -> bool:
        if (record.name in self.records) != replaces:
            return False
        self.records[record.name] = record
        return True


def make_service(*keys: str, own: str | None = None) -> tuple[KeyService, FakeKeyStore, StepClock]:
    """Return a service with stored keys, each named like itself."""
    store, clock = FakeKeyStore(), StepClock(START)
    for key in keys:
        store.save_key(KeyRecord(name=key, sha256=hash_of(key)), replaces=False)
    return KeyService(store, clock, own_hash=hash_of(own) if own else None), store, clock


def make_admin() -> tuple[KeyAdmin, KeyService, StepClock]:
    """Return who makes keys, and a service that checks them."""
    service, store, clock = make_service()
    return KeyAdmin(store, clock), service, clock


@pytest.mark.parametrize(
    ("header", "want_unlimited"),
    [
        pytest.param(b"Bearer right", False, id="stored"),
        pytest.param(b"bearer right", False, id="scheme-in-any-case"),
        pytest.param(b"Bearer mine", True, id="of-the-key-file"),
    ],
)
async def test_a_known_key_is_accepted(header: bytes, want_unlimited: bool) -> None:
    service, _, _ = make_service("right", "other", own="mine")
    assert (await service.check(header)).unlimited == want_unlimited


@pytest.mark.parametrize(
    ("header", "want_code"),
    [
        pytest.param(b"", "Unauthenticated", id="no-header"),
        pytest.param(b"Bearer", "Unauthenticated", id="no-key"),
        pytest.param(b"Bearer  ", "Unauthenticated", id="empty-key"),
        pytest.param(b"Basic right", "Unauthenticated", id="another-scheme"),
        pytest.param(b"Bearer wrong", "KeyUnknown", id="wrong"),
        pytest.param(b"Bearer \xff\xfe", "KeyUnknown", id="not-text"),
        pytest.param(f"Bearer {hash_of('right')}".encode(), "KeyUnknown", id="the-hash-is-no-key"),
    ],
)
async def test_anything_else_is_refused(header: bytes, want_code: str) -> None:
    service, _, _ = make_service("right")
    with pytest.raises(AuthenticationError) as caught:
        await service.check(header)
    assert caught.value.code == want_code


async def test_a_new_key_counts_within_a_second() -> None:
    service, store, clock = make_service("right")
    await service.check(b"Bearer right")
    store.save_key(KeyRecord(name="new", sha256=hash_of("new")), replaces=False)
    clock.seconds += 1.1
    await service.check(b"Bearer new")


async def test_guessing_reads_the_store_once_a_second_at_most() -> None:
    service, store, clock = make_service("right")
    for guess in range(100):
        clock.seconds += 0.05
        with pytest.raises(AuthenticationError):
            await service.check(b"Bearer %d" % guess)
    assert store.reads <= 6


async def test_while_the_store_is_gone_known_keys_count() -> None:
    service, store, clock = make_service("right")
    await service.refresh()
    store.is_down = True
    clock.seconds += 100
    with pytest.raises(TransientError):
        await service.refresh()
    await service.check(b"Bearer right")
    with pytest.raises(AuthenticationError):
        await service.check(b"Bearer wrong")


async def test_a_made_key_works_until_it_is_revoked() -> None:
    admin, service, clock = make_admin()
    key = admin.create("bots", scopes=SCOPES, unlimited=False)
    header = f"Bearer {key}".encode()
    assert len(key) >= 43
    assert (await service.check(header)).unlimited is False
    admin.revoke("bots")
    admin.revoke("bots")
    await service.refresh()
    with pytest.raises(AuthenticationError) as caught:
        await service.check(header)
    assert caught.value.code == "KeyRevoked"
    (kept,) = admin.records()
    assert (kept.name, kept.sha256, kept.revoked) == ("bots", hash_of(key), "2025-09-01T00:00:00Z")
    assert clock.now() == START


async def test_a_rotated_key_stands_in_place_of_the_old_one() -> None:
    admin, service, _ = make_admin()
    old = admin.create("bots", scopes=SCOPES, unlimited=True)
    new = admin.rotate("bots")
    await service.refresh()
    assert (await service.check(f"Bearer {new}".encode())).unlimited is True
    with pytest.raises(AuthenticationError):
        await service.check(f"Bearer {old}".encode())


async def test_a_key_without_the_scope_reads_nothing() -> None:
    service, store, _ = make_service()
    store.save_key(KeyRecord(name="k", sha256=hash_of("k"), scopes=("other",)), replaces=False)
    with pytest.raises(AuthenticationError):
        await service.check(b"Bearer k")


@pytest.mark.parametrize(
    ("act", "want_error", "want_text"),
    [
        pytest.param(
            lambda admin: admin.create("bots", scopes=SCOPES, unlimited=False),
            ConflictError, "a key bots exists", id="made-twice",
        ),
        pytest.param(
            lambda admin: admin.create("a b", scopes=SCOPES, unlimited=False),
            SpecError, "found 'a b'", id="name-with-a-space",
        ),
        pytest.param(
            lambda admin: admin.create(KEY_FILE_NAME, scopes=SCOPES, unlimited=False),
            SpecError, "not key-file", id="name-of-the-key-file",
        ),
        pytest.param(
            lambda admin: admin.create("x", scopes=["write"], unlimited=False),
            SpecError, "expected read, found write", id="unknown-scope",
        ),
        pytest.param(
            lambda admin: admin.revoke("no"), NotFoundError, "(bots), found no", id="revoke-unknown"
        ),
        pytest.param(
            lambda admin: admin.rotate("no"), NotFoundError, "(bots), found no", id="rotate-unknown"
        ),
    ],
)  # fmt: skip
def test_a_wrong_name_says_what_is_there(
    act: Callable[[KeyAdmin], object], want_error: type[DantaroError], want_text: str
) -> None:
    admin, _, _ = make_admin()
    admin.create("bots", scopes=SCOPES, unlimited=False)
    with pytest.raises(want_error) as caught:
        act(admin)
    assert want_text in caught.value.message
