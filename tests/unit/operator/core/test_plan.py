from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from dantaro_crds.v1alpha1.allocation import Allocation
from dantaro_crds.v1alpha1.common import BotState, DeletionPolicy
from dantaro_crds.v1alpha1.conditions import Reason
from dantaro_crds.wire.bot_config import BotConfig
from dantaro_operator.core.allocation import NO_CAPS, RiskCaps
from dantaro_operator.core.bots import MARKET_START, Bot
from dantaro_operator.core.checks import Claim, Situation
from dantaro_operator.core.plan import MarketMoment, Plan, decide_plan
from tests.support.bots import make_allocation, make_grid_bot, make_settings, make_trading_bot

pytestmark = pytest.mark.unit

DELETED = {"deletionTimestamp": "2026-01-02T00:00:00Z"}
NO_CLOCK = MarketMoment()
MARKET = datetime(2025, 9, 3, 4, 5, tzinfo=UTC)


def plan(
    bot: Bot,
    allocation: Allocation | None = None,
    *,
    last: BotConfig | None = None,
    market: MarketMoment = NO_CLOCK,
    caps: RiskCaps = NO_CAPS,
) -> Plan:
    at = Situation(
        bot=bot,
        allocation=allocation,
        accounts=(allocation,) if allocation else (),
        claims=(Claim(bot=bot),),
    )
    return decide_plan(at, last=last, settings=make_settings(caps), market=market)


def config_of(bot: Bot, allocation: Allocation) -> BotConfig:
    workload = plan(bot, allocation).workload
    assert workload is not None
    return workload.config


def test_a_plan_holds_the_whole_configuration() -> None:
    bot = make_grid_bot(
        metadata={"generation": 3, "annotations": {"dantaro.io/reset": "now"}},
        risk={"maxDailyLoss": "400000"},
        image="registry/image:1",
        storage={"size": "2Gi"},
    )
    allocation = make_allocation(risk={"maxDailyLoss": "600000"}, rateLimit={"ordersPerSecond": 8})
    workload = plan(bot, allocation).workload
    assert workload is not None
    config = workload.config
    assert (config.kind, config.name, config.generation, config.reset) == (
        "GridBot",
        "grid",
        3,
        "now",
    )
    assert (config.budget, config.orders_per_second) == (Decimal(5_000_000), Decimal(4))
    assert config.risk.max_daily_loss == Decimal(300_000)
    assert config.strategy.grid == bot.spec.grid
    assert (config.store_url, config.central.url) == (
        "sqlite:///bots/grid/paper.db",
        "http://127.0.0.1:1",
    )
    assert (workload.image, workload.storage_size) == ("registry/image:1", "2Gi")
    assert workload.secret_name is None
    assert workload.uid == bot.metadata.uid


def test_a_trading_bot_brings_its_strategy() -> None:
    bot = make_trading_bot(strategy={"staged": {"stages": 3}})
    config = config_of(bot, make_allocation())
    assert config.strategy.staged is not None
    assert (config.strategy.name, config.strategy.staged.stages) == ("staged", 3)


@pytest.mark.parametrize(
    ("annotation", "market", "want_start", "want_time"),
    [
        pytest.param(None, MarketMoment(), "first", None, id="before-there-is-a-clock"),
        pytest.param(
            None,
            MarketMoment(started=True, time=MARKET),
            "2025-09-03T04:05:00Z",
            MARKET,
            id="added-later-starts-now",
        ),
        pytest.param(
            "first", MarketMoment(started=True, time=MARKET), "first", None, id="kept-first"
        ),
        pytest.param(
            "2025-09-01T00:00:00Z",
            MarketMoment(started=True, time=MARKET),
            "2025-09-01T00:00:00Z",
            datetime(2025, 9, 1, tzinfo=UTC),
            id="kept-time",
        ),
        pytest.param("nonsense", MarketMoment(), "nonsense", None, id="broken-by-hand"),
    ],
)
def test_a_bot_trades_from_its_own_start(
    annotation: str | None, market: MarketMoment, want_start: str, want_time: datetime | None
) -> None:
    marks = {MARKET_START: annotation} if annotation else {}
    found = plan(make_grid_bot(metadata={"annotations": marks}), make_allocation(), market=market)
    assert found.workload is not None
    assert (found.market_start, found.workload.config.start_time) == (want_start, want_time)


def test_a_new_bot_waits_for_the_market_time() -> None:
    found = plan(make_grid_bot(), make_allocation(), market=MarketMoment(started=True))
    assert (found.workload, found.market_start) == (None, None)
    assert "what time it is" in found.waits_for


@pytest.mark.parametrize(
    ("spec", "metadata", "want"),
    [
        pytest.param({"halt": True}, {}, True, id="kill-switch"),
        pytest.param({}, DELETED, True, id="deleted-allocation-acts-as-halted"),
        pytest.param({}, {}, False, id="neither"),
    ],
)
def test_an_account_halts_its_bots(
    spec: dict[str, Any], metadata: dict[str, Any], want: bool
) -> None:
    assert config_of(make_grid_bot(), make_allocation(metadata=metadata, **spec)).halt is want


