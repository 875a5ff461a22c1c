"""Rigs on stores that are migrated once."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from dantaro_crds.wire.bot_config import BotConfig
from dantaro_runtime.adapters.store.migrate import upgrade
from tests.support.bot_rig import BotRig, CandleCentral

MakeRig = Callable[..., BotRig]


@pytest.fixture(scope="session")
def empty_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("store") / "store.db"
    upgrade(f"sqlite:///{path}")
    return path


@pytest.fixture
def make_rig(tmp_path: Path, empty_store: Path) -> Iterator[MakeRig]:
    made: list[BotRig] = []

    def make(config: BotConfig, candles: list[Any], **central: Any) -> BotRig:
        folder = tmp_path / str(len(made))
        folder.mkdir()
        shutil.copy(empty_store, folder / "store.db")
        rig = BotRig(
            folder=folder, config=config, central=CandleCentral(candles=candles, **central)
        )
        made.append(rig)
        return rig

    yield make
    for rig in made:
        rig.close()
