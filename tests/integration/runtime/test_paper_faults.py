"""A paper bot behind a bad connection ends with the paper exchange's books."""

from functools import partial

import pytest

from dantaro_crds.errors import DantaroError
from dantaro_crds.wire.bot_status import EngineState
from dantaro_runtime import bootstrap
from dantaro_runtime.core.orders import OrderState
from tests.integration.runtime.conftest import MakeRig
from tests.integration.runtime.test_kill_anywhere import STAGED, STOPPING_GRID, TRAILING_GRID, walk
from tests.support.bot_rig import BotRig, make_config
from tests.support.faulty_paper import FaultyPaper, PaperFault, PaperFaults

pytestmark = pytest.mark.integration


async def run(rig: BotRig) -> int:
    """Turn until every candle is consumed; return how many turns failed."""
    parts, failures = rig.start(), 0
    while not rig.central.is_read:
        try:
            await parts.bot.turn()
        except DantaroError:
            failures += 1
            assert failures < 2000
            rig.central.is_read = False
    return failures


def assert_true(rig: BotRig) -> None:
    """The bot's books are the paper exchange's, to the last unit."""
    assert rig.parts is not None
    desk = rig.parts.desk
    assert desk.desk.engine is not EngineState.ERROR, desk.desk.error
    assert desk.has_book_balance() == ""
    ((quote, base),) = rig.rows("SELECT quote, base FROM paper_account")
    ledger = desk.desk.ledger
    assert (str(ledger.quote.normalize()), str(ledger.base.normalize())) == (quote, base)
    resting = {
        name for (name,) in rig.rows("SELECT client_id FROM paper_orders WHERE state='Open'")
    }
    assert {order.client_id for order in desk.orders} == resting
    assert all(order.state is OrderState.OPEN for order in desk.orders)
    assert len({(order.cycle, order.slot) for order in desk.orders}) == len(resting)


@pytest.mark.parametrize(
    "kinds",
    [
        *[pytest.param((kind,), id=kind.name.lower()) for kind in PaperFault],
        pytest.param(tuple(PaperFault), id="all"),
    ],
)
@pytest.mark.parametrize(
    ("strategy", "seed"),
    [
        pytest.param(STOPPING_GRID, 2, id="grid-with-stop-and-take-profit"),
        pytest.param(TRAILING_GRID, 3, id="trailing-grid"),
        pytest.param(STAGED, 4, id="staged"),
    ],
)
async def test_a_paper_bot_under_faults_ends_with_the_exchanges_books(
    make_rig: MakeRig,
    monkeypatch: pytest.MonkeyPatch,
    strategy: dict[str, object],
    seed: int,
    kinds: tuple[PaperFault, ...],
) -> None:
    faults = PaperFaults(*kinds, seed=seed)
    monkeypatch.setattr(bootstrap, "PaperExchange", partial(FaultyPaper, faults=faults))
    rig = make_rig(make_config(strategy), walk(seed, 160))

    failures = await run(rig)

    assert len(faults.struck) > len(kinds) / 2, faults.struck
    assert bool(failures) == bool(
        faults.struck.keys() - {PaperFault.REPEAT, PaperFault.DELAY, PaperFault.PARTIAL}
    )
    assert_true(rig)
    assert rig.rows("SELECT count(*) FROM fills") > [(4,)]
