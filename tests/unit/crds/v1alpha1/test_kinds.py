"""Reading, writing and naming objects."""

from decimal import Decimal
from typing import Any

import pytest

from dantaro_crds.errors import SpecError
from dantaro_crds.v1alpha1.allocation import Allocation, Share
from dantaro_crds.v1alpha1.bot_common import BotOrders, BotPosition, BotStatus
from dantaro_crds.v1alpha1.common import Condition, Mode
from dantaro_crds.v1alpha1.grid_bot import GridBot, GridBotPnl, GridBotStatus
from dantaro_crds.v1alpha1.kinds import KINDS, dump, kind_named, parse
from dantaro_crds.v1alpha1.strategies import Spacing
from dantaro_crds.v1alpha1.trading_bot import TradingBot, TradingStrategy
from tests.support.documents import (
    allocation_document,
    grid_bot_document,
    trading_bot_document,
)

pytestmark = pytest.mark.unit


def test_an_allocation_is_on_paper_unless_it_says_otherwise() -> None:
    spec = parse(Allocation, allocation_document()).spec
    assert (spec.mode, spec.exchange.name, spec.quote_currency) == (Mode.PAPER, "paper", "KRW")
    assert (spec.max_bots, spec.halt, spec.acknowledge_live_trading) == (10, False, False)
    assert spec.budget == Decimal(10_000_000)


def test_a_share_is_found_by_kind_and_name() -> None:
    document = allocation_document(shares=[{"kind": "GridBot", "name": "a", "percent": 40}])
    spec = parse(Allocation, document).spec
    assert spec.share_of("GridBot", "a") == Share(kind="GridBot", name="a", percent=40)
    assert spec.share_of("TradingBot", "a") is None
    assert spec.share_of("GridBot", "b") is None


def test_a_grid_bot_has_the_defaults_of_its_definition() -> None:
    spec = parse(GridBot, grid_bot_document()).spec
    assert (spec.state, spec.interval, spec.leverage) == ("Running", "1m", 1)
    assert (spec.deletion_policy, spec.storage.size) == ("CancelOrders", "1Gi")
    assert spec.risk.price_band_percent == 10
    assert spec.grid.spacing is Spacing.ARITHMETIC
    assert spec.grid.lower_price == Decimal(90_000_000)


@pytest.mark.parametrize("name", ["staged", "signal", "breakout", "ai"])
def test_a_trading_bot_names_its_strategy(name: str) -> None:
    bot = parse(TradingBot, trading_bot_document(strategy={name: {}}))
    assert bot.spec.strategy.name == name


def test_without_a_strategy_its_name_is_empty() -> None:
    assert TradingStrategy().name == ""


def test_an_unknown_field_anywhere_is_left_aside() -> None:
    document = grid_bot_document(newField=1, risk={"newLimit": "1"})
    document["status"] = {"phase": "NewPhase", "newFigure": {"a": 1}}
    bot = parse(GridBot, document | {"extra": 1})
    assert bot.status.phase == "NewPhase"
    assert bot.key == ("GridBot", "default", "grid")


@pytest.mark.parametrize(
    ("change", "field"),
    [
        pytest.param({"grids": "many"}, "spec.grids", id="wrong-type"),
        pytest.param({"lowerPrice": 1.5}, "spec.lowerPrice", id="number-for-a-decimal"),
        pytest.param({"allocationRef": {}}, "spec.allocationRef.name", id="missing"),
    ],
)
def test_a_field_that_cannot_be_read_is_named(change: dict[str, Any], field: str) -> None:
    with pytest.raises(SpecError) as raised:
        parse(GridBot, grid_bot_document(**change))
    assert (raised.value.field, raised.value.code) == (field, "SpecInvalid")
    assert raised.value.message.startswith(f"{field}: ")


def test_an_object_of_another_kind_is_refused() -> None:
    with pytest.raises(SpecError) as raised:
        parse(TradingBot, grid_bot_document())
    assert raised.value.field == "kind"


@pytest.mark.parametrize(
    "document",
    [allocation_document(), grid_bot_document(), trading_bot_document()],
    ids=lambda document: document["kind"],
)
def test_writing_and_reading_gives_the_same_object(document: dict[str, Any]) -> None:
    kind = KINDS[document["kind"]]
    once = parse(kind, document)
    assert parse(kind, dump(once)) == once


