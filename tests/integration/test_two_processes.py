"""Two processes for one bot: whatever they do, a decision is one order."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.doom import Doom, Point
from tests.support.doomed_day import DoomedDay, LiveBot, doomed_day
from tests.support.doomed_lives import ask_server, bot_server
from tests.support.eventually import eventually

pytestmark = [pytest.mark.integration, pytest.mark.timeout(180)]


@pytest.fixture
def day(tmp_path: Path) -> Iterator[DoomedDay]:
    with doomed_day(tmp_path, seed=3) as day:
        yield day


def wait_for_a_trade(bot: LiveBot) -> None:
    known = len(bot.truth().trades)
    eventually(lambda: len(bot.truth().trades) > known)


def test_a_second_process_takes_over_the_store_and_the_first_ends(day: DoomedDay) -> None:
    bot = day.bots["grid"]
    for _ in range(3):
        with bot.running() as first:
            wait_for_a_trade(bot)
            with bot.running():
                assert first.process.wait(20) == 0
                wait_for_a_trade(bot)
        assert bot.doubles() == []

    assert bot.log.read_text().count("another process took over") == 3
    day.freeze()
    with bot.running():
        bot.wait_until_true()


@pytest.mark.parametrize(
    ("point", "method", "at"),
    [
        (Point.AFTER_COMMIT, "", 4),
        (Point.BEFORE_SEND, "POST", 2),
        (Point.AFTER_SEND, "POST", 2),
        (Point.AFTER_ANSWER, "POST", 2),
        (Point.BEFORE_SEND, "DELETE", 1),
    ],
)
def test_a_process_that_sleeps_through_the_takeover_wakes_up_harmless(
    day: DoomedDay, point: Point, method: str, at: int
) -> None:
    bot = day.bots["grid"]
    if method == "DELETE":
        with bot.running():
            eventually(lambda: sum(row["side"] == "bid" for row in bot.truth().resting) > 2)
        bot.write(halt=True)
    with bot_server(bot) as server:
        sleeper = Doom(
            config=str(bot.file), point=point, method=method, at=at, stops=True, patience=20
        )
        assert ask_server(server, sleeper) == "stopped"
        bot.write()
        with bot.running():
            wait_for_a_trade(bot)

            assert ask_server(server) == "exit 0"

            wait_for_a_trade(bot)
            day.freeze()
            bot.wait_until_true()


def test_a_store_that_a_sleeping_process_holds_locked_is_not_traded_from(day: DoomedDay) -> None:
    bot = day.bots["grid"]
    with bot_server(bot) as server:
        sleeper = Doom(
            config=str(bot.file), point=Point.BEFORE_COMMIT, at=4, stops=True, patience=30
        )
        assert ask_server(server, sleeper) == "stopped"
        posts = bot.truth().posts
        with bot.running() as second:
            assert second.process.wait(20) == 70
        assert "database is locked" in bot.log.read_text()
        assert bot.truth().posts == posts

        with bot.running():
            assert ask_server(server) == "exit 0"
            day.freeze()
            bot.wait_until_true()


def test_a_second_store_for_the_same_bot_stops_and_the_first_trades_on(day: DoomedDay) -> None:
    bot = day.bots["grid"]
    twin = bot.twin("twin")
    with bot.running():
        eventually(lambda: bot.truth().resting)
        with twin.running():
            eventually(twin.error)
            wait_for_a_trade(bot)
            day.freeze()
            bot.wait_until_true()
    assert "is not in its books: the store is older than the orders" in twin.error()


def test_of_two_stores_that_start_at_once_one_stops_and_no_decision_has_two_orders(
    day: DoomedDay,
) -> None:
    bot = day.bots["grid"]
    both = (bot, bot.twin("twin"))
    with both[0].running(), both[1].running():
        eventually(lambda: bot.doubles() or any(each.error() for each in both), timeout=50)
        day.freeze()
        for each in both:
            if not each.error():
                each.wait_until_true()
    assert bot.doubles() == []
