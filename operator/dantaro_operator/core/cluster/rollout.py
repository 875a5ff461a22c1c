"""Which pod a bot gets when the default image, the settings or the shape of pods have changed.

A pod template is held back as a whole, as it was applied last: so no upgrade of the operator and
no new value in its settings restarts a bot by itself.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from dantaro_operator.core.bots import Bot
from dantaro_operator.core.cluster.drift import differing_fields
from dantaro_operator.core.cluster.hashes import canonical_json
from dantaro_operator.core.cluster.names import POD_TEMPLATE, TEMPLATE_VERSION
from dantaro_operator.core.cluster.pod_template import (
    CONTAINER,
    CURRENT_VERSION,
    adapt_pod_template,
    build_pod_template,
)
from dantaro_operator.core.cluster.settings import ClusterSettings
from dantaro_operator.core.workload import BotWorkload

__all__ = [
    "FREE",
    "Candidate",
    "ImageRollout",
    "LivePod",
    "Rollout",
    "Siblings",
    "WantedPod",
    "build_wanted",
    "decide_rollout",
    "decide_rollouts",
    "read_live",
]


class ImageRollout(StrEnum):
    """What a new default means for bots that run already."""

    HELD = "Held"
    ROLLING = "Rolling"


@dataclass(frozen=True, slots=True, kw_only=True)
class LivePod:
    """What a StatefulSet runs.

    Attributes:
        template: The pod template as it was applied last.
        template_version: Version of its shape.
        is_ready: Whether the pod is ready now.
        is_rolling: Whether the template has not yet led to a ready pod.
    """

    template: Mapping[str, Any]
    template_version: int
    is_ready: bool
    is_rolling: bool

    @property
    def image(self) -> str:
        """Image of the bot's container."""
        return _image_of(self.template)


@dataclass(frozen=True, slots=True, kw_only=True)
class WantedPod:
    """What a bot's pod would be if it were new, and if it stays.

    Attributes:
        template: The newest pod template.
        template_version: Version of its shape.
        kept: The live template with what the bot's owner asks for now; None if nothing is live.
        is_named: Whether the spec names the image.
    """

    template: Mapping[str, Any]
    template_version: int = CURRENT_VERSION
    kept: Mapping[str, Any] | None = None
    is_named: bool = False

    @property
    def image(self) -> str:
        """Image that a new bot would get."""
        return _image_of(self.template)


@dataclass(frozen=True, slots=True, kw_only=True)
class Siblings:
    """What the other bots of the account do, by `Kind/name`.

    Attributes:
        rolling: Those whose new pod is not ready yet.
        unready: Those that are not ready for another reason.
    """

    rolling: tuple[str, ...] = ()
    unready: tuple[str, ...] = ()


FREE = Siblings()
"""Nobody to wait for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rollout:
    """The pod that a bot gets now.

    Attributes:
        image: For `build_stateful_set`.
        template_version: Likewise.
        template: Likewise.
        moves: Whether this ends the pod that runs.
        behind: Whether a new bot would get another pod; reason ImageBehind.
        message: What it waits for and what to do, one sentence; empty if not behind.
    """

    image: str
    template_version: int
    template: Mapping[str, Any]
    moves: bool = False
    behind: bool = False
    message: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """One bot of an account.

    Attributes:
        label: `Kind/name`.
        wanted: From `build_wanted`.
        live: What exists; None for a new bot.
        never_ready: Whether the pod that runs is known never to have been ready.
    """

    label: str
    wanted: WantedPod
    live: LivePod | None = None
    never_ready: bool = False


def read_live(live: Mapping[str, Any], guess: Mapping[str, Any]) -> LivePod:
    """Return what a live StatefulSet runs.

    Args:
        live: The StatefulSet.
        guess: The newest pod template: taken in place of the mark if that was removed.
    """
    metadata, status = live["metadata"], live.get("status", {})
    annotations = metadata.get("annotations", {})
    seen = status.get("observedGeneration", 0) >= metadata.get("generation", 1)
    settled = status.get("currentRevision") == status.get("updateRevision")
    version = annotations.get(TEMPLATE_VERSION, "")
    return LivePod(
        template=_recorded(annotations) or _recovered(live, guess),
        template_version=int(version) if version.isdecimal() else CURRENT_VERSION,
        is_ready=status.get("readyReplicas", 0) >= 1,
        is_rolling=not (seen and settled),
    )


def build_wanted(
    workload: BotWorkload, bot: Bot, settings: ClusterSettings, live: LivePod | None
) -> WantedPod:
    """Return what a bot's pod would be."""
    image = workload.image or settings.image
    return WantedPod(
        template=build_pod_template(workload, bot, settings, image=image),
        kept=adapt_pod_template(live.template, workload, bot) if live else None,
        is_named=bot.spec.image is not None,
    )


