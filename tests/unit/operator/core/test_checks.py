from typing import Any

import pytest

from dantaro_crds.v1alpha1.allocation import Allocation
from dantaro_crds.v1alpha1.conditions import Reason
from dantaro_operator.core.bots import Bot, account_of
from dantaro_operator.core.checks import BOT_CHECKS, Claim, Situation, refuse_account, refuse_bot
from tests.support.bots import make_allocation, make_grid_bot, make_trading_bot, share

pytestmark = pytest.mark.unit

LIVE: dict[str, Any] = {
    "mode": "Live",
    "exchange": {"name": "upbit"},
    "credentialsSecretRef": {"name": "keys"},
    "acknowledgeLiveTrading": True,
}
OLD = {"creationTimestamp": "2025-01-01T00:00:00Z"}
SYMBOLS = frozenset({"KRW-BTC"})


def situation(bot: Bot, allocation: Allocation | None = None, *others: Claim) -> Situation:
    own = Claim(bot=bot)
    claims = (own, *others) if not any(c.bot.key == bot.key for c in others) else others
    is_own = allocation is not None and allocation.key == account_of(bot)
    return Situation(
        bot=bot,
        allocation=allocation if is_own else None,
        accounts=(allocation,) if allocation else (),
        claims=claims,
    )


@pytest.mark.parametrize("bot", [make_grid_bot(), make_trading_bot()], ids=lambda bot: bot.kind)
def test_a_right_bot_is_not_refused(bot: Bot) -> None:
    assert refuse_bot(situation(bot, make_allocation())) is None


