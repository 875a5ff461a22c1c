"""A bot's process as its pod tells of it: what keeps it from running, in words for a person."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from dantaro_crds.v1alpha1.conditions import Reason
from dantaro_crds.values import parse_utc
from dantaro_operator.core.cluster.pod_template import CONTAINER
from dantaro_operator.core.observed import Hindrance, ProcessFacts
from dantaro_operator.core.phase import CRASH_LOOP_FAILURES

__all__ = ["read_pod"]

Node = Mapping[str, Any]

_IMAGE = frozenset({"ErrImageNeverPull", "ErrImagePull", "ImagePullBackOff", "InvalidImageName"})
"""How kubelet says that there is no image; it goes to and fro between the first ones."""

_SETUP = frozenset({"CreateContainerConfigError", "CreateContainerError", "RunContainerError"})
"""How kubelet says that what the pod asks for cannot be given to it."""

_OOM = "OOMKilled"

_UNREADABLE = 78
"""Exit code of a bot that cannot read its configuration."""

_GOOD_WHILE = timedelta(minutes=10)
"""After so long a run kubelet too counts the ends of a process from the beginning."""


def read_pod(pod: Node | None, *, name: str) -> ProcessFacts:
    """Return what a pod tells of the bot's process.

    Args:
        pod: As the API server has it; None if there is none.
        name: Its name.
    """
    if pod is None:
        told = f"there is no pod {name}: `kubectl describe statefulset {name[:-2]}` says why"
        return _hindered(Reason.POD_MISSING, told)
    if "deletionTimestamp" in pod["metadata"]:
        return _hindered(Reason.RESTARTING, f"its pod {name} is on its way out")
    status = pod.get("status", {})
    own = _container(status)
    if own is None:
        return _without_container(status, name)
    state = own.get("state", {})
    if "running" in state:
        return ProcessFacts(running=True)
    ended = state.get("terminated") or own.get("lastState", {}).get("terminated")
    waiting = state.get("waiting", {})
    return _waiting(waiting, pod, name) or (
        _ended(ended, own, name) if ended else _starting(waiting, name)
    )


def _container(status: Node) -> Node | None:
    found = status.get("containerStatuses") or ()
    return next((item for item in found if item["name"] == CONTAINER), None)


def _without_container(status: Node, name: str) -> ProcessFacts:
    conditions = {item["type"]: item for item in status.get("conditions") or ()}
    scheduled = conditions.get("PodScheduled", {})
    if scheduled.get("status") == "False":
        words = scheduled.get("message") or scheduled.get("reason", "the scheduler gives no reason")
        return _hindered(Reason.UNSCHEDULABLE, f"no node takes its pod {name}: {words}")
    if status.get("phase") == "Failed":
        words = _sentence(status.get("reason"), status.get("message"))
        return _hindered(Reason.RESTARTING, f"its pod {name} failed and is made again: {words}")
    return _starting({}, name)


def _waiting(waiting: Node, pod: Node, name: str) -> ProcessFacts | None:
    """Return what a person must mend before the container can start."""
    code = waiting.get("reason", "")
    words = _sentence(code, waiting.get("message"))
    if code in _IMAGE:
        image = next(c["image"] for c in pod["spec"]["containers"] if c["name"] == CONTAINER)
        told = f"its image {image} cannot be pulled: {words}"
        return _hindered(Reason.IMAGE_PULL_BACK_OFF, told, needs_person=True)
    if code in _SETUP:
        told = f"the container of its pod {name} cannot be made: {words}"
        return _hindered(Reason.CREATE_CONTAINER_CONFIG_ERROR, told, needs_person=True)
    return None


def _starting(waiting: Node, name: str) -> ProcessFacts:
    code = waiting.get("reason")
    told = f": {_sentence(code, waiting.get('message'))}" if code else ""
    return _hindered(Reason.STARTING, f"its pod {name} is being made ready{told}")


def _ended(ended: Node, own: Node, name: str) -> ProcessFacts:
    code, failures = ended.get("exitCode", 0), _failures(ended, own)
    log = f"`kubectl logs {name} --previous` shows its log"
    if ended.get("reason") == _OOM:
        return _hindered(
            Reason.OOM_KILLED,
            "its process was ended since it needed more memory than its limit: raise "
            f"spec.resources.limits.memory; {log}",
            needs_person=failures >= CRASH_LOOP_FAILURES,
        )
    words = _sentence(ended.get("message"), log) if ended.get("message") else log
    blocked = "it cannot read its configuration" if code == _UNREADABLE else ""
    return ProcessFacts(exit_code=code, failures=failures, words=words, blocked=blocked)


def _failures(ended: Node, own: Node) -> int:
    """Return the ends in a row: a pod counts all that it ever saw."""
    times = ended.get("startedAt"), ended.get("finishedAt")
    if all(times) and parse_utc(times[1]) - parse_utc(times[0]) > _GOOD_WHILE:
        return 1
    return max(1, int(own.get("restartCount", 0)))


def _sentence(*parts: str | None) -> str:
    return ": ".join(part.strip() for part in parts if part)


def _hindered(reason: Reason, message: str, *, needs_person: bool = False) -> ProcessFacts:
    return ProcessFacts(
        hindrance=Hindrance(reason=reason, message=message, needs_person=needs_person)
    )
