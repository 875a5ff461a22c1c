"""Right and wrong objects, and what is said of the wrong ones."""

from copy import deepcopy
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.support.documents import (
    allocation_document,
    grid_bot_document,
    trading_bot_document,
)

__all__ = ["CHANGES", "LIVE", "RIGHT", "WRONG", "shares"]

LIVE: dict[str, Any] = {
    "exchange": {"name": "upbit"},
    "mode": "Live",
    "credentialsSecretRef": {"name": "upbit-keys"},
    "acknowledgeLiveTrading": True,
}


def shares(*percents: int) -> list[dict[str, Any]]:
    return [
        {"kind": "GridBot", "name": f"bot-{position}", "percent": percent}
        for position, percent in enumerate(percents)
    ]


def staged(**parameters: Any) -> dict[str, Any]:
    return trading_bot_document(strategy={"staged": parameters})


def without(document: dict[str, Any], *path: str) -> dict[str, Any]:
    copy = deepcopy(document)
    node = copy
    for step in path[:-1]:
        node = node[step]
    del node[path[-1]]
    return copy


RIGHT = [
    pytest.param(allocation_document(), id="smallest-allocation"),
    pytest.param(allocation_document(shares=shares(50, 30, 20)), id="shares-of-exactly-100"),
    pytest.param(allocation_document(shares=shares(*[10] * 10)), id="ten-shares"),
    pytest.param(allocation_document(shares=[]), id="no-shares"),
    pytest.param(
        allocation_document(
            shares=[
                {"kind": "GridBot", "name": "same", "percent": 1},
                {"kind": "TradingBot", "name": "same", "percent": 1},
            ]
        ),
        id="one-name-for-two-kinds",
    ),
    pytest.param(allocation_document(**LIVE), id="live"),
    pytest.param(allocation_document(exchange={"name": "binance"}), id="ccxt-on-paper"),
    pytest.param(allocation_document(mode=None), id="null-is-absent"),
    pytest.param(allocation_document(risk={"maxDrawdownPercent": "100"}), id="bound-included"),
    pytest.param(grid_bot_document(), id="smallest-grid-bot"),
    pytest.param(
        grid_bot_document(
            stopLoss="80000000",
            takeProfit="120000000",
            trailingUp={"limitPrice": "150000000"},
            stopAction="Keep",
            spacing="Geometric",
            grids=100,
            interval="1d",
            leverage=20,
            image="registry.example/bot:1",
            resources={"requests": {"cpu": "100m", "memory": "64Mi"}, "limits": {"cpu": "1"}},
            notifications={"telegramSecretRef": {"name": "telegram.mine"}},
        ),
        id="grid-bot-with-everything",
    ),
    pytest.param(grid_bot_document(trailingUp={}), id="trailing-without-limit"),
    pytest.param(grid_bot_document(grids=10.0), id="whole-number-with-a-point"),
    pytest.param(trading_bot_document(), id="smallest-trading-bot"),
    pytest.param(trading_bot_document(symbol="auto"), id="auto"),
    pytest.param(trading_bot_document(strategy={"ai": {}}), id="empty-strategy-counts-as-set"),
    pytest.param(
        trading_bot_document(strategy={"ai": {}, "staged": None}), id="null-strategy-is-absent"
    ),
    pytest.param(staged(geometricRatio="1"), id="lower-bound-included"),
    pytest.param(staged(jitterPercent="49.999"), id="just-below-an-excluded-bound"),
    pytest.param(
        grid_bot_document()
        | {
            "metadata": {
                "name": "a" * 49,
                "namespace": "team-a",
                "labels": {"app.kubernetes.io/name": "x"},
                "annotations": {"dantaro.io/reset": "2026-01-31T09:00:00Z"},
                "creationTimestamp": "2026-01-31T09:00:00Z",
                "deletionTimestamp": None,
                "resourceVersion": "5",
                "managedFields": [{"manager": "kubectl"}],
                "ownerReferences": [],
                "generation": 3,
            },
            "status": {"phase": "Running", "observedGeneration": 3},
        },
        id="as-kubectl-prints-it",
    ),
]

