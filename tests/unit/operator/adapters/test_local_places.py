"""Where a bot of this machine keeps things."""

from pathlib import Path

import pytest

from dantaro_crds.v1alpha1.common import Mode
from dantaro_operator.adapters.local_machine import bot_places
from tests.support.bots import make_grid_bot

pytestmark = pytest.mark.unit


def test_paper_and_live_books_never_share_a_store(tmp_path: Path) -> None:
    older, newer = (make_grid_bot(metadata={"uid": f"{n}-of-a-bot"}) for n in (1, 2))

    stores = [
        Path(bot_places(tmp_path, bot, mode).store_url.removeprefix("sqlite:///"))
        for bot, mode in ((older, Mode.PAPER), (newer, Mode.PAPER), (newer, Mode.LIVE))
    ]

    assert [store.name for store in stores] == ["store.db", "store.db", "live.db"]
    assert len(set(stores)) == 3
    assert all(store.is_relative_to(tmp_path) for store in stores)