@pytest.mark.parametrize(
    ("bot", "allocation", "want_reason", "want_field", "want_words"),
    [
        pytest.param(
            make_grid_bot(),
            None,
            Reason.ALLOCATION_NOT_FOUND,
            "spec.allocationRef.name",
            "found none named main",
            id="no-allocation",
        ),
        pytest.param(
            make_grid_bot("other"),
            make_allocation(),
            Reason.NO_SHARE,
            "spec.allocationRef.name",
            "{kind: GridBot, name: other, percent: ...}",
            id="no-share",
        ),
        pytest.param(
            make_grid_bot(),
            make_allocation(**LIVE),
            Reason.LIVE_UNAVAILABLE,
            "spec.allocationRef.name",
            "Allocation/main is refused: spec.mode",
            id="account-refused",
        ),
        pytest.param(
            make_trading_bot(strategy={"breakout": {}}, interval="1d"),
            make_allocation(),
            Reason.PLAN_REFUSED,
            "spec.interval",
            "expected an interval shorter than a day, was 1d",
            id="breakout-of-days",
        ),
        pytest.param(
            make_grid_bot(metadata={"annotations": {"dantaro.io/accept-loss": "today"}}),
            make_allocation(),
            Reason.SPEC_INVALID,
            "metadata.annotations[dantaro.io/accept-loss]",
            "expected a day such as 2026-01-31, was 'today'",
            id="accepts-no-day",
        ),
        pytest.param(
            make_grid_bot(leverage=2),
            make_allocation(),
            Reason.LEVERAGE_UNSUPPORTED,
            "spec.leverage",
            "expected 1, was 2",
            id="leverage",
        ),
        pytest.param(
            make_grid_bot(symbol="USDT-BTC"),
            make_allocation(),
            Reason.QUOTE_MISMATCH,
            "spec.symbol",
            "quoted in USDT",
            id="another-currency",
        ),
        pytest.param(
            make_grid_bot(symbol="BTC/KRW"),
            make_allocation(),
            Reason.SYMBOL_UNKNOWN,
            "spec.symbol",
            "expected a market of paper or upbit",
            id="market-written-for-another-venue",
        ),
        pytest.param(
            make_grid_bot(),
            make_allocation(budget="10000"),
            Reason.BUDGET_TOO_SMALL,
            "spec.allocationRef",
            "must be at least",
            id="budget-too-small",
        ),
        pytest.param(
            make_trading_bot(),
            make_allocation(budget="100000"),
            Reason.BUDGET_TOO_SMALL,
            "spec.allocationRef",
            "budget of 5 stages must be at least 25018, so that each buy is worth 5000, was 25000",
            id="budget-too-small-for-the-stages",
        ),
        pytest.param(
            make_trading_bot(strategy={"signal": {}}),
            make_allocation(budget="20000"),
            Reason.BUDGET_TOO_SMALL,
            "spec.allocationRef",
            "the budget must be at least 5004, so that each buy is worth 5000, was 5000: raise it",
            id="budget-too-small-for-signal",
        ),
        pytest.param(
            make_trading_bot(strategy={"breakout": {}}),
            make_allocation(budget="20000"),
            Reason.BUDGET_TOO_SMALL,
            "spec.allocationRef",
            "the budget must be at least 5004, so that each buy is worth 5000, was 5000: raise it",
            id="budget-too-small-for-breakout",
        ),
        pytest.param(
            make_trading_bot(strategy={"ai": {}}),
            make_allocation(budget="20000"),
            Reason.BUDGET_TOO_SMALL,
            "spec.allocationRef",
            "the budget must be at least 5004, so that each buy is worth 5000, was 5000: raise it",
            id="budget-too-small-for-ai",
        ),
        pytest.param(
            make_trading_bot(strategy={"staged": {"stages": 3, "sizing": "Linear"}}),
            make_allocation(budget="100000"),
            Reason.BUDGET_TOO_SMALL,
            "spec.allocationRef",
            "the budget of 3 stages must be at least 30022",
            id="budget-too-small-for-the-first-of-growing-stages",
        ),
        pytest.param(
            make_grid_bot(allocationRef={"name": "mian"}),
            make_allocation(),
            Reason.ALLOCATION_NOT_FOUND,
            "spec.allocationRef.name",
            "found none named mian: did you mean main?",
            id="no-allocation-but-a-similar-name",
        ),
        pytest.param(
            make_grid_bot(lowerPrice="90000500"),
            make_allocation(),
            Reason.PLAN_REFUSED,
            "spec.lowerPrice",
            "use 90000000 or 90001000",
            id="off-the-tick",
        ),
        pytest.param(
            make_grid_bot(lowerPrice="100000000", upperPrice="102000000", grids=100),
            make_allocation(),
            Reason.PLAN_REFUSED,
            "spec.grids",
            "each cell must earn",
            id="cells-lose-money",
        ),
    ],
)
def test_a_refusal_says_why_and_where(
    bot: Bot, allocation: Allocation | None, want_reason: Reason, want_field: str, want_words: str
) -> None:
    refusal = refuse_bot(situation(bot, allocation))
    assert refusal is not None
    assert (refusal.reason, refusal.field) == (want_reason, want_field)
    assert want_words in refusal.message


@pytest.mark.parametrize("name", ["staged", "signal", "breakout", "ai"])
def test_each_strategy_is_accepted(name: str) -> None:
    assert refuse_bot(situation(make_trading_bot(strategy={name: {}}), make_allocation())) is None


def test_a_budget_that_may_do_at_some_price_is_not_refused() -> None:
    fits = make_allocation(budget="100100")  # a quarter is 25025, 5 stages need 25012.5
    assert refuse_bot(situation(make_trading_bot(), fits)) is None


def test_an_account_that_is_there_but_wrong_is_to_be_mended_not_created() -> None:
    at = Situation(bot=make_grid_bot(), allocation=None, wrong_at="account.yaml:8")
    refusal = refuse_bot(at)
    assert refusal is not None
    assert refusal.reason is Reason.ALLOCATION_INVALID
    assert refusal.message == "Allocation/main is wrong (account.yaml:8): mend it"


