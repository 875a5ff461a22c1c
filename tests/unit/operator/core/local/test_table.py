from datetime import UTC, datetime, timedelta

import pytest

from dantaro_crds.v1alpha1.allocation import Allocation
from dantaro_crds.v1alpha1.grid_bot import GridBot
from dantaro_operator.core.local.table import Table, age_text, build_table, fit_table, table_text
from tests.support.bots import NOW, make_allocation, make_grid_bot

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("seconds", "want"),
    [
        (-5, "<invalid>"),
        (-1, "0s"),
        (0, "0s"),
        (119, "119s"),
        (120, "2m"),
        (150, "2m30s"),
        (599, "9m59s"),
        (600, "10m"),
        (3 * 3600 - 1, "179m"),
        (3 * 3600, "3h"),
        (3 * 3600 + 300, "3h5m"),
        (8 * 3600, "8h"),
        (47 * 3600, "47h"),
        (48 * 3600, "2d"),
        (3 * 86400 + 4 * 3600, "3d4h"),
        (8 * 86400, "8d"),
        (729 * 86400, "729d"),
        (730 * 86400, "2y"),
        (800 * 86400, "2y70d"),
        (3000 * 86400, "8y"),
    ],
)
def test_ages_read_as_in_kubectl(seconds: int, want: str) -> None:
    assert age_text(timedelta(seconds=seconds)) == want


RAN = make_grid_bot(metadata={"creationTimestamp": "2026-01-31T08:55:00Z"}).model_copy(
    update={
        "status": make_grid_bot().status.model_validate(
            {
                "phase": "Running",
                "symbol": "KRW-BTC",
                "budget": "5000000",
                "analysisTime": "2025-09-01T00:00:00Z",
                "orders": {"open": 7},
                "message": "fine",
            }
        )
    }
)


def test_a_table_has_the_printer_columns_of_its_kind() -> None:
    table = build_table(GridBot, [make_allocation(), RAN], now=NOW)
    assert table.header[:3] == ("NAME", "MODE", "SYMBOL")
    assert table.rows == (("grid", "", "KRW-BTC", "", "Running", "5000000", "", "7", "5m"),)


def test_wide_columns_tell_the_age_of_the_analysis_in_market_time() -> None:
    times = {RAN.metadata.uid: datetime(2025, 9, 1, 0, 3, tzinfo=UTC)}
    table = build_table(GridBot, [RAN], now=NOW, market_times=times, wide=True)
    row = dict(zip(table.header, table.rows[0], strict=True))
    assert (row["ANALYSIS AGE"], row["MESSAGE"]) == ("3m", "fine")


def test_without_a_market_time_the_age_of_the_analysis_is_left_out() -> None:
    table = build_table(GridBot, [RAN], now=NOW, wide=True)
    assert dict(zip(table.header, table.rows[0], strict=True))["ANALYSIS AGE"] == ""


def test_rows_come_by_namespace_and_name() -> None:
    objects = [
        make_allocation("b"),
        make_allocation("a"),
        make_allocation("c", metadata={"namespace": "ann"}),
    ]
    table = build_table(Allocation, objects, now=NOW, with_namespace=True, prefix="alloc/")
    assert [row[:2] for row in table.rows] == [
        ("ann", "alloc/c"),
        ("default", "alloc/a"),
        ("default", "alloc/b"),
    ]


def test_text_is_padded_to_the_widest_cell_without_trailing_blanks() -> None:
    assert table_text(("A", "B"), [("long", ""), ("x", "y")]) == "A      B\nlong\nx      y"


@pytest.mark.parametrize(
    ("halted", "ready", "width", "want"),
    [
        pytest.param("False", "True", 99, ("NAME", "MODE", "READY", "HALTED", "AGE"), id="room"),
        pytest.param("False", "True", 28, ("NAME", "MODE", "READY", "HALTED"), id="age-first"),
        pytest.param("False", "True", 14, ("NAME", "MODE"), id="then-what-is-as-it-should-be"),
        pytest.param("True", "False", 19, ("NAME", "READY", "HALTED"), id="trouble-stays"),
        pytest.param("True", "False", 1, ("NAME", "READY", "HALTED"), id="no-room-at-all"),
    ],
)
def test_what_matters_least_goes_where_there_is_no_room(
    halted: str, ready: str, width: int, want: tuple[str, ...]
) -> None:
    row = ("main", "Paper", ready, halted, "5m")
    table = Table(plural="x", header=("NAME", "MODE", "READY", "HALTED", "AGE"), rows=(row,))
    found = fit_table(table, width, gap=2)
    assert found.header == want
    assert len(found.rows[0]) == len(want)