def test_metadata_tells_of_marks_and_deletion() -> None:
    document = grid_bot_document()
    document["metadata"] |= {
        "annotations": {"dantaro.io/reset": "now", "dantaro.io/force-delete": "true"},
        "deletionTimestamp": "2026-01-31T09:00:00Z",
        "resourceVersion": "5",
    }
    metadata = parse(GridBot, document).metadata
    assert (metadata.reset, metadata.is_force_delete) == ("now", True)
    assert metadata.deletion_timestamp is not None
    plain = parse(GridBot, grid_bot_document()).metadata
    assert (plain.reset, plain.accept_loss, plain.is_force_delete) == (None, None, False)


@pytest.mark.parametrize(
    ("text", "want"),
    [
        ("tb", TradingBot),
        ("gb", GridBot),
        ("alloc", Allocation),
        ("tradingbots", TradingBot),
        ("GridBot", GridBot),
        ("allocation", Allocation),
        ("pods", None),
        ("", None),
    ],
)
def test_a_kind_is_known_by_all_its_names(text: str, want: object) -> None:
    assert kind_named(text) is want


def test_columns_show_what_the_status_says() -> None:
    status = GridBotStatus(
        phase="Running",
        mode="Paper",
        strategy="grid",
        symbol="KRW-BTC",
        budget=Decimal(5_000_000),
        position=BotPosition(amount=Decimal("0.5"), value=Decimal(1)),
        pnl=GridBotPnl(
            total=Decimal("-3.50"), realized=Decimal(1), unrealized=Decimal(-4), today=Decimal(0)
        ),
        orders=BotOrders(open=9),
        message="All is well.",
    )
    bot = parse(GridBot, grid_bot_document() | {"status": dump(status)})
    row = {column.name: column.value(dump(bot)) for column in GridBot.info.columns}
    assert row == {
        "Mode": "Paper",
        "Symbol": "KRW-BTC",
        "Strategy": "grid",
        "Phase": "Running",
        "Budget": "5000000",
        "PnL": "-3.5",
        "Orders": 9,
        "Age": None,
        "Position": "0.5",
        "Today": "0",
        "Analysis Age": None,
        "Message": "All is well.",
    }


@pytest.mark.parametrize(
    ("status", "want"),
    [
        pytest.param({}, None, id="no-conditions"),
        pytest.param({"conditions": []}, None, id="empty"),
        pytest.param({"conditions": [{"type": "Halted", "status": "True"}]}, None, id="other"),
        pytest.param(
            {
                "conditions": [
                    {"type": "Halted", "status": "True"},
                    {"type": "Ready", "status": "False"},
                ]
            },
            "False",
            id="second",
        ),
        pytest.param({"conditions": "nonsense"}, None, id="no-list"),
    ],
)
def test_a_column_finds_a_condition_by_its_type(status: dict[str, Any], want: str | None) -> None:
    (column,) = [column for column in Allocation.info.columns if column.name == "Ready"]
    assert column.value(allocation_document() | {"status": status}) == want


def test_a_column_of_nonsense_is_empty() -> None:
    for column in Allocation.info.columns:
        assert column.value({"status": 5, "spec": [], "metadata": None}) is None


def test_both_bots_show_the_same_columns() -> None:
    assert GridBot.info.columns == TradingBot.info.columns
    shown = [column.name.upper() for column in GridBot.info.columns if not column.priority]
    assert shown == ["MODE", "SYMBOL", "STRATEGY", "PHASE", "BUDGET", "PNL", "ORDERS", "AGE"]


def test_a_long_message_is_cut_and_never_refused() -> None:
    status = BotStatus(message="x" * 1000, last_decision="y" * 256)
    assert status.message == "x" * 253 + "..."
    assert status.last_decision == "y" * 256


def test_a_condition_cuts_its_message_too() -> None:
    condition = Condition(
        type="Ready",
        status="True",
        last_transition_time="2026-01-31T09:00:00Z",
        reason="Running",
        message="z" * 300,
    )
    assert len(condition.message) == 256
