"""What the schema cannot check: an object against its account, siblings, this version.

Each check returns a `Refusal` or None; the first of an ordered tuple wins.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import Decimal
from difflib import get_close_matches
from functools import lru_cache

from dantaro_crds.errors import SpecError
from dantaro_crds.v1alpha1.allocation import Allocation
from dantaro_crds.v1alpha1.common import Mode
from dantaro_crds.v1alpha1.conditions import Reason
from dantaro_crds.v1alpha1.grid_bot import GridBot
from dantaro_crds.v1alpha1.grid_bot_funcs import check_budget, check_grid
from dantaro_crds.v1alpha1.metadata import ACCEPT_LOSS_ANNOTATION
from dantaro_crds.v1alpha1.staged_funcs import check_staged_budget, to_single_stage
from dantaro_crds.v1alpha1.strategies import GridParameters, StagedStrategy
from dantaro_crds.v1alpha1.trading_bot import TradingBot
from dantaro_crds.values import quote_of
from dantaro_crds.venues import rules_for
from dantaro_operator.core.allocation import build_part
from dantaro_operator.core.bots import AUTO, Bot, label, seniority

__all__ = [
    "ACCOUNT_CHECKS",
    "BOT_CHECKS",
    "Claim",
    "Refusal",
    "Situation",
    "refuse_account",
    "refuse_bot",
]

EXCHANGES = frozenset({"paper", "upbit"})
"""Exchanges whose rules this version knows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """Why an object cannot be carried out as it is.

    Attributes:
        reason: PascalCase code.
        message: What was expected, what was found, what to do.
        field: Field to blame, dotted from the root of the object.
        halts: Whether a bot that runs already must open nothing new until this is mended.
    """

    reason: Reason
    message: str
    field: str
    halts: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """A sibling's hold on a market.

    Attributes:
        bot: The sibling.
        symbols: Markets that it trades already; empty if it never ran.
    """

    bot: Bot
    symbols: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """A bot among the others.

    Attributes:
        bot: The bot.
        allocation: Its account; None if there is no such object.
        accounts: All Allocations, its own among them.
        claims: All bots of the account, this one among them.
        wrong_at: `file:line` where its Allocation stands and is refused; empty if nowhere.
        is_live_open: Whether this operator runs accounts that trade live.
    """

    bot: Bot
    allocation: Allocation | None
    accounts: tuple[Allocation, ...] = ()
    claims: tuple[Claim, ...] = ()
    wrong_at: str = ""
    is_live_open: bool = False


def refuse_account(
    allocation: Allocation, accounts: Iterable[Allocation], *, is_live_open: bool
) -> Refusal | None:
    """Return why an Allocation cannot be carried out, or None.

    Args:
        allocation: The object.
        accounts: All Allocations, this one among them.
        is_live_open: Whether this operator runs accounts that trade live.
    """
    others = tuple(accounts)
    verdicts = (check(allocation, others) for check in ACCOUNT_CHECKS)
    refusal = next((verdict for verdict in verdicts if verdict is not None), None)
    if refusal is not None or allocation.spec.mode is Mode.PAPER or is_live_open:
        return refusal
    return Refusal(
        reason=Reason.LIVE_UNAVAILABLE,
        field="spec.mode",
        message="expected Paper, was Live: nobody trades with real money here before whoever runs "
        "Dantaro sets DANTARO_OPERATOR_LIVE_TRADING to true",
    )


def refuse_bot(situation: Situation) -> Refusal | None:
    """Return why a bot cannot be carried out, or None.

    Of one whose market is not picked yet only what does not depend on the market is looked at.
    """
    checks = PLAIN_CHECKS if situation.bot.spec.symbol == AUTO else BOT_CHECKS
    verdicts = (check(situation) for check in checks)
    return next((verdict for verdict in verdicts if verdict is not None), None)


def _exchange_known(allocation: Allocation, _: tuple[Allocation, ...]) -> Refusal | None:
    name = allocation.spec.exchange.name
    if name in EXCHANGES:
        return None
    return Refusal(
        reason=Reason.VENUE_UNSUPPORTED,
        field="spec.exchange.name",
        message=f"expected {' or '.join(sorted(EXCHANGES))}, was {name}: "
        "bots are planned by Upbit's price steps and minimums only, on paper and live",
    )


