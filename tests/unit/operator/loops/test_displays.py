import io
from dataclasses import replace

import pytest
from rich.console import Console

from dantaro_operator.core.local.screen import Screen
from dantaro_operator.core.local.table import Table
from dantaro_operator.loops.displays import LiveDisplay, PlainDisplay
from tests.support.bots import NOW
from tests.support.clock import StepClock

pytestmark = pytest.mark.unit

TABLE = Table(plural="gridbots", header=("NAME", "PHASE", "AGE"), rows=(("a", "Running", "1s"),))
SCREEN = Screen(title="simulated market", tables=(TABLE,), messages=("careful",), time=NOW)
OLDER = replace(SCREEN, tables=(replace(TABLE, rows=(("a", "Running", "2s"),)),))
OTHER = replace(SCREEN, tables=(replace(TABLE, rows=(("a", "Stopped", "2s"),)),))


def test_plain_lines_show_the_first_picture_at_once() -> None:
    out = io.StringIO()
    PlainDisplay(out, clock=StepClock()).show(SCREEN)
    assert out.getvalue() == (
        "09:00:00 simulated market\nNAME   PHASE     AGE\na      Running   1s\n! careful\n\n"
    )


def test_plain_lines_come_only_with_news_and_not_too_often() -> None:
    out, clock = io.StringIO(), StepClock()
    display = PlainDisplay(out, clock=clock)
    display.show(SCREEN)
    shown = out.getvalue()
    display.show(OTHER)
    assert out.getvalue() == shown
    clock.seconds = 5
    display.show(OLDER)
    assert out.getvalue() == shown
    display.show(OTHER)
    assert "Stopped" in out.getvalue()


@pytest.mark.parametrize(("message", "is_shown"), [("a: price 2", False), ("b: stuck", True)])
def test_only_trouble_with_something_new_is_shown_at_once(message: str, is_shown: bool) -> None:
    out = io.StringIO()
    display = PlainDisplay(out, clock=StepClock())
    display.show(replace(SCREEN, messages=("a: price 1",)))
    display.show(replace(SCREEN, messages=(message,)))
    assert (message in out.getvalue()) is is_shown


def test_a_message_is_said_once() -> None:
    out, clock = io.StringIO(), StepClock()
    display = PlainDisplay(out, clock=clock)
    display.show(SCREEN)
    clock.seconds = 5
    display.show(OTHER)
    assert out.getvalue().count("careful") == 1


@pytest.mark.parametrize(("last", "want"), [(SCREEN, 1), (OTHER, 2), (None, 1)])
def test_the_last_picture_is_printed_unless_it_stands_there(last: Screen | None, want: int) -> None:
    out = io.StringIO()
    display = PlainDisplay(out, clock=StepClock())
    display.show(SCREEN)
    display.close(last)
    assert out.getvalue().count("simulated market") == want


def test_the_live_table_draws_title_table_and_messages() -> None:
    out = io.StringIO()
    display = LiveDisplay(Console(file=out, force_terminal=True, width=80, color_system=None))
    display.show(SCREEN)
    display.close(OTHER)
    text = out.getvalue()
    for words in ("simulated market", "NAME", "Running", "Stopped", "! careful"):
        assert words in text


@pytest.mark.parametrize(("width", "shows_age"), [(80, True), (60, False), (40, False)])
def test_numbers_are_never_cut_where_there_is_little_room(width: int, shows_age: bool) -> None:
    out = io.StringIO()
    header = ("NAME", "MODE", "SYMBOL", "PHASE", "BUDGET", "PNL", "ORDERS", "AGE")
    row = ("btc", "Paper", "KRW-BTC", "Running", "123456789012", "-98765432", "11", "5m")
    table = Table(plural="gridbots", header=header, rows=(row,))
    display = LiveDisplay(Console(file=out, force_terminal=True, width=width, color_system=None))
    display.close(replace(SCREEN, tables=(table,)))
    text = out.getvalue()
    assert "\u2026" not in text
    assert "-98765432" in text
    assert ("5m" in text) is shows_age
