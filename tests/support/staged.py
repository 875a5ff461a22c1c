"""Builders for tests of the staged strategy: the inputs of its guide's examples."""

from datetime import datetime
from decimal import Decimal
from typing import Any

from dantaro_crds.v1alpha1.strategies import StagedStrategy
from dantaro_crds.venues import rules_for
from dantaro_crds.wire.bundle import Analysis, SupportLevel, SupportLevels
from dantaro_runtime.core.strategies.protocol import Context
from dantaro_runtime.core.strategies.staged import StagedState, StagedTrading
from tests.support.strategy_run import START, HandRun, PaperStrategyRun

__all__ = [
    "entered",
    "make_analysis",
    "make_context",
    "make_hand_run",
    "make_paper_run",
    "make_parameters",
    "target_price",
]


def make_parameters(**fields: Any) -> StagedStrategy:
    """Return parameters; defaults are those of the examples: 5 stages, 1.5 %."""
    return StagedStrategy(**fields)


def make_analysis(
    price: str | None = "2900",
    *,
    broken: bool = False,
    reason: str | None = None,
    data_until: datetime = START,
) -> Analysis:
    """Return an analysis whose moderate support level is `price`, the others beside it."""
    level = None if price is None else Decimal(price)
    lower = level - 100 if level is not None and level > 100 else level
    return Analysis(
        data_until=data_until,
        support_levels=SupportLevels(
            aggressive=SupportLevel(window_days=7, price=level and level + 100),
            moderate=SupportLevel(window_days=30, price=level, broken=broken, reason=reason),
            conservative=SupportLevel(window_days=90, price=lower),
        ),
    )


def make_context(**fields: Any) -> Context:
    """Return the context of the examples: price 3240, support 2900, 1,000,000 KRW."""
    defaults: dict[str, Any] = {
        "bot_uid": "bot-1",
        "time": START,
        "last": Decimal(3240),
        "rules": rules_for("paper", "KRW-ABC"),
        "slippage_ticks": 0,
        "budget": Decimal(1_000_000),
        "quote": Decimal(1_000_000),
        "base": Decimal(0),
        "entries_allowed": True,
        "analysis": make_analysis(),
        "live_orders": 0,
    }
    return Context(**{**defaults, **fields})


def make_hand_run(
    *, money: str = "1000000", last: str = "3240", slow: bool = False, **fields: Any
) -> HandRun[StagedState]:
    """Return a run whose venue the test moves by hand."""
    return HandRun(
        strategy=StagedTrading(make_parameters(**fields)),
        money=Decimal(money),
        last=Decimal(last),
        analysis=make_analysis(),
        has_slow_cancels=slow,
    )


def make_paper_run(
    *, money: str = "1000000", uid: str = "bot-1", slippage_ticks: int = 0, **fields: Any
) -> PaperStrategyRun[StagedState]:
    """Return a run on the paper market."""
    return PaperStrategyRun(
        strategy=StagedTrading(make_parameters(**fields)),
        money=Decimal(money),
        last=Decimal(3240),
        analysis=make_analysis(),
        uid=uid,
        slippage_ticks=slippage_ticks,
    )


def entered(**fields: Any) -> HandRun[StagedState]:
    """Return a run that holds its first stage."""
    run = make_hand_run(**fields)
    run.open()
    run.fill("s0")
    return run


def target_price(run: HandRun[StagedState]) -> Decimal:
    """Return the limit of the live sale at a profit."""
    price = run.order("tp").price
    assert price is not None
    return price
