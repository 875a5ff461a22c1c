"""Objects decided together: the plan and the status of each, wherever bots run.

Local mode and the operator in a cluster both come here. Nothing here knows files or manifests.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from dantaro_crds.v1alpha1.allocation import Allocation
from dantaro_crds.v1alpha1.common import Mode
from dantaro_crds.v1alpha1.resource import Resource
from dantaro_crds.v1alpha1.trading_bot import TradingBot
from dantaro_crds.wire.recommendations import Recommendation
from dantaro_operator.core.bots import AUTO, Bot, Key, account_of, allocations_in, bots_in
from dantaro_operator.core.checks import Claim, Refusal, Situation, refuse_account, refuse_bot
from dantaro_operator.core.halt import explain_halt
from dantaro_operator.core.markets.picking import BotView, Pick, pick_markets, symbols_of
from dantaro_operator.core.observed import NOTHING, BotObserved
from dantaro_operator.core.plan import MarketMoment, Plan, decide_plan
from dantaro_operator.core.status import AccountView, build_allocation_status, build_bot_status
from dantaro_operator.core.workload import PlanSettings

__all__ = [
    "Surroundings",
    "find_gone",
    "find_refusals",
    "plan_bots",
    "situations_of",
    "with_markets",
    "with_status",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What plans and status depend on besides the objects.

    Attributes:
        bots: What exists for each bot, by uid.
        market: The market's clock.
        settings: The surroundings of a plan.
        now: Wall time.
        wrong: Where objects stand that are refused, by key.
        recommendations: Markets that central recommends, best first; None while it does not say.
    """

    bots: Mapping[str, BotObserved]
    market: MarketMoment
    settings: PlanSettings
    now: datetime
    wrong: Mapping[Key, str] = field(default_factory=dict)
    recommendations: tuple[Recommendation, ...] | None = None

    @property
    def is_live_open(self) -> bool:
        """Whether this operator runs accounts that trade live."""
        return self.settings.live is not None

    def observed(self, bot: Bot) -> BotObserved:
        """Return what exists for a bot."""
        return self.bots.get(bot.metadata.uid, NOTHING)


def plan_bots(objects: Iterable[Resource], around: Surroundings) -> dict[Key, Plan]:
    """Return the plan of every bot among some objects, by key.

    Args:
        objects: At least all bots of each account, and all Allocations of its namespace.
        around: Everything else.
    """
    resources, picks = with_markets(objects, around)
    return {
        situation.bot.key: decide_plan(
            situation,
            last=around.observed(situation.bot).config,
            settings=around.settings,
            market=around.market,
            pick=picks.get(situation.bot.key),
            is_advised=around.recommendations is not None,
        )
        for situation in situations_of(
            resources, around.bots, around.wrong, is_live_open=around.is_live_open
        )
    }


def with_markets(
    objects: Iterable[Resource], around: Surroundings
) -> tuple[tuple[Resource, ...], dict[Key, Pick]]:
    """Return the objects, `auto` replaced by the market where a bot has one, and the new picks.

    Arguments are those of `plan_bots`.
    """
    resources = tuple(objects)
    markets: dict[Key, str] = {}
    picks: dict[Key, Pick] = {}
    homes = {account_of(bot) for bot in bots_in(resources) if bot.spec.symbol == AUTO}
    if not homes:
        return resources, picks
    situations = situations_of(
        resources, around.bots, around.wrong, is_live_open=around.is_live_open
    )
    for allocation in allocations_in(resources):
        if allocation.key in homes:
            views = [
                BotView(
                    bot=at.bot,
                    observed=around.observed(at.bot),
                    is_sound=at.bot.spec.symbol != AUTO or refuse_bot(at) is None,
                )
                for at in situations
                if account_of(at.bot) == allocation.key
            ]
            found, picked = pick_markets(allocation, views, around.recommendations)
            markets |= found
            picks |= picked
    if not markets:
        return resources, picks
    return tuple(_on_market(item, markets) for item in resources), picks


def _on_market(item: Resource, markets: Mapping[Key, str]) -> Resource:
    if item.key not in markets or not isinstance(item, TradingBot):
        return item
    spec = item.spec.model_copy(update={"symbol": markets[item.key]})
    return item.model_copy(update={"spec": spec})