def test_a_deleted_bot_is_drained_by_its_policy() -> None:
    bot = make_grid_bot(metadata=DELETED, deletionPolicy="Flatten")
    assert config_of(bot, make_allocation()).drain is DeletionPolicy.FLATTEN


def test_a_refused_bot_that_never_ran_has_nothing_to_run() -> None:
    found = plan(make_grid_bot())
    assert found.workload is None
    assert found.refusal is not None
    assert found.refusal.reason is Reason.ALLOCATION_NOT_FOUND


@pytest.mark.parametrize(
    ("change", "allocation", "want_halt"),
    [
        pytest.param({"leverage": 3}, make_allocation(), False, id="wrong-spec-goes-on-as-it-was"),
        pytest.param({}, make_allocation(shares=[]), True, id="share-gone-opens-nothing-new"),
        pytest.param({}, None, True, id="allocation-gone-opens-nothing-new"),
        pytest.param(
            {"leverage": 3}, make_allocation(halt=True), True, id="kill-switch-still-works"
        ),
    ],
)
def test_a_refused_bot_that_ran_keeps_its_configuration(
    change: dict[str, Any], allocation: Allocation | None, want_halt: bool
) -> None:
    last = config_of(make_grid_bot(), make_allocation())
    found = plan(make_grid_bot(metadata={"generation": 2}, **change), allocation, last=last)
    assert found.workload is not None
    assert found.workload.config == last.model_copy(update={"halt": want_halt})


def test_stop_delete_and_reset_reach_even_a_refused_bot() -> None:
    last = config_of(make_grid_bot(), make_allocation())
    bot = make_grid_bot(
        metadata=DELETED | {"annotations": {"dantaro.io/reset": "x"}}, leverage=3, state="Stopped"
    )
    workload = plan(bot, make_allocation(), last=last).workload
    assert workload is not None
    config = workload.config
    assert (config.state, config.drain, config.reset) == (
        BotState.STOPPED,
        DeletionPolicy.CANCEL_ORDERS,
        "x",
    )
    assert config.leverage == 1


ACCEPTS = {"annotations": {"dantaro.io/accept-loss": "2026-11-21"}}


def test_the_day_whose_loss_a_person_accepts_reaches_the_bot() -> None:
    bot = make_grid_bot(metadata=ACCEPTS)
    assert config_of(bot, make_allocation()).accept_loss == date(2026, 11, 21)
    assert config_of(make_grid_bot(), make_allocation()).accept_loss is None


@pytest.mark.parametrize(
    ("metadata", "want"),
    [
        pytest.param(ACCEPTS, date(2026, 11, 21), id="a-day"),
        pytest.param({}, None, id="taken-back"),
        pytest.param({"annotations": {"dantaro.io/accept-loss": "x"}}, None, id="no-day"),
    ],
)
def test_the_accepted_day_reaches_even_a_refused_bot(
    metadata: dict[str, Any], want: date | None
) -> None:
    last = config_of(make_grid_bot(), make_allocation()).model_copy(
        update={"accept_loss": date(2026, 11, 20)}
    )
    workload = plan(make_grid_bot(metadata=metadata, leverage=3), make_allocation(), last=last)
    assert workload.workload is not None
    assert workload.workload.config.accept_loss == want


def test_the_bots_and_the_accounts_limits_are_capped_by_the_operator() -> None:
    caps = RiskCaps(
        max_daily_loss={"KRW": Decimal(200_000)},
        max_drawdown_percent=Decimal(8),
        max_orders_per_minute=70,
    )
    bot = make_grid_bot(risk={"maxDrawdownPercent": "30"})
    allocation = make_allocation(risk={"maxDailyLoss": "600000", "maxDrawdownPercent": "20"})
    workload = plan(bot, allocation, caps=caps).workload
    assert workload is not None
    risk = workload.config.risk
    assert (risk.max_daily_loss, risk.max_drawdown_percent) == (Decimal(200_000), Decimal(8))
    assert risk.max_orders_per_minute is None
    assert [(item.name, item.asked, item.cap) for item in workload.lowered] == [
        ("maxDailyLoss", Decimal(300_000), Decimal(200_000)),
        ("maxDrawdownPercent", Decimal(20), Decimal(8)),
    ]


def test_caps_reach_even_a_refused_bot() -> None:
    last = config_of(make_grid_bot(), make_allocation())
    caps = RiskCaps(max_position_percent=Decimal(40))
    held = plan(make_grid_bot(leverage=3), make_allocation(), last=last, caps=caps).workload
    assert held is not None
    assert held.config.risk.max_position_percent == Decimal(40)