WRONG = [
    # The envelope.
    pytest.param(None, ": expected an object, was nothing", id="nothing"),
    pytest.param([], ": expected an object, was a list of 0", id="a-list"),
    pytest.param("text", ': expected an object, was "text"', id="text"),
    pytest.param({}, "kind: required and missing: one of Allocation", id="empty-object"),
    pytest.param(
        grid_bot_document() | {"kind": "Gridbot"},
        "kind: expected one of Allocation, TradingBot, GridBot, "
        'was "Gridbot", did you mean GridBot?',
        id="kind-misspelt",
    ),
    pytest.param(grid_bot_document() | {"kind": 5}, "kind: expected one of", id="kind-no-text"),
    pytest.param(
        grid_bot_document() | {"apiVersion": "v1"},
        'apiVersion: expected dantaro.io/v1alpha1, was "v1"',
        id="another-version",
    ),
    pytest.param(
        without(grid_bot_document(), "apiVersion"),
        "apiVersion: required and missing: dantaro.io/v1alpha1",
        id="no-version",
    ),
    pytest.param(without(grid_bot_document(), "spec"), "spec: required and missing", id="no-spec"),
    pytest.param(
        grid_bot_document() | {"spec": None}, "spec: required and missing", id="null-spec"
    ),
    pytest.param(
        grid_bot_document() | {"spec": ["a"]},
        "spec: expected an object, was a list of 1",
        id="spec-is-a-list",
    ),
    pytest.param(
        grid_bot_document() | {"specs": {}},
        "specs: unknown field, did you mean spec?",
        id="unknown-root-field",
    ),
    pytest.param(
        without(grid_bot_document(), "metadata", "name"),
        "metadata.name: required and missing: Name of the object.",
        id="no-name",
    ),
    pytest.param(
        grid_bot_document("a.b"),
        "metadata.name: expected a name of small letters, digits and hyphens, such as my-bot-1, "
        'was "a.b"',
        id="name-with-a-dot",
    ),
    pytest.param(
        grid_bot_document("a" * 50),
        "metadata.name: expected at most 49 signs, were 50",
        id="name-too-long",
    ),
    pytest.param(
        grid_bot_document(""),
        "metadata.name: expected a name of small letters, digits and hyphens, such as my-bot-1, "
        'was ""',
        id="name-empty",
    ),
    pytest.param(
        grid_bot_document() | {"metadata": {"name": "g", "labels": {"a.b/c": 5}}},
        "metadata.labels[a.b/c]: expected text, was the number 5: put it in quotes",
        id="label-is-a-number",
    ),
    pytest.param(
        grid_bot_document() | {"metadata": {"name": "g", "annotations": {"x": True}}},
        "metadata.annotations.x: expected text, was true: put it in quotes",
        id="annotation-is-a-boolean",
    ),
    pytest.param(
        grid_bot_document() | {"metadata": {"name": "g", "creationTimestamp": "today"}},
        "metadata.creationTimestamp: expected a time with a zone such as 2026-01-31T09:00:00Z, "
        'was "today"',
        id="no-time",
    ),
    pytest.param(
        grid_bot_document() | {"metadata": {"name": "g", "lables": {}}},
        "metadata.lables: unknown field, did you mean labels?",
        id="metadata-misspelt",
    ),
    # Unknown fields.
    pytest.param(
        grid_bot_document(gridz=5),
        "spec.gridz: unknown field, did you mean grids?",
        id="field-misspelt",
    ),
    pytest.param(
        grid_bot_document(lower_price="1"),
        "spec.lower_price: unknown field, did you mean lowerPrice?",
        id="snake-case",
    ),
    pytest.param(
        grid_bot_document(risk={"x": 1}),
        "spec.risk.x: unknown field, expected one of maxOrderValue, maxPositionPercent",
        id="nothing-alike",
    ),
    pytest.param(
        grid_bot_document(**{"a b": 1}),
        "spec[a b]: unknown field, expected one of allocationRef",
        id="odd-field-name",
    ),
    pytest.param(
        grid_bot_document() | {"spec": {**grid_bot_document()["spec"], 5: 1}},
        "spec[the number 5]: unknown field",
        id="field-name-is-a-number",
    ),
    pytest.param(
        allocation_document(shares=[{"kind": "GridBot", "name": "a", "percent": 1, "x": 1}]),
        "spec.shares[0].x: unknown field, expected one of kind, name, percent",
        id="unknown-field-in-a-list",
    ),
    # Types.
    pytest.param(
        grid_bot_document(grids="10"),
        'spec.grids: expected a whole number, was "10"',
        id="whole-number-in-quotes",
    ),
    pytest.param(
        grid_bot_document(grids=2.5),
        "spec.grids: expected a whole number, was the number 2.5",
        id="fraction-of-a-grid",
    ),
    pytest.param(
        grid_bot_document(grids=True),
        "spec.grids: expected a whole number, was true",
        id="boolean-is-no-number",
    ),
    pytest.param(
        grid_bot_document(grids=float("nan")),
        "spec.grids: expected a whole number, was the number nan",
        id="nan",
    ),
    pytest.param(
        allocation_document(halt="yes"),
        'spec.halt: expected true or false, was "yes"',
        id="text-is-no-boolean",
    ),
    pytest.param(
        allocation_document(halt=1),
        "spec.halt: expected true or false, was the number 1",
        id="number-is-no-boolean",
    ),
    pytest.param(
        grid_bot_document(allocationRef="main"),
        'spec.allocationRef: expected an object, was "main"',
        id="reference-without-name",
    ),
    pytest.param(
        allocation_document(shares={"a": 1}),
        "spec.shares: expected a list, was an object",
        id="object-is-no-list",
    ),
    pytest.param(
        allocation_document(shares=[None]),
        "spec.shares[0]: expected an object, was nothing",
        id="nothing-in-a-list",
    ),
    pytest.param(
        grid_bot_document(image=datetime(2026, 1, 1, tzinfo=UTC)),
        "spec.image: expected text that is not empty, was a datetime",
        id="yaml-date",
    ),
    pytest.param(
        grid_bot_document(image=""),
        'spec.image: expected text that is not empty, was ""',
        id="empty-image",
    ),
    # Decimals.
    pytest.param(
        grid_bot_document(lowerPrice=90000000),
        'spec.lowerPrice: expected a decimal number > 0 in quotes, such as "0.5", '
        "was the number 90000000: put it in quotes",
        id="price-without-quotes",
    ),
    pytest.param(
        allocation_document(budget=1.5),
        'spec.budget: expected a decimal number > 0 in quotes, such as "0.5", '
        "was the number 1.5: put it in quotes",
        id="fraction-without-quotes",
    ),
    pytest.param(
        allocation_document(budget="1e5"),
        'spec.budget: expected a decimal number > 0 in quotes, such as "0.5", was "1e5"',
        id="exponent",
    ),
    pytest.param(allocation_document(budget="01"), 'such as "0.5", was "01"', id="leading-zero"),
    pytest.param(allocation_document(budget="-1"), 'such as "0.5", was "-1"', id="negative-budget"),
    pytest.param(allocation_document(budget="0"), 'such as "0.5", was "0"', id="no-budget"),
    pytest.param(
        allocation_document(budget="10,000"), 'such as "0.5", was "10,000"', id="thousands"
    ),
    pytest.param(
        allocation_document(budget="10000000 KRW"), 'was "10000000 KRW"', id="with-currency"
    ),
    pytest.param(
        allocation_document(budget="1" * 40),
        "spec.budget: expected at most 37 signs, were 40",
        id="huge-budget",
    ),
    pytest.param(
        allocation_document(budget=10**5000),
        "was a huge number: put it in quotes",
        id="huge-number-without-quotes",
    ),
    # Limits.
    pytest.param(grid_bot_document(grids=1), "spec.grids: must be >= 2, was 1", id="one-grid"),
    pytest.param(
        grid_bot_document(grids=101), "spec.grids: must be <= 100, was 101", id="too-many-grids"
    ),
    pytest.param(
        grid_bot_document(grids=10**400),
        "spec.grids: must be <= 100, was a huge number",
        id="huge-number-of-grids",
    ),
    pytest.param(
        grid_bot_document(leverage=21), "spec.leverage: must be <= 20, was 21", id="leverage"
    ),
    pytest.param(
        allocation_document(shares=shares(0)),
        "spec.shares[0].percent: must be >= 1, was 0",
        id="share-of-nothing",
    ),
    pytest.param(
        allocation_document(shares=shares(*[1] * 11)),
        "spec.shares: expected at most 10 items, were 11",
        id="eleven-shares",
    ),
    pytest.param(
        allocation_document(maxBots=11), "spec.maxBots: must be <= 10, was 11", id="eleven-bots"
    ),
    pytest.param(
        allocation_document(shares=[*shares(1), *shares(2)]),
        'spec.shares[1]: expected each kind and name once, was there before: "GridBot" "bot-0"',
        id="two-shares-for-one-bot",
    ),
    # Choices and names.
    pytest.param(
        allocation_document(mode="live"),
        'spec.mode: expected one of Paper, Live, was "live", did you mean Live?',
        id="small-letters",
    ),
    pytest.param(
        grid_bot_document(state="Paused"),
        'spec.state: expected one of Running, Stopped, was "Paused"',
        id="unknown-state",
    ),
    pytest.param(
        grid_bot_document(interval="1h"),
        "spec.interval: expected one of 1m, 5m, 15m, 30m, 60m, 240m, 1d, ",
        id="unknown-interval",
    ),
    pytest.param(
        grid_bot_document(interval=60),
        "spec.interval: expected one of 1m, 5m, 15m, 30m, 60m, 240m, 1d, was the number 60",
        id="interval-is-a-number",
    ),
    pytest.param(
        grid_bot_document(symbol="BTC"),
        'spec.symbol: expected a market such as KRW-BTC or BTC/USDT, was "BTC"',
        id="no-market",
    ),
    pytest.param(
        grid_bot_document(symbol="auto"),
        'spec.symbol: expected a market such as KRW-BTC or BTC/USDT, was "auto"',
        id="a-grid-has-no-auto",
    ),
    pytest.param(
        trading_bot_document(symbol="krw-btc"),
        'spec.symbol: expected auto or a market such as KRW-BTC or BTC/USDT, was "krw-btc"',
        id="market-in-small-letters",
    ),
    pytest.param(
        grid_bot_document(storage={"size": "1 GB"}),
        'spec.storage.size: expected an amount such as "1", 100m, 64Mi or 1Gi, was "1 GB"',
        id="odd-amount",
    ),
    pytest.param(
        without(grid_bot_document(), "spec", "upperPrice"),
        "spec.upperPrice: required and missing: Highest line, quote currency",
        id="no-upper-price",
    ),
    # Rules.
    pytest.param(
        allocation_document(shares=shares(50, 51)),
        "spec.shares: the shares must sum to at most 100 percent, were 101",
        id="shares-over-100",
    ),
    pytest.param(
        allocation_document(shares=shares(1, 1, 1), maxBots=2),
        "spec.shares: there must be at most as many shares as maxBots says, were 3 with maxBots 2",
        id="more-shares-than-bots",
    ),
    pytest.param(
        allocation_document(**without(LIVE, "credentialsSecretRef")),
        "spec.credentialsSecretRef: mode Live needs credentialsSecretRef",
        id="live-without-keys",
    ),
    pytest.param(
        allocation_document(**LIVE | {"acknowledgeLiveTrading": False}),
        "spec.acknowledgeLiveTrading: mode Live needs acknowledgeLiveTrading: true",
        id="live-without-consent",
    ),
    pytest.param(
        allocation_document(**without(LIVE, "exchange")),
        "spec.exchange.name: mode Live needs a real exchange: "
        "exchange.name paper trades on paper only",
        id="live-on-paper",
    ),
    pytest.param(
        allocation_document(risk={"maxDrawdownPercent": "101"}),
        "spec.risk.maxDrawdownPercent: maxDrawdownPercent must be <= 100, was 101",
        id="drawdown-over-100",
    ),
    pytest.param(
        grid_bot_document(lowerPrice="110000000"),
        "spec.lowerPrice: lowerPrice must be < upperPrice, were 110000000 and 110000000",
        id="lower-equals-upper",
    ),
    pytest.param(
        grid_bot_document(lowerPrice="9.5", upperPrice="10.25", stopLoss="9.50"),
        "spec.stopLoss: stopLoss must be < lowerPrice, were 9.50 and 9.5",
        id="stop-loss-inside",
    ),
    pytest.param(
        grid_bot_document(takeProfit="100000000"),
        "spec.takeProfit: takeProfit must be > upperPrice, were 100000000 and 110000000",
        id="take-profit-inside",
    ),
    pytest.param(
        grid_bot_document(trailingUp={"limitPrice": "110000000"}),
        "spec.trailingUp.limitPrice: trailingUp.limitPrice must be > upperPrice, "
        "else the grid can never move: were 110000000 and 110000000",
        id="trailing-nowhere",
    ),
    pytest.param(
        trading_bot_document(strategy={}),
        "spec.strategy: exactly one of staged, signal, breakout, ai must be set, were 0",
        id="no-strategy",
    ),
    pytest.param(
        trading_bot_document(strategy={"ai": {}, "staged": {}}),
        "spec.strategy: exactly one of staged, signal, breakout, ai must be set, were 2",
        id="two-strategies",
    ),
    pytest.param(
        staged(geometricRatio="2.5"),
        "spec.strategy.staged.geometricRatio: geometricRatio must be >= 1 and <= 2, was 2.5",
        id="decimal-out-of-bounds",
    ),
    pytest.param(
        staged(jitterPercent="50"),
        "spec.strategy.staged.jitterPercent: jitterPercent must be < 50, was 50",
        id="excluded-bound",
    ),
    pytest.param(
        trading_bot_document(strategy={"ai": {"minConfidence": "70"}}),
        "spec.strategy.ai.minConfidence: minConfidence must be <= 1, was 70",
        id="percent-for-a-fraction",
    ),
]

