"""Bots with one position in their own process: what they store, what they say, and kills."""

import json
import random
from contextlib import closing
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from dantaro_crds.wire.bundle import Analysis, Candle
from dantaro_runtime.adapters.store.bot_store import SIGNALS_KEPT, BotStore
from dantaro_runtime.adapters.store.database import Database
from dantaro_runtime.core.desk_state import Changes, DeskState
from dantaro_runtime.core.strategies.position.trading import PositionState
from dantaro_runtime.core.strategies.protocol import Action, Signal
from tests.integration.runtime.conftest import MakeRig
from tests.support.bot_rig import START, BotRig, CandleCentral, Killed, candle, make_config
from tests.support.positions import BUY, SELL, make_decision, make_indicators

pytestmark = pytest.mark.integration

FIVE = timedelta(minutes=5)


class TellingCentral(CandleCentral):
    """Says Buy for a quarter of an hour, then nothing, then Sell, and so on."""

    def _analysis(self, time: datetime) -> Analysis:
        quarter = (time - START) // (3 * FIVE)
        votes: dict[Any, str] = [BUY, {}, SELL][quarter % 3]
        word = ["Buy", "Hold", "Sell"][quarter % 3]
        told = make_indicators(START + quarter * 3 * FIVE, votes, data_until=time)
        decision = make_decision(word, "0.8", data_until=time).decision
        return (
            super()
            ._analysis(time)
            .model_copy(update={"indicators": told.indicators, "decision": decision})
        )


def walk(minutes: int) -> list[Candle]:
    """Return a seeded walk around 3240."""
    rng = random.Random(5)
    candles, price = [], 3240
    for minute in range(minutes):
        close = price + rng.randint(-20, 20) + (3240 - price) // 12
        high, low = max(price, close) + rng.randint(0, 9), min(price, close) - rng.randint(0, 9)
        candles.append(candle(minute, f"{price} {high} {low} {close}"))
        price = close
    return candles


def make(
    make_rig: MakeRig, strategy: dict[str, Any], *, told: bool = True, **fields: Any
) -> BotRig:
    """Return a rig whose central speaks, or is as a central without indicators."""
    rig = make_rig(make_config(strategy, kind="TradingBot"), walk(160), **fields)
    if told:
        rig.central = TellingCentral(candles=rig.central.candles, **fields)
    return rig


@pytest.mark.parametrize(
    "strategy",
    [
        pytest.param({"signal": {"takeProfitPercent": "0.5"}}, id="signal"),
        pytest.param({"ai": {"takeProfitPercent": "0.5", "stopLossPercent": "3"}}, id="ai"),
    ],
)
async def test_a_kill_at_any_commit_changes_nothing(
    make_rig: MakeRig, strategy: dict[str, Any]
) -> None:
    undisturbed = make(make_rig, strategy)
    undisturbed.start()
    await undisturbed.run()
    want = undisturbed.outcome()
    assert len(want["fills"]) >= 6
    rng = random.Random(1)
    for point in rng.sample(range(1, undisturbed.commits), 4):
        rig = make(make_rig, strategy, page=rng.choice([7, 40, 500]))
        rig.start(dies_at=point, after=rng.random() < 0.5)
        with pytest.raises(Killed):
            await rig.run()
        rig.start()
        await rig.run()
        assert rig.outcome() == want, f"killed at commit {point}"


async def test_decisions_are_stored_with_their_inputs_acted_on_or_not(make_rig: MakeRig) -> None:
    rig = make(make_rig, {"ai": {}})
    parts = rig.start()
    await rig.run()

    rows = rig.rows(
        "SELECT decision, confidence, acted, inputs FROM decisions "
        "WHERE decision IN ('Buy', 'Sell', 'Hold') ORDER BY id LIMIT 3"
    )

    assert [(word, sure, bool(acted)) for word, sure, acted, _ in rows] == [
        ("Buy", "0.8", True),
        ("Hold", "0.8", False),
        ("Sell", "0.8", True),
    ]
    assert json.loads(rows[0][3]) == {
        "mark": "2026-01-01T00:00:00Z",
        "fresh": "pass",
        "action": "pass",
        "confidence": "pass",
        "confidence.confidence": "0.8",
        "confidence.floor": "0.7",
    }
    assert parts.bot.report().last_decision


