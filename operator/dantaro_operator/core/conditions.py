"""Conditions of a bot, from its plan, its process and its last report."""

from dataclasses import dataclass, replace
from datetime import datetime

from dantaro_crds.v1alpha1.common import Condition
from dantaro_crds.v1alpha1.conditions import (
    ConditionType,
    Phase,
    Reason,
    make_condition,
)
from dantaro_crds.v1alpha1.metadata import FORCE_DELETE_ANNOTATION
from dantaro_crds.values import utc_text
from dantaro_crds.wire.bot_status import BotReport, Fact
from dantaro_operator.core.allocation import to_text
from dantaro_operator.core.bots import Bot
from dantaro_operator.core.figures import left_text, money_text
from dantaro_operator.core.observed import BotObserved
from dantaro_operator.core.phase import is_crash_looping
from dantaro_operator.core.plan import Plan

__all__ = ["Aspect", "BotView", "build_conditions", "decide_ready"]

_KILL_SWITCH = "AllocationHalted"
"""What a bot reports while its configuration halts it."""

_MENDED_BY_A_PERSON = frozenset(
    {
        Reason.ALLOCATION_DELETED,
        Reason.AUTHENTICATION,
        Reason.CRASH_LOOP,
        Reason.DRAIN_FAILED,
        Reason.ENGINE_ERROR,
        Reason.MAX_DRAWDOWN,
        Reason.ORDER_FAILURES,
        Reason.LIVE_NOT_ACKNOWLEDGED,
        Reason.MARKET_GONE,
        Reason.SAFETY,
        Reason.SECRET_MISSING,
        Reason.STORE_DAMAGED,
        Reason.STORE_MISSING,
        Reason.STORE_READ_ONLY,
        Reason.STORE_REFUSED,
        Reason.STORE_SCHEMA,
        Reason.SYMBOL_UNKNOWN,
    }
)
"""Causes that no time heals. Any other that a bot reports may pass, also one unknown here."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BotView:
    """Everything that a bot's conditions depend on.

    Attributes:
        bot: The object.
        plan: What was decided for it.
        observed: What exists.
        phase: The phase.
    """

    bot: Bot
    plan: Plan
    observed: BotObserved
    phase: Phase

    @property
    def report(self) -> BotReport | None:
        """The report of the process that runs now; None if none runs or it said nothing."""
        return self.observed.current

    @property
    def last_heard(self) -> datetime | None:
        """When it last said anything, also to an operator before this one; None if never."""
        report = self.observed.report
        return report.heartbeat_time if report else self.bot.status.last_heartbeat_time


@dataclass(frozen=True, slots=True, kw_only=True)
class Aspect:
    """A condition before it has a time.

    Attributes:
        status: None is Unknown.
        reason: PascalCase code.
        message: One sentence.
    """

    status: bool | None
    reason: str
    message: str


def build_conditions(view: BotView, *, now: datetime) -> list[Condition]:
    """Return the conditions, without memory of earlier ones."""
    ready = decide_ready(view)
    aspects: list[tuple[ConditionType, Aspect | None]] = [
        (ConditionType.READY, ready),
        (ConditionType.RECONCILING, _reconciling(view, ready)),
        (ConditionType.STALLED, _stalled(view, ready)),
        (ConditionType.ALLOCATED, _allocated(view)),
        (ConditionType.WORKLOAD_READY, _workload_ready(view)),
        *_reported(view),
    ]
    return [
        make_condition(
            kind,
            status=aspect.status,
            reason=aspect.reason,
            message=aspect.message,
            generation=view.bot.metadata.generation,
            now=now,
        )
        for kind, aspect in aspects
        if aspect is not None
    ]


def decide_ready(view: BotView) -> Aspect:
    """Return the summary: the first thing that keeps the bot from doing what it was asked to."""
    checks = (_deleting, _refused, _waiting, _broken_process, _not_reporting, _behind, _on_its_way)
    found = (check(view) for check in checks)
    first = next((aspect for aspect in found if aspect is not None), None)
    if first is not None or view.report is None:
        return first or _not_ready(Reason.STARTING, "its process starts")
    if _is_switched_off(view.report, view.plan):
        return replace(_of_fact(view.report.ready), status=True)
    return _of_fact(view.report.ready)


def _is_switched_off(report: BotReport, plan: Plan) -> bool:
    """Whether it opens nothing new because its account's kill switch asks for just that."""
    halt = plan.workload is not None and plan.workload.config.halt
    return halt and report.ready.reason == _KILL_SWITCH


