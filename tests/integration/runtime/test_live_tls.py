"""A live bot whose exchange is reached by TLS, through lost answers and kills."""

import random
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.integration.runtime.conftest import MakeLiveRig
from tests.support.doomed_day import doomed_day
from tests.support.eventually import eventually
from tests.support.exchange.client import ExchangeClient
from tests.support.live_rig import GRID, LiveRig, assert_true, wave
from tests.support.tls_front import Cut, TlsFront, secured

pytestmark = pytest.mark.integration

WORDS = (b"POST /v1/orders", b"DELETE /v1/order", b"GET /v1/order?", b"GET /v1/accounts")
LIVES = 4


@pytest_asyncio.fixture
async def front(
    exchange: ExchangeClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[TlsFront]:
    with secured(exchange, tmp_path) as front:
        monkeypatch.setattr(exchange, "root", front.url)
        yield front


def cut_soon(front: TlsFront, rng: random.Random) -> None:
    front.cut(rng.choice(WORDS), rng.choice(list(Cut)), after=rng.randrange(2))


@pytest.mark.parametrize("seed", range(2))
async def test_connections_that_end_anywhere_lose_and_double_nothing(
    front: TlsFront, make_live_rig: MakeLiveRig, seed: int
) -> None:
    rng = random.Random(seed)
    rig: LiveRig = await make_live_rig()

    def rearm() -> None:
        rig.die_soon(rng)

    for price in wave(seed, 25):
        cut_soon(front, rng)
        if rng.random() < 0.3:
            rig.die_soon(rng)
        if rng.random() < 0.2:
            front.hang_up()
        await rig.walk([price], rearm=rearm)
    front.cut(b"", Cut.BEFORE)
    await rig.start()
    await rig.settle(20)

    assert_true(rig)
    posts = rig.exchange.pocket().posts
    assert set(posts.values()) == {1}
    assert len(posts) > 8
    assert front.cuts > 3
    assert rig.deaths > 2


def test_the_process_itself_is_killed_and_cut_and_its_books_stay_the_exchanges(
    tmp_path: Path,
) -> None:
    rng = random.Random(7)
    with (
        doomed_day(tmp_path, seed=3, strategies={"grid": GRID}) as day,
        secured(day.exchange, tmp_path) as front,
    ):
        bot = day.bots["grid"]
        venue = bot.config.model_dump(by_alias=True, mode="json")["venue"]
        bot.write(venue=venue | {"baseUrl": front.url})
        for _ in range(LIVES):
            before = front.handshakes
            with bot.running() as run:
                eventually(lambda: front.handshakes > before)  # noqa: B023  # called in this round
                cut_soon(front, rng)
                time.sleep(rng.uniform(0.1, 1.5))
                run.kill()
        front.cut(b"", Cut.BEFORE)
        with bot.running():
            day.freeze()
            bot.wait_until_true()
        posts = bot.truth().posts
    assert set(posts.values()) == {1}
    assert len(posts) > 8
