"""A bot that trades through ccxt: the ledger equals the exchange's books there too.

The exchange is Upbit's emulator, once as it is, and once as one whose refusal of a used id cannot
be relied on: no id is then sent twice.
"""

import random
from dataclasses import dataclass, field, fields, replace
from typing import Any

import pytest

from dantaro_runtime.adapters.exchanges.ccxt.client import CcxtClient
from dantaro_runtime.adapters.exchanges.ccxt.profiles import PROFILES, Profile
from dantaro_runtime.adapters.exchanges.ccxt.quirks import quirks_of
from dantaro_runtime.adapters.exchanges.ccxt.venue import CcxtVenue
from dantaro_runtime.adapters.exchanges.limits import Limits
from dantaro_runtime.bootstrap import BotParts, build_bot
from tests.integration.runtime.conftest import MakeLiveRig
from tests.support.exchange.faults import FaultKind
from tests.support.live_rig import GRID, STAGED, Analyst, LiveRig, assert_true, wave

pytestmark = pytest.mark.integration

ONCE = PROFILES["upbit"]

PROFILES_TRIED = [
    pytest.param(ONCE, id="takes-ids-once"),
    pytest.param(replace(ONCE, takes_ids_once=False), id="may-take-ids-again"),
]


@dataclass(kw_only=True)
class CcxtRig(LiveRig):
    """A bot whose exchange is opened through ccxt."""

    profile: Profile = field(default=ONCE)

    async def start(self, *, seed: int = 0) -> BotParts:
        await super().start(seed=seed)
        assert self._client is not None
        assert self._database is not None
        rng = random.Random(seed)
        client = CcxtClient(
            self._client,
            exchange_id="upbit",
            profile=self.profile,
            base_url=self.exchange.root,
            key_folder=self.folder / "keys",
            limits=Limits(clock=self.clock, rng=rng),
            clock=self.clock,
            rng=rng,
        )
        venue = CcxtVenue(client, symbol=self.config.symbol, quirks=quirks_of("upbit"))
        self.parts = build_bot(
            self.config,
            self._database,
            central=Analyst(clock=self.clock, support=self.support),
            clock=self.clock,
            venue_on=venue.on,
        )
        return self.parts


async def through_ccxt(rig: LiveRig, profile: Profile) -> CcxtRig:
    public = {f.name: getattr(rig, f.name) for f in fields(rig) if not f.name.startswith("_")}
    await rig.close()
    made = CcxtRig(**public | {"parts": None}, profile=profile)
    await made.start()
    return made


def assert_no_id_was_sent_twice(rig: CcxtRig) -> None:
    posts = rig.exchange.pocket().posts
    assert rig.profile.takes_ids_once or set(posts.values()) <= {1}


@pytest.mark.parametrize("profile", PROFILES_TRIED)
async def test_a_grid_trades_through_ccxt(make_live_rig: MakeLiveRig, profile: Profile) -> None:
    rig = await through_ccxt(await make_live_rig(), profile)
    await rig.walk(wave(1, 40))
    await rig.settle()

    assert_true(rig)
    assert rig.failures == 0
    assert sum(row["state"] == "done" for row in rig.exchange.pocket().orders) > 10
    assert set(rig.exchange.pocket().posts.values()) == {1}
    await rig.close()


@pytest.mark.parametrize("strategy", [GRID, STAGED], ids=["grid", "staged"])
@pytest.mark.parametrize("profile", PROFILES_TRIED)
async def test_kills_and_lost_answers_lose_and_double_no_order(
    make_live_rig: MakeLiveRig, profile: Profile, strategy: dict[str, Any]
) -> None:
    rig = await through_ccxt(await make_live_rig(strategy), profile)
    rng = random.Random(1)

    def rearm() -> None:
        rig.die_soon(rng)

    rearm()
    for kind in (FaultKind.LOSE_AFTER, FaultKind.LOSE_BEFORE, FaultKind.ERROR_AFTER):
        for method in ("POST", "DELETE", "GET"):
            rig.exchange.add_fault(
                kind, method=method, path="/v1/order", count=None, probability=0.06, seed=1
            )
    await rig.walk(wave(1, 40), rearm=rearm)
    rig.exchange.clear_faults()
    await rig.start()
    await rig.settle(12)

    print(f"{rig.deaths} kills, {len(rig.exchange.pocket().trades)} executions")
    assert_true(rig)
    assert_no_id_was_sent_twice(rig)
    assert rig.deaths > 10
    await rig.close()