def situations_of(
    objects: Iterable[Resource],
    observed: Mapping[str, BotObserved],
    wrong: Mapping[Key, str],
    *,
    is_live_open: bool,
) -> list[Situation]:
    """Return each bot among the others.

    Args:
        objects: All objects.
        observed: What exists for each bot, by uid.
        wrong: Where objects stand that are refused, by key.
        is_live_open: Whether this operator runs accounts that trade live.
    """
    resources = tuple(objects)
    accounts = tuple(allocations_in(resources))
    by_key = {item.key: item for item in accounts}
    claims: dict[Key, tuple[Claim, ...]] = {}
    bots = bots_in(resources)
    for bot in bots:
        claim = Claim(bot=bot, symbols=symbols_of(observed.get(bot.metadata.uid, NOTHING)))
        home = account_of(bot)
        claims[home] = (*claims.get(home, ()), claim)
    return [
        Situation(
            bot=bot,
            allocation=by_key.get(home),
            accounts=accounts,
            wrong_at=wrong.get(home, ""),
            claims=claims[home],
            is_live_open=is_live_open,
        )
        for bot, home in ((bot, account_of(bot)) for bot in bots)
    ]


def find_gone(
    objects: Iterable[Resource], plans: Mapping[Key, Plan], around: Surroundings
) -> set[Key]:
    """Return what may go: bots that left nothing on an exchange, Allocations without bots."""
    resources = tuple(objects)
    gone = {
        bot.key
        for bot in bots_in(resources)
        if bot.metadata.deletion_timestamp is not None
        and _is_done(bot, plans[bot.key], around.observed(bot))
    }
    needed = {account_of(bot) for bot in bots_in(resources) if bot.key not in gone}
    return gone | {
        item.key
        for item in allocations_in(resources)
        if item.metadata.deletion_timestamp is not None and item.key not in needed
    }


def _is_done(bot: Bot, plan: Plan, observed: BotObserved) -> bool:
    if bot.metadata.is_force_delete:
        return True
    if observed.current is not None and observed.current.drained:
        return True
    if _has_traded_live(bot):
        return False
    return plan.workload is None or observed.config is None or observed.expelled


def _has_traded_live(bot: Bot) -> bool:
    """Whether a bot may have left something on an exchange."""
    return bot.status.mode == Mode.LIVE and bot.status.last_heartbeat_time is not None


def with_status(
    objects: Iterable[Resource], plans: Mapping[Key, Plan], around: Surroundings
) -> list[Allocation | Bot]:
    """Return the objects with their status as it should be now, Allocations first."""
    resources = tuple(objects)
    accounts = {item.key: item for item in allocations_in(resources)}
    bots = [_bot_with_status(bot, plans[bot.key], accounts, around) for bot in bots_in(resources)]
    return [
        *(_account_with_status(item, resources, bots, around) for item in accounts.values()),
        *bots,
    ]


def _bot_with_status(
    bot: Bot, plan: Plan, accounts: Mapping[Key, Allocation], around: Surroundings
) -> Bot:
    allocation = accounts.get(account_of(bot))
    status = build_bot_status(
        bot,
        plan,
        explain_halt(around.observed(bot), allocation=allocation, refusal=plan.refusal),
        mode=allocation.spec.mode.value if allocation else None,
        now=around.now,
    )
    return bot.model_copy(update={"status": status})


def _account_with_status(
    allocation: Allocation,
    objects: Iterable[Resource],
    bots: Iterable[Bot],
    around: Surroundings,
) -> Allocation:
    own = tuple(bot for bot in bots if account_of(bot) == allocation.key)
    reports = ((bot.metadata.uid, around.observed(bot).report) for bot in own)
    view = AccountView(
        allocation=allocation,
        refusal=refuse_account(
            allocation, allocations_in(objects), is_live_open=around.is_live_open
        ),
        bots=own,
        reports={uid: report for uid, report in reports if report is not None},
    )
    status = build_allocation_status(view, now=around.now)
    return allocation.model_copy(update={"status": status})


def find_refusals(
    objects: Iterable[Resource],
    observed: Mapping[str, BotObserved],
    wrong: Mapping[Key, str],
    *,
    is_live_open: bool,
) -> dict[Key, Refusal]:
    """Return why objects cannot be carried out, by key; those without a refusal are left out.

    Arguments are those of `situations_of`.
    """
    resources = tuple(objects)
    accounts = allocations_in(resources)
    verdicts: dict[Key, Refusal | None] = {
        item.key: refuse_account(item, accounts, is_live_open=is_live_open) for item in accounts
    }
    for situation in situations_of(resources, observed, wrong, is_live_open=is_live_open):
        verdicts[situation.bot.key] = refuse_bot(situation)
    return {key: refusal for key, refusal in verdicts.items() if refusal is not None}
