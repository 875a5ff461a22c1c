"""Why a bot may open nothing new: a bot sees only that its halt is on, the operator knows why."""

from dataclasses import replace

from dantaro_crds.v1alpha1.allocation import Allocation
from dantaro_crds.v1alpha1.conditions import Reason
from dantaro_crds.wire.bot_status import Fact
from dantaro_operator.core.checks import Refusal
from dantaro_operator.core.observed import BotObserved

__all__ = ["explain_halt"]

_HALTED = "AllocationHalted"
"""What a bot reports whenever its configuration halts it."""


def explain_halt(
    observed: BotObserved, *, allocation: Allocation | None, refusal: Refusal | None
) -> BotObserved:
    """Return what exists for a bot, its halt told with the cause.

    Args:
        observed: What exists.
        allocation: Its account; None if there is none.
        refusal: Why its spec is not carried out; None if it is.
    """
    report = observed.report
    cause = _cause(allocation, refusal)
    if report is None or cause is None:
        return observed
    told = {
        name: cause
        for name, fact in (("halted", report.halted), ("ready", report.ready))
        if not fact.ok and fact.reason == _HALTED
    }
    return replace(observed, report=report.model_copy(update=told)) if told else observed


def _cause(allocation: Allocation | None, refusal: Refusal | None) -> Fact | None:
    """Return the cause that is no kill switch: that one a bot tells well by itself."""
    if allocation is not None and allocation.metadata.deletion_timestamp is not None:
        return Fact(
            ok=False,
            reason=Reason.ALLOCATION_DELETED,
            message=f"its Allocation {allocation.metadata.name} is being deleted and acts as "
            "halted: put it back, or delete the bot too",
        )
    if refusal is not None and refusal.halts and not (allocation and allocation.spec.halt):
        message = f"no new entries until this is mended: {refusal.field}: {refusal.message}"
        return Fact(ok=False, reason=refusal.reason, message=message)
    return None
