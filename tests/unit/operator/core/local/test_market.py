from typing import Any

import pytest

from dantaro_crds.errors import SpecError
from dantaro_operator.core.local.market import (
    LIVE_CHOICE,
    MarketSettings,
    MarketWish,
    decide_market,
    served_symbols,
)

pytestmark = pytest.mark.unit

SIMULATED = {"source": "simulated", "speed": "60", "started": False}
REPLAY = {"source": "replay", "folder": "/candles"}
STARTED = {"started": True}
RUNS = {"speed": "1"} | STARTED
BAD_START = REPLAY | {"speed": "max", "start": "2030-01-01T00:00:00Z"}


def decide(wish: dict[str, Any], stored: dict[str, Any] | None = None) -> MarketSettings:
    known = MarketSettings.model_validate(stored) if stored else None
    return decide_market(MarketWish.model_validate(wish), known)


@pytest.mark.parametrize(
    ("wish", "stored", "want"),
    [
        pytest.param({}, None, SIMULATED, id="simulated-by-default"),
        pytest.param({"speed": "600"}, None, SIMULATED | {"speed": "600"}, id="faster"),
        pytest.param({"seed": 7}, None, SIMULATED | {"seed": 7}, id="another-seed"),
        pytest.param({"source": "upbit"}, None, {"source": "upbit", "speed": "1"}, id="live"),
        pytest.param(REPLAY, None, REPLAY | {"speed": "1"}, id="replay-at-its-own-pace"),
        pytest.param(
            REPLAY | {"speed": "max", "start": "2025-09-15T00:00:00Z"},
            None,
            REPLAY | {"speed": "max", "start": "2025-09-15T00:00:00Z"},
            id="replay-from-a-time",
        ),
        pytest.param(
            {},
            REPLAY | {"speed": "max", "started": True},
            REPLAY | {"speed": "max", "started": True},
            id="goes-on-as-stored",
        ),
        pytest.param(
            {"speed": "2"},
            REPLAY | {"speed": "max"},
            REPLAY | {"speed": "2"},
            id="speed-may-change",
        ),
        pytest.param(REPLAY, REPLAY | {"speed": "max"}, REPLAY | {"speed": "max"}, id="same-again"),
        pytest.param(
            {"start": "2025-09-15T00:00:00Z"},
            BAD_START,
            BAD_START | {"start": "2025-09-15T00:00:00Z"},
            id="another-start-after-one-that-came-to-nothing",
        ),
        pytest.param(
            REPLAY,
            BAD_START,
            REPLAY | {"speed": "max"},
            id="no-start-after-one-that-came-to-nothing",
        ),
        pytest.param(
            {"source": "simulated"}, BAD_START, SIMULATED, id="another-market-after-a-failure"
        ),
    ],
)
def test_the_market_is_chosen_once(
    wish: dict[str, Any], stored: dict[str, Any] | None, want: dict[str, Any]
) -> None:
    assert decide(wish, stored) == MarketSettings.model_validate(want)


@pytest.mark.parametrize(
    ("wish", "stored", "want"),
    [
        pytest.param(
            {"speed": "max"}, None, "--speed: max works only with recorded", id="max-simulated"
        ),
        pytest.param({"speed": "fast"}, None, "--speed: expected a number > 0 or max", id="word"),
        pytest.param({"speed": "0"}, None, "--speed: expected a number > 0", id="standstill"),
        pytest.param({"speed": "-1"}, None, "--speed: expected a number", id="backwards"),
        pytest.param({"source": "upbit", "speed": "2"}, None, "speed 1", id="live-faster"),
        pytest.param(
            {"source": "upbit", "start": "2025-09-15T00:00:00Z"}, None, "--from", id="live-from"
        ),
        pytest.param({"start": "2025-09-15T00:00:01Z"}, None, "whole minute", id="seconds"),
        pytest.param(REPLAY | {"seed": 1}, None, "--seed", id="seed-of-a-recording"),
        pytest.param({"seed": -1}, None, "--seed", id="negative-seed"),
        pytest.param(
            {"source": "upbit"},
            SIMULATED | STARTED,
            "--market: this folder's bots live on",
            id="another",
        ),
        pytest.param(REPLAY | {"folder": "/b"}, REPLAY | RUNS, "live on /candles", id="folder"),
        pytest.param(
            {"seed": 2}, SIMULATED | {"seed": 1} | STARTED, "with seed 1", id="another-seed"
        ),
        pytest.param(
            {"start": "2025-09-15T00:00:00Z"}, REPLAY | RUNS, "--from", id="another-start"
        ),
    ],
)
def test_a_market_that_cannot_be_is_refused(
    wish: dict[str, Any], stored: dict[str, Any] | None, want: str
) -> None:
    with pytest.raises(SpecError) as caught:
        decide(wish, stored)
    assert want in caught.value.message


@pytest.mark.parametrize(("speed", "want"), [("60", 0.5), ("1", 5.0), ("6000", 0.25), ("20", 1.5)])
def test_bots_ask_about_twice_a_candle(speed: str, want: float) -> None:
    assert decide({"speed": speed}).poll_seconds == want


def test_bots_of_the_fastest_replay_hardly_pause() -> None:
    assert decide(REPLAY | {"speed": "max"}).poll_seconds == 0.2


XRP = frozenset({"KRW-XRP"})


@pytest.mark.parametrize(
    ("market", "choice", "want"),
    [
        pytest.param(SIMULATED, False, None, id="simulated-serves-all"),
        pytest.param(REPLAY | RUNS, False, XRP, id="replay-of-what-is-traded"),
        pytest.param(REPLAY | RUNS, True, None, id="replay-of-all-to-choose-from"),
        pytest.param({"source": "upbit"} | RUNS, False, XRP, id="live-what-is-traded"),
        pytest.param(
            {"source": "upbit"} | RUNS, True, XRP.union(LIVE_CHOICE), id="live-and-some-more"
        ),
    ],
)
def test_what_central_is_asked_to_serve(
    market: dict[str, Any], choice: bool, want: frozenset[str] | None
) -> None:
    assert served_symbols(MarketSettings.model_validate(market), XRP, choice=choice) == want