def test_entries_are_halted_only_where_the_money_is_in_doubt() -> None:
    money = refuse_bot(situation(make_grid_bot("other"), make_allocation()))
    spec = refuse_bot(situation(make_grid_bot(leverage=2), make_allocation()))
    assert money is not None
    assert spec is not None
    assert (money.halts, spec.halts) == (True, False)


def rival(name: str = "rival", *, symbols: frozenset[str] = frozenset(), **values: Any) -> Claim:
    return Claim(bot=make_trading_bot(name, symbol="KRW-BTC", **values), symbols=symbols)


BOTH = make_allocation(shares=[share("GridBot", "grid"), share("TradingBot", "rival")])


@pytest.mark.parametrize(
    ("own_symbols", "other", "want_refused"),
    [
        pytest.param(frozenset(), rival(metadata=OLD), True, id="the-older-one-comes-first"),
        pytest.param(frozenset(), rival(), False, id="equally-old-the-name-decides"),
        pytest.param(frozenset(), rival(symbols=SYMBOLS), True, id="who-trades-it-comes-first"),
        pytest.param(SYMBOLS, rival(metadata=OLD), False, id="a-newcomer-does-not-push-out"),
        pytest.param(
            frozenset(),
            rival(metadata=OLD, leverage=2),
            False,
            id="who-can-never-run-keeps-nobody-out",
        ),
        pytest.param(
            frozenset(),
            rival("stranger", metadata=OLD),
            False,
            id="who-has-no-share-keeps-nobody-out",
        ),
    ],
)
def test_one_market_has_one_bot_of_an_account(
    own_symbols: frozenset[str], other: Claim, want_refused: bool
) -> None:
    bot = make_grid_bot()
    refusal = refuse_bot(situation(bot, BOTH, Claim(bot=bot, symbols=own_symbols), other))
    assert (refusal is not None and refusal.reason is Reason.SYMBOL_TAKEN) is want_refused


def test_exactly_one_of_two_rivals_is_refused() -> None:
    grid, other = make_grid_bot(), rival()
    claims = (Claim(bot=grid), other)
    refused = [refuse_bot(situation(claim.bot, BOTH, *claims)) for claim in claims]
    assert [refusal is None for refusal in refused] == [True, False]


@pytest.mark.parametrize(
    ("allocation", "others", "want"),
    [
        pytest.param(make_allocation(), (), None, id="paper"),
        pytest.param(
            make_allocation(exchange={"name": "binance"}), (), Reason.VENUE_UNSUPPORTED, id="venue"
        ),
        pytest.param(make_allocation(**LIVE), (), Reason.LIVE_UNAVAILABLE, id="live"),
        pytest.param(
            make_allocation("later", **LIVE),
            (make_allocation("first", metadata=OLD, **LIVE),),
            Reason.ACCOUNT_TAKEN,
            id="two-live-on-one-secret",
        ),
        pytest.param(
            make_allocation("first", metadata=OLD, **LIVE),
            (make_allocation("later", **LIVE),),
            Reason.LIVE_UNAVAILABLE,
            id="the-older-keeps-the-secret",
        ),
        pytest.param(
            make_allocation("later", metadata={"namespace": "b"}, **LIVE),
            (make_allocation("first", metadata=OLD, **LIVE),),
            Reason.LIVE_UNAVAILABLE,
            id="secrets-of-another-namespace-are-others",
        ),
    ],
)
def test_an_account_is_refused(
    allocation: Allocation, others: tuple[Allocation, ...], want: Reason | None
) -> None:
    refusal = refuse_account(allocation, (allocation, *others), is_live_open=False)
    assert (refusal.reason if refusal else None) == want


def test_checks_run_in_a_fixed_order() -> None:
    assert [check.__name__.strip("_") for check in BOT_CHECKS] == [
        "account_exists",
        "account_right",
        "has_share",
        "spot_only",
        "interval_fits",
        "accepts_a_day",
        "quote_fits",
        "market_known",
        "market_free",
        "strategy_fits",
    ]