async def test_decisions_do_not_flood_the_store(make_rig: MakeRig) -> None:
    rig = make(make_rig, {"signal": {}}, told=False)
    rig.start()
    await rig.run()
    assert rig.rows("SELECT decision, acted FROM decisions") == [("Hold", 0)]


GUIDE = Path(__file__).parents[3] / "docs/guide/strategies.md"


async def test_the_query_of_the_guide_says_what_a_bot_saw_and_why_it_did_not_buy(
    make_rig: MakeRig,
) -> None:
    rig = make(make_rig, {"signal": {"minConfidence": "0.75"}})
    rig.start()
    await rig.run()
    query = GUIDE.read_text(encoding="utf-8").partition("```sql\n")[2].partition("```")[0]

    [seen] = rig.rows(query.replace("2026-01-01T14:05:00Z", "2026-01-01T00:05:00Z"))

    assert seen == (
        "2026-01-01T00:00:00Z",
        "BUY",
        "0.5",
        "Hold",
        "the vote to buy has a confidence of 0.5; at least 0.75, and more than 0, is asked for",
    )


async def test_a_signal_is_of_the_market_whatever_the_bot_may_do_about_it(
    make_rig: MakeRig,
) -> None:
    rig = make(make_rig, {"ai": {"minConfidence": "0.9"}})
    rig.start()
    await rig.run()

    rows = rig.rows(
        "SELECT signal, score, json_extract(meta, '$.decision') FROM signals "
        "GROUP BY 1, 2, 3 ORDER BY min(id)"
    )

    assert rows == [("BUY", "0.8", "Hold"), ("HOLD", "0.8", "Hold"), ("SELL", "0.8", "Hold")]


async def test_each_candle_is_seen_once_and_what_was_bought_on_says_so(make_rig: MakeRig) -> None:
    rig = make(make_rig, {"signal": {}})
    rig.start()
    await rig.run()

    times = rig.rows("SELECT DISTINCT json_extract(meta, '$.of') FROM signals")
    twice = rig.rows(
        "SELECT signal, json_extract(meta, '$.of'), json_extract(meta, '$.reason') FROM signals "
        "GROUP BY 1, 2, 3 HAVING count(*) > 1"
    )
    bought = rig.rows(
        "SELECT s.signal FROM decisions d JOIN signals s ON s.ts = d.ts "
        "WHERE d.decision = 'Buy' AND d.acted AND json_extract(s.meta, '$.decision') = 'Buy'"
    )

    assert len(times) == 11  # A quarter of an hour each, 160 minutes.
    assert twice == []
    assert bought
    assert set(bought) == {("BUY",)}


async def test_signals_do_not_flood_the_store(make_rig: MakeRig) -> None:
    rig = make(make_rig, {"breakout": {}}, told=False)
    rig.start()
    await rig.run()
    assert rig.rows("SELECT signal, score FROM signals") == [("HOLD", None)]


async def test_only_the_newest_signals_are_kept(make_rig: MakeRig) -> None:
    rig = make(make_rig, {"ai": {}})
    rig.start()
    await rig.run()
    desk = DeskState(market="KRW-XRP")
    seen = [(START, Signal(action=Action.BUY, score=Decimal(n))) for n in range(SIGNALS_KEPT + 5)]

    with closing(Database(f"sqlite:///{rig.folder / 'store.db'}", token="next")) as database:
        store = BotStore(database, state_type=PositionState)
        store.commit(Changes(signals=seen), strategy=PositionState(), desk=desk)

    [(count, first, last)] = rig.rows(
        "SELECT count(*), min(CAST(score AS INT)), max(CAST(score AS INT)) FROM signals"
    )
    assert (count, first, last) == (SIGNALS_KEPT, 5, SIGNALS_KEPT + 4)


@pytest.mark.parametrize("name", ["signal", "breakout", "ai"])
async def test_a_bot_whose_central_delivers_no_indicators_says_so_and_is_ready(
    make_rig: MakeRig, name: str
) -> None:
    rig = make(make_rig, {name: {}}, told=False)
    parts = rig.start()
    await rig.run()

    report = parts.bot.report()

    assert report.message.startswith("waits for ")
    assert report.message.endswith("central delivers none for this market")
    assert (report.ready.ok, report.ready.message) == (True, report.message)
    assert (report.strategy, report.strategy_state) == (name, "Idle")
    assert report.position.amount == 0