def _secret_free(allocation: Allocation, accounts: tuple[Allocation, ...]) -> Refusal | None:
    secret = allocation.spec.credentials_secret_ref
    if allocation.spec.mode is not Mode.LIVE or secret is None:
        return None
    for other in accounts:
        if (
            other.spec.mode is Mode.LIVE
            and other.spec.credentials_secret_ref == secret
            and other.metadata.namespace == allocation.metadata.namespace
            and seniority(other) < seniority(allocation)
        ):
            return Refusal(
                reason=Reason.ACCOUNT_TAKEN,
                field="spec.credentialsSecretRef.name",
                message=f"expected a Secret of its own, but {secret.name} is used by the older "
                f"{label(other)}: put the bots into that one",
            )
    return None


ACCOUNT_CHECKS: tuple[Callable[[Allocation, tuple[Allocation, ...]], Refusal | None], ...] = (
    _exchange_known,
    _secret_free,
)
"""Checks of an Allocation, in order."""


def _account_exists(at: Situation) -> Refusal | None:
    if at.allocation is not None:
        return None
    name, space = at.bot.spec.allocation_ref.name, at.bot.metadata.namespace
    if at.wrong_at:
        return Refusal(
            reason=Reason.ALLOCATION_INVALID,
            field="spec.allocationRef.name",
            message=f"Allocation/{name} is wrong ({at.wrong_at}): mend it",
            halts=True,
        )
    names = [item.metadata.name for item in at.accounts if item.metadata.namespace == space]
    similar = get_close_matches(name, names, n=1)
    advice = f"did you mean {similar[0]}?" if similar else "create it, with a share for this bot"
    return Refusal(
        reason=Reason.ALLOCATION_NOT_FOUND,
        field="spec.allocationRef.name",
        message=f"expected the name of an Allocation in namespace {space}, "
        f"found none named {name}: {advice}",
        halts=True,
    )


def _account_right(at: Situation) -> Refusal | None:
    if at.allocation is None:
        return None
    refusal = refuse_account(at.allocation, at.accounts, is_live_open=at.is_live_open)
    if refusal is None:
        return None
    return Refusal(
        reason=refusal.reason,
        field="spec.allocationRef.name",
        message=f"{label(at.allocation)} is refused: {refusal.field}: {refusal.message}",
        halts=True,
    )


def _has_share(at: Situation) -> Refusal | None:
    bot, allocation = at.bot, at.allocation
    if allocation is None or allocation.spec.share_of(bot.kind, bot.metadata.name):
        return None
    return Refusal(
        reason=Reason.NO_SHARE,
        field="spec.allocationRef.name",
        message=f"expected a share in {label(allocation)}, found none: add "
        f"{{kind: {bot.kind}, name: {bot.metadata.name}, percent: ...}} to its spec.shares",
        halts=True,
    )


def _spot_only(at: Situation) -> Refusal | None:
    if at.bot.spec.leverage == 1:
        return None
    return Refusal(
        reason=Reason.LEVERAGE_UNSUPPORTED,
        field="spec.leverage",
        message=f"expected 1, was {at.bot.spec.leverage}: this exchange trades spot only",
    )


def _interval_fits(at: Situation) -> Refusal | None:
    bot = at.bot
    if not isinstance(bot, TradingBot) or bot.spec.strategy.breakout is None:
        return None
    if bot.spec.interval.span < timedelta(days=1):
        return None
    return Refusal(
        reason=Reason.PLAN_REFUSED,
        field="spec.interval",
        message=f"expected an interval shorter than a day, was {bot.spec.interval}: the strategy "
        "breakout looks at candles within the day, such as 15m",
    )


def _accepts_a_day(at: Situation) -> Refusal | None:
    try:
        _ = at.bot.metadata.accept_loss
    except ValueError as error:
        return Refusal(
            reason=Reason.SPEC_INVALID,
            field=f"metadata.annotations[{ACCEPT_LOSS_ANNOTATION}]",
            message=f"{error}: name the trading day (Asia/Seoul) whose loss is accepted",
        )
    return None