CHANGES = [
    pytest.param(
        grid_bot_document(),
        grid_bot_document(allocationRef={"name": "other"}),
        "spec.allocationRef.name: allocationRef.name cannot be changed: "
        "delete the bot and create a new one",
        id="another-allocation",
    ),
    pytest.param(
        trading_bot_document(storage={"size": "2Gi"}),
        trading_bot_document(),
        "spec.storage.size: storage.size cannot be changed: delete the bot and create a new one",
        id="size-removed-counts-as-the-default",
    ),
    pytest.param(
        allocation_document(exchange={"name": "upbit"}),
        allocation_document(exchange={"name": "binance"}),
        "spec.exchange.name: exchange.name cannot be changed: create a new Allocation",
        id="another-exchange",
    ),
    pytest.param(
        allocation_document(**LIVE, shares=shares(10)),
        allocation_document(exchange={"name": "upbit"}),
        "spec.mode: mode cannot go from Live to Paper while there are shares: "
        "remove the shares first",
        id="live-to-paper-with-shares-before",
    ),
    pytest.param(
        allocation_document(**LIVE),
        allocation_document(exchange={"name": "upbit"}, shares=shares(10)),
        "spec.mode: mode cannot go from Live to Paper while there are shares: "
        "remove the shares first",
        id="live-to-paper-with-shares-after",
    ),
]
