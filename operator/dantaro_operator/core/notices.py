"""What is worth an Event: changes of state that a person may act on, never the state itself."""

from collections.abc import Iterator
from dataclasses import dataclass

from dantaro_crds.v1alpha1.allocation import Allocation
from dantaro_crds.v1alpha1.common import Condition, ConditionStatus
from dantaro_crds.v1alpha1.conditions import ConditionType, condition_of
from dantaro_operator.core.account_round import BotSteps, ObjectSteps
from dantaro_operator.core.figures import left_text

__all__ = ["Notice", "build_notices", "drift_notice"]

_SHOWN = 5
"""How many fields a message names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """An Event to be.

    Attributes:
        reason: PascalCase code.
        message: One sentence.
        is_warning: Whether a person should look.
    """

    reason: str
    message: str
    is_warning: bool = False


def build_notices(steps: ObjectSteps) -> list[Notice]:
    """Return the Events of what is being done for one object, in the order of its writes."""
    return [
        *_of_pick(steps),
        *_of_children(steps.children),
        *_of_ready(steps),
        *_of_release(steps),
    ]


def drift_notice(name: str) -> Notice:
    """Return the Event of an object that no watch tells of and that was applied again."""
    return Notice(
        reason="DriftRepaired",
        message=f"{name} was changed by somebody else and is put right",
        is_warning=True,
    )


def _of_pick(steps: ObjectSteps) -> Iterator[Notice]:
    """A market counts as picked once the bot is told of it."""
    pick = steps.plan.pick if steps.plan is not None else None
    if pick is None or steps.children is None or not steps.children.apply:
        return
    best = pick.best
    instead = f" in place of {pick.before}, {pick.why}" if pick.before else ""
    grounds = "; ".join(f"{part.name}: {part.reason}" for part in best.parts)
    yield Notice(
        reason="SymbolPicked",
        message=f"{best.symbol}{instead}: score {best.score:f}; {grounds}",
    )


def _of_children(children: BotSteps | None) -> Iterator[Notice]:
    if children is None or not children.apply:
        return
    name = children.apply[-1]["metadata"]["name"]
    if children.is_new:
        yield Notice(reason="Created", message=f"StatefulSet {name} created")
        return
    if children.drift:
        more = len(children.drift) - _SHOWN
        fields = ", ".join(children.drift[:_SHOWN]) + (f" and {more} more" if more > 0 else "")
        yield Notice(
            reason="DriftRepaired",
            message=f"StatefulSet {name} was changed by somebody else and is put right: {fields}",
            is_warning=True,
        )
    if children.moves:
        yield Notice(reason="PodReplaced", message=f"its pod is replaced: {children.moves}")
    elif children.refresh is not None or not children.drift:
        yield Notice(reason="ConfigChanged", message="a new configuration is handed over")


def _of_ready(steps: ObjectSteps) -> Iterator[Notice]:
    old = condition_of(steps.resource.status.conditions, ConditionType.READY)
    new = condition_of(steps.fresh.status.conditions, ConditionType.READY)
    if new is None or (old is not None and old.reason == new.reason):
        return
    stalled = condition_of(steps.fresh.status.conditions, ConditionType.STALLED)
    message = new.message or "it does what it was asked to"
    yield Notice(reason=new.reason, message=message, is_warning=_is_bad(new, stalled))


def _is_bad(ready: Condition, stalled: Condition | None) -> bool:
    return ready.status is not ConditionStatus.TRUE and stalled is not None


def _of_release(steps: ObjectSteps) -> Iterator[Notice]:
    bot = steps.resource
    if not steps.release or isinstance(bot, Allocation):
        return
    policy = bot.spec.deletion_policy.value
    if not bot.metadata.is_force_delete:
        yield Notice(reason="Released", message=f"{policy} is carried out: the bot is let go")
        return
    yield Notice(
        reason="ForceDeleted",
        message=f"let go by dantaro.io/force-delete before {policy} was carried out; "
        f"left on the exchange: {left_text(bot)}",
        is_warning=True,
    )