def _quote_fits(at: Situation) -> Refusal | None:
    if at.allocation is None:
        return None
    quote, currency = quote_of(at.bot.spec.symbol), at.allocation.spec.quote_currency
    if quote == currency:
        return None
    return Refusal(
        reason=Reason.QUOTE_MISMATCH,
        field="spec.symbol",
        message=f"expected a market quoted in {currency} like {label(at.allocation)}, "
        f"was {at.bot.spec.symbol}, quoted in {quote}",
    )


def _market_known(at: Situation) -> Refusal | None:
    if at.allocation is None:
        return None
    try:
        rules_for(at.allocation.spec.exchange.name, at.bot.spec.symbol)
    except SpecError as error:
        return Refusal(reason=Reason.SYMBOL_UNKNOWN, field="spec.symbol", message=error.message)
    return None


PLAIN_CHECKS: tuple[Callable[[Situation], Refusal | None], ...] = (
    _account_exists,
    _account_right,
    _has_share,
    _spot_only,
    _interval_fits,
    _accepts_a_day,
)
"""Checks of a bot that do not look at its market, in order: each may rely on those before it."""

STANDALONE_CHECKS: tuple[Callable[[Situation], Refusal | None], ...] = (
    *PLAIN_CHECKS,
    _quote_fits,
    _market_known,
)
"""Checks of a bot without its siblings, in order: each may rely on those before it."""


def _market_free(at: Situation) -> Refusal | None:
    """A bot that trades the market already comes first; else the older one."""
    symbol = at.bot.spec.symbol

    def rank(claim: Claim) -> tuple[object, ...]:
        return (symbol not in claim.symbols, *seniority(claim.bot))

    rivals = [claim for claim in at.claims if _claims(claim, symbol, at)]
    first = min(rivals, key=rank, default=None)
    if first is None or first.bot.key == at.bot.key:
        return None
    return Refusal(
        reason=Reason.SYMBOL_TAKEN,
        field="spec.symbol",
        message=f"expected a market of its own, but {label(first.bot)} of the same account "
        f"trades {symbol}: choose another market or another Allocation",
    )


def _claims(claim: Claim, symbol: str, at: Situation) -> bool:
    """A bot that never ran and is refused anyway keeps no other from a market."""
    if symbol in claim.symbols or claim.bot.key == at.bot.key:
        return True
    if claim.bot.spec.symbol != symbol:
        return False
    alone = replace(at, bot=claim.bot, claims=())
    return not any(check(alone) for check in STANDALONE_CHECKS)


def _strategy_fits(at: Situation) -> Refusal | None:
    """Of a strategy against its venue and money."""
    bot, allocation = at.bot, at.allocation
    share = allocation.spec.share_of(bot.kind, bot.metadata.name) if allocation else None
    if allocation is None or share is None:
        return None
    parameters: GridParameters | StagedStrategy | None
    if isinstance(bot, GridBot):
        parameters = bot.spec.grid
    else:
        strategy = bot.spec.strategy
        single = strategy.signal or strategy.breakout or strategy.ai
        parameters = to_single_stage(single) if single else strategy.staged
    if parameters is None:
        return None
    budget = build_part(allocation, share).budget
    return _refuse_plan(parameters, allocation.spec.exchange.name, bot.spec.symbol, budget)


@lru_cache(maxsize=4096)
def _refuse_plan(
    parameters: GridParameters | StagedStrategy, exchange: str, symbol: str, budget: Decimal
) -> Refusal | None:
    """Each bot is looked at all the time, and every cell of its grid; the answer stays."""
    rules = rules_for(exchange, symbol)
    try:
        if isinstance(parameters, GridParameters):
            check_grid(parameters, rules)
            check_budget(parameters, rules, budget=budget)
        else:
            check_staged_budget(parameters, rules, budget=budget)
    except SpecError as error:
        small = error.code == Reason.BUDGET_TOO_SMALL
        reason = Reason.BUDGET_TOO_SMALL if small else Reason.PLAN_REFUSED
        return Refusal(reason=reason, field=error.field, message=error.message)
    return None


BOT_CHECKS: tuple[Callable[[Situation], Refusal | None], ...] = (
    *STANDALONE_CHECKS,
    _market_free,
    _strategy_fits,
)
"""Checks of a bot, in order."""
