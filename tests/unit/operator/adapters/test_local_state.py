import json
from pathlib import Path

import pytest

from dantaro_crds.errors import SpecError
from dantaro_operator.adapters.local_state import LocalState
from dantaro_operator.core.local.market import MarketSettings
from dantaro_operator.errors import FolderError, StateLockedError
from tests.support.bots import make_allocation, make_grid_bot, make_report

pytestmark = pytest.mark.unit


@pytest.fixture
def state(tmp_path: Path) -> LocalState:
    return LocalState(tmp_path / ".dantaro")


def test_objects_come_back_as_they_were(state: LocalState) -> None:
    objects = [make_allocation(), make_grid_bot(metadata={"annotations": {"a": "b"}})]
    for item in objects:
        state.save_object(item, durable=True)
    assert list(state.load_objects()) == objects


def test_an_object_is_stored_as_an_api_server_shows_it(state: LocalState) -> None:
    state.save_object(make_grid_bot(), durable=False)
    path = state.root / "objects" / "gridbots" / "default.grid.json"
    stored = json.loads(path.read_text())
    assert (stored["apiVersion"], stored["metadata"]["generation"]) == ("dantaro.io/v1alpha1", 1)
    assert stored["spec"]["lowerPrice"] == "90000000"


def test_removing_twice_is_removing_once(state: LocalState) -> None:
    state.save_object(make_grid_bot(), durable=False)
    state.remove_object(make_grid_bot())
    state.remove_object(make_grid_bot())
    assert list(state.load_objects()) == []


def test_a_broken_object_is_named(state: LocalState) -> None:
    state.save_object(make_grid_bot(), durable=False)
    path = state.root / "objects" / "gridbots" / "default.grid.json"
    path.write_text("{")
    with pytest.raises(SpecError, match=r"default\.grid\.json: expected what dantaro wrote"):
        state.load_objects()


def test_the_market_comes_back(state: LocalState) -> None:
    settings = MarketSettings.model_validate({"source": "simulated", "speed": "60", "seed": 3})
    assert state.load_market() is None
    state.save_market(settings)
    assert state.load_market() == settings


def test_a_broken_market_is_named(state: LocalState) -> None:
    state.root.mkdir()
    (state.root / "market.json").write_text("{}")
    with pytest.raises(SpecError, match=r"market\.json"):
        state.load_market()


def test_reports_come_back_and_broken_ones_do_not(state: LocalState) -> None:
    report = make_report()
    state.save_report(report)
    (state.root / "reports" / "other.json").write_text("nonsense")
    assert state.load_reports() == {report.uid: report}


def test_everything_stays_out_of_version_control(state: LocalState) -> None:
    with state.locked():
        assert (state.root / ".gitignore").read_text() == "*\n"


def test_only_one_may_work_on_a_folder(state: LocalState) -> None:
    with state.locked():
        assert state.holder() is not None
        with pytest.raises(StateLockedError, match="another `dantaro up`"), state.locked():
            pass
    assert state.holder() is None
    with state.locked():
        pass


def test_nobody_holds_a_folder_that_is_not_there(state: LocalState) -> None:
    assert (state.holder(), state.exists) == (None, False)


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with (
        pytest.raises(FolderError, match="expected a folder"),
        LocalState(tmp_path / "file" / "x").locked(),
    ):
        pass