def decide_rollout(
    wanted: WantedPod,
    live: LivePod | None,
    *,
    policy: ImageRollout,
    siblings: Siblings = FREE,
    never_ready: bool = False,
) -> Rollout:
    """Return the pod that a bot gets now.

    A new bot gets the newest. One that runs keeps its pod until its spec names another image or
    amounts, its account another Secret, or the policy moves it; then it waits for its turn.

    Args:
        wanted: What it would get.
        live: What it runs; None if it is new.
        policy: What a new default means for it.
        siblings: The others of its account.
        never_ready: Whether its pod is known never to have been ready: then nothing is held back
            and it waits for nobody, so that a broken image can be mended.
    """
    if live is None or wanted.kept is None:
        return _rollout(wanted.template, wanted.template_version)
    now = _rollout(live.template, live.template_version)
    is_named = wanted.is_named and wanted.image != live.image
    if is_named or never_ready or policy is ImageRollout.ROLLING:
        goal = _rollout(wanted.template, wanted.template_version)
    else:
        goal = _rollout(wanted.kept, live.template_version)
    if _same(goal.template, now.template):
        return _explain(now, wanted)
    is_lost = never_ready or (live.is_rolling and not live.is_ready)
    is_asked = is_named or not _same(wanted.kept, live.template)
    blockers = () if is_lost else _blockers(siblings, live, is_asked=is_asked)
    if not blockers:
        return _explain(replace(goal, moves=True), wanted)
    message = f"its new pod waits until {blockers[0]} is ready: one bot of an account at a time"
    return replace(now, behind=True, message=message)


def decide_rollouts(bots: Iterable[Candidate], *, policy: ImageRollout) -> dict[str, Rollout]:
    """Return the pods that the bots of one account get now, by label.

    Bots whose owner asks for something come first. What one is given counts for the next.
    """
    known = sorted(bots, key=lambda bot: not bot.wanted.is_named)
    rolling = {bot.label for bot in known if bot.live and bot.live.is_rolling}
    unready = {bot.label for bot in known if bot.live and not bot.live.is_ready} - rolling
    decided: dict[str, Rollout] = {}
    for bot in known:
        others = Siblings(
            rolling=tuple(sorted(rolling - {bot.label})),
            unready=tuple(sorted(unready - {bot.label})),
        )
        rollout = decide_rollout(
            bot.wanted, bot.live, policy=policy, siblings=others, never_ready=bot.never_ready
        )
        decided[bot.label] = rollout
        if rollout.moves:
            rolling.add(bot.label)
    return decided


def _blockers(siblings: Siblings, live: LivePod, *, is_asked: bool) -> tuple[str, ...]:
    """A rollout of ours goes no further while anything is wrong; a person's wish does."""
    if siblings.rolling or is_asked or not live.is_ready:
        return siblings.rolling
    return siblings.unready


def _explain(rollout: Rollout, wanted: WantedPod) -> Rollout:
    """Say why a pod is not the newest, if it is not."""
    if _same(rollout.template, wanted.template):
        return rollout
    if rollout.image == wanted.image:
        message = (
            "its pod is as older settings of the operator made it: imageRollout Rolling renews it"
        )
    else:
        message = (
            "a newer image waits: name it in spec.image, or set the operator's imageRollout to "
            f"Rolling; runs {rollout.image}, new bots get {wanted.image}"
        )
    return replace(rollout, behind=True, message=message)


def _rollout(template: Mapping[str, Any], version: int) -> Rollout:
    return Rollout(image=_image_of(template), template_version=version, template=template)


def _recorded(annotations: Mapping[str, str]) -> dict[str, Any] | None:
    try:
        found = json.loads(annotations.get(POD_TEMPLATE, ""))
        return found if isinstance(found, dict) and _image_of(found) else None
    except (ValueError, LookupError, TypeError, StopIteration):
        return None


def _recovered(live: Mapping[str, Any], guess: Mapping[str, Any]) -> Mapping[str, Any]:
    """The guess with the live image if the pod is like that; else the guess."""
    template = live["spec"].get("template", {})
    containers = template.get("spec", {}).get("containers", ())
    image = next((item["image"] for item in containers if item["name"] == CONTAINER), None)
    if image is None:
        return guess
    own = [
        {**item, "image": image} if item["name"] == CONTAINER else item
        for item in guess["spec"]["containers"]
    ]
    like = {**guess, "spec": {**guess["spec"], "containers": own}}
    return guess if differing_fields(like, template) else like


def _image_of(template: Mapping[str, Any]) -> str:
    containers = template["spec"]["containers"]
    return str(next(item["image"] for item in containers if item["name"] == CONTAINER))


def _same(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    return one == other or canonical_json(one) == canonical_json(other)