def _not_ready(reason: str, message: str) -> Aspect:
    return Aspect(status=False, reason=reason, message=message)


def _of_fact(fact: Fact, *, when_ok: bool = True) -> Aspect:
    return Aspect(status=fact.ok is when_ok, reason=fact.reason, message=fact.message)


def _deleting(view: BotView) -> Aspect | None:
    """A refused spec is of no matter any more: what ran before is drained."""
    if view.bot.metadata.deletion_timestamp is None:
        return None
    policy, trouble = view.bot.spec.deletion_policy, _drain_trouble(view)
    if not trouble:
        words = f"it is being deleted: {policy} is carried out"
        return _not_ready(Reason.DRAINING, words + _drain_progress(view.report))
    return _not_ready(
        Reason.DRAIN_FAILED,
        f'{policy} cannot be carried out; {FORCE_DELETE_ANNOTATION}: "true" lets it go anyway: '
        f"{trouble}",
    )


def _drain_progress(report: BotReport | None) -> str:
    if report is None or report.drained:
        return ""
    told = (report.exchange, report.reconciled)
    waits = next((fact.message for fact in told if not fact.ok), "")
    doing = report.ready.message if report.ready.reason == Reason.STOPPING else ""
    return "".join(f"; {words}" for words in (doing, waits) if words)


def _drain_trouble(view: BotView) -> str:
    """Return why a deletion policy is not carried out without a person; empty while it is."""
    bot, report, hindrance = view.bot, view.report, view.observed.process.hindrance
    if report is not None and report.drained:
        return ""
    if view.observed.expelled:
        return (
            f"left on the exchange: {left_text(bot)}; namespace {bot.metadata.namespace} is being "
            "deleted and took its pod"
        )
    if view.plan.workload is None:
        return f"nothing is left that could run it; left on the exchange: {left_text(bot)}"
    if view.phase is Phase.ERROR:
        broken = _broken_process(view) or (_of_fact(report.ready) if report else None)
        return broken.message if broken else "its process does not run"
    if hindrance is not None and (hindrance.needs_person or view.observed.silent):
        return hindrance.message
    if view.observed.silent:
        return _silence(view).message
    facts = (report.exchange, report.reconciled) if report else ()
    return next((f.message for f in facts if not f.ok and f.reason in _MENDED_BY_A_PERSON), "")


def _refused(view: BotView) -> Aspect | None:
    refusal = view.plan.refusal
    if refusal is None:
        return None
    goes_on = "; it goes on as it was" if view.plan.workload is not None else ""
    halted = ", without new entries" if goes_on and refusal.halts else ""
    return _not_ready(refusal.reason, f"{refusal.field}: {refusal.message}{goes_on}{halted}")


def _waiting(view: BotView) -> Aspect | None:
    if not view.plan.waits_for:
        return None
    return _not_ready(view.plan.waits_reason, view.plan.waits_for)


def _broken_process(view: BotView) -> Aspect | None:
    process = view.observed.process
    if process.blocked:
        return _not_ready(
            Reason.CRASH_LOOP,
            f"its process ended: {process.words or process.blocked}",
        )
    if view.report is not None:
        return None
    if process.hindrance is not None:
        return _not_ready(process.hindrance.reason, process.hindrance.message)
    if process.exit_code is None or process.failures == 0:
        return None
    reason = Reason.CRASH_LOOP if is_crash_looping(process) else Reason.RESTARTING
    return _not_ready(
        reason,
        f"its process ended with code {process.exit_code} and is started again after a pause: "
        f"{process.words or '`dantaro describe` shows its log'}",
    )


def _not_reporting(view: BotView) -> Aspect | None:
    if view.observed.silent:
        return _silence(view)
    return None if view.report is not None else _not_ready(Reason.STARTING, "its process starts")


def _silence(view: BotView) -> Aspect:
    since = view.last_heard
    if since is None:
        return _not_ready(Reason.STARTING, "its process was started and has not answered yet")
    return _not_ready(
        Reason.NOT_REPORTING,
        f"its process runs and has not answered since {utc_text(since.replace(microsecond=0))}",
    )


