"""What a pod's status means for its bot."""

from typing import Any

import pytest

from dantaro_operator.core.cluster.pod_status import read_pod
from dantaro_operator.core.observed import ProcessFacts

pytestmark = pytest.mark.unit

NAME = "gb-grid-0"
CRASH = {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off 10s"}}
LONG_RUN = {"startedAt": "2026-01-01T00:00:00Z", "finishedAt": "2026-01-01T00:10:01Z"}


def pod(status: dict[str, Any], **metadata: Any) -> dict[str, Any]:
    return {
        "metadata": {"name": NAME, **metadata},
        "spec": {"containers": [{"name": "proxy", "image": "p"}, {"name": "bot", "image": "x:1"}]},
        "status": status,
    }


def container(state: dict[str, Any], **more: Any) -> dict[str, Any]:
    other = {"name": "proxy", "state": {"running": {}}, "restartCount": 9}
    own = {"name": "bot", "state": state, "restartCount": 0} | more
    return pod({"phase": "Pending", "containerStatuses": [other, own]})


def waiting(reason: str, message: str | None = None) -> dict[str, Any]:
    return container({"waiting": {"reason": reason} | ({"message": message} if message else {})})


def ended(code: int, restarts: int, **more: Any) -> dict[str, Any]:
    last = {"terminated": {"exitCode": code} | more}
    return container(CRASH, lastState=last, restartCount=restarts)


@pytest.mark.parametrize(
    ("found", "reason", "words", "needs_person"),
    [
        pytest.param(None, "PodMissing", "`kubectl describe statefulset gb-grid`", False, id="no"),
        pytest.param(
            pod({}, deletionTimestamp="2026-01-01T00:00:00Z"),
            "Restarting",
            "on its way out",
            False,
            id="going",
        ),
        pytest.param(
            pod(
                {
                    "phase": "Pending",
                    "conditions": [
                        {
                            "type": "PodScheduled",
                            "status": "False",
                            "reason": "Unschedulable",
                            "message": "0/3 nodes are available: 3 Insufficient memory.",
                        }
                    ],
                }
            ),
            "Unschedulable",
            "no node takes its pod gb-grid-0: 0/3 nodes are available: 3 Insufficient memory.",
            False,
            id="no-room",
        ),
        pytest.param(pod({"phase": "Pending"}), "Starting", "being made ready", False, id="new"),
        pytest.param(pod({}), "Starting", "being made ready", False, id="nobody-has-looked"),
        pytest.param(
            pod({"phase": "Failed", "reason": "Evicted", "message": "low on memory"}),
            "Restarting",
            "failed and is made again: Evicted: low on memory",
            False,
            id="evicted",
        ),
        pytest.param(
            waiting("ContainerCreating"), "Starting", ": ContainerCreating", False, id="volume"
        ),
        pytest.param(
            waiting("ErrImagePull", "not found"),
            "ImagePullBackOff",
            "its image x:1 cannot be pulled: ErrImagePull: not found",
            True,
            id="image-not-found",
        ),
        pytest.param(
            waiting("ImagePullBackOff"), "ImagePullBackOff", "its image x:1", True, id="again"
        ),
        pytest.param(
            waiting("InvalidImageName"), "ImagePullBackOff", "InvalidImageName", True, id="name"
        ),
        pytest.param(
            waiting("CreateContainerConfigError", 'secret "keys" not found'),
            "CreateContainerConfigError",
            'secret "keys" not found',
            True,
            id="secret",
        ),
        pytest.param(
            ended(137, 1, reason="OOMKilled"),
            "OOMKilled",
            "raise spec.resources.limits.memory",
            False,
            id="no-memory-once",
        ),
        pytest.param(
            ended(137, 3, reason="OOMKilled"), "OOMKilled", "--previous", True, id="no-memory"
        ),
    ],
)
def test_a_pod_that_does_not_run_says_why(
    found: dict[str, Any] | None, reason: str, words: str, *, needs_person: bool
) -> None:
    facts = read_pod(found, name=NAME)

    assert not facts.running
    assert facts.hindrance is not None
    assert (facts.hindrance.reason, facts.hindrance.needs_person) == (reason, needs_person)
    assert words in facts.hindrance.message


def test_a_container_that_runs_is_a_process_that_runs() -> None:
    assert read_pod(container({"running": {}}), name=NAME) == ProcessFacts(running=True)


@pytest.mark.parametrize(
    ("found", "failures", "words"),
    [
        pytest.param(ended(70, 4), 4, "`kubectl logs gb-grid-0 --previous` shows its log", id="4"),
        pytest.param(ended(70, 4, message="a later store"), 4, "a later store: `kubectl", id="why"),
        pytest.param(ended(70, 40, **LONG_RUN), 1, "`kubectl logs", id="first-after-a-long-run"),
        pytest.param(
            container({"terminated": {"exitCode": 70}}), 1, "`kubectl logs", id="just-ended"
        ),
    ],
)
def test_a_process_that_ended_is_told_with_its_ends_in_a_row(
    found: dict[str, Any], failures: int, words: str
) -> None:
    facts = read_pod(found, name=NAME)

    assert (facts.running, facts.exit_code, facts.failures) == (False, 70, failures)
    assert facts.words.startswith(words)
    assert not facts.blocked


def test_a_configuration_that_cannot_be_read_is_no_crash_to_wait_for() -> None:
    assert read_pod(ended(78, 1), name=NAME).blocked == "it cannot read its configuration"