def _behind(view: BotView) -> Aspect | None:
    """A process that has not read its newest configuration yet."""
    workload, report = view.plan.workload, view.report
    if workload is None or report is None:
        return None
    if report.observed_generation < workload.config.generation:
        return _not_ready(Reason.PENDING, "it has not taken over the newest spec yet")
    if workload.config.halt and report.halted.ok:
        return _not_ready(Reason.PENDING, "it has not taken over the halt of its account yet")
    return None


def _on_its_way(view: BotView) -> Aspect | None:
    """An engine that is not where it should be, though its bot finds nothing wrong with that."""
    if view.report is None or not view.report.ready.ok:
        return None
    if view.phase is Phase.ERROR:
        return _not_ready(Reason.ENGINE_ERROR, "its engine is in state ERROR: a reset leads out")
    if view.phase is Phase.STOPPING:
        told = view.report.ready
        words = told.message if told.reason == Reason.STOPPING else "it is cancelling its orders"
        return _not_ready(Reason.STOPPING, words)
    if view.phase is Phase.STARTING:
        return _not_ready(Reason.STARTING, "its engine starts")
    return None


def _reconciling(view: BotView, ready: Aspect) -> Aspect | None:
    if ready.status or _is_stuck(view, ready):
        return None
    return replace(ready, status=True)


def _stalled(view: BotView, ready: Aspect) -> Aspect | None:
    """Only what a person must mend; kstatus calls that failed."""
    if ready.status or not _is_stuck(view, ready):
        return None
    return replace(ready, status=True)


def _is_stuck(view: BotView, ready: Aspect) -> bool:
    hindrance = view.observed.process.hindrance
    if hindrance is not None and ready.reason == hindrance.reason:
        return hindrance.needs_person
    if ready.reason in _MENDED_BY_A_PERSON:
        return True
    if view.bot.metadata.deletion_timestamp is not None:
        return False
    return view.plan.refusal is not None or view.phase is Phase.ERROR


def _allocated(view: BotView) -> Aspect:
    plan, bot = view.plan, view.bot
    if plan.refusal is not None:
        refusal = plan.refusal
        return _not_ready(refusal.reason, f"{refusal.field}: {refusal.message}")
    if plan.part is None:
        return _not_ready(Reason.NO_SHARE, "it has no share")
    currency = plan.workload.config.quote_currency if plan.workload else ""
    message = (
        f"{money_text(plan.part.budget, currency)}, {plan.part.percent} % of "
        f"{bot.spec.allocation_ref.name}"
    )
    report = view.report
    if report is not None and report.budget > plan.part.budget:
        bound = money_text(report.budget - plan.part.budget, currency)
        return Aspect(
            status=True,
            reason=Reason.BUDGET_BOUND,
            message=f"{message}; {bound} more are bound until orders or coin free them",
        )
    capped = to_text(plan.workload.lowered) if plan.workload else ""
    if capped:
        return Aspect(status=True, reason=Reason.LIMITS_CAPPED, message=f"{message}; {capped}")
    return Aspect(status=True, reason=Reason.ACCEPTED, message=message)


def _workload_ready(view: BotView) -> Aspect:
    if view.plan.workload is None:
        return _not_ready(Reason.PENDING, view.plan.waits_for or "nothing is to run")
    broken = _broken_process(view) or _not_reporting(view)
    if broken is not None:
        return broken
    if view.observed.behind:
        return Aspect(status=True, reason=Reason.IMAGE_BEHIND, message=view.observed.behind)
    return Aspect(status=True, reason=Reason.RUNNING, message="its process runs and answers")


def _reported(view: BotView) -> list[tuple[ConditionType, Aspect | None]]:
    report = view.report
    if report is None:
        silence = _silence(view) if view.observed.silent and view.last_heard else None
        words = silence.message if silence else "it has not reported yet"
        unknown = Aspect(status=None, reason=Reason.PENDING, message=words)
        return [
            (ConditionType.CENTRAL_REACHABLE, unknown),
            (ConditionType.EXCHANGE_REACHABLE, unknown),
            (ConditionType.ORDERS_RECONCILED, unknown),
            (ConditionType.TRADING_HALTED, unknown),
        ]
    return [
        (ConditionType.CENTRAL_REACHABLE, _of_fact(report.central)),
        (ConditionType.EXCHANGE_REACHABLE, _of_fact(report.exchange)),
        (ConditionType.ORDERS_RECONCILED, _of_fact(report.reconciled)),
        (ConditionType.TRADING_HALTED, _of_fact(report.halted, when_ok=False)),
    ]
