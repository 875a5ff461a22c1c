"""A namespace with a real operator, bots and central, and a person's view of it."""

from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from typing import Any, TypeVar

import httpx
import yaml

from tests.support.central_process import CentralClient
from tests.support.cluster import Cluster
from tests.support.eventually import eventually
from tests.support.operator_process import OperatorProcess, operator_process
from tests.support.pod_runner import PodRunner

__all__ = ["COLLECTIONS", "PLURALS", "Object", "OperatedNamespace"]

PLURALS = {"Allocation": "allocations", "GridBot": "gridbots", "TradingBot": "tradingbots"}

COLLECTIONS = {
    "StatefulSet": "/apis/apps/v1/namespaces/{}/statefulsets",
    "ConfigMap": "/api/v1/namespaces/{}/configmaps",
    "Service": "/api/v1/namespaces/{}/services",
    "ServiceAccount": "/api/v1/namespaces/{}/serviceaccounts",
    "NetworkPolicy": "/apis/networking.k8s.io/v1/namespaces/{}/networkpolicies",
}
"""What the operator makes, by kind."""

T = TypeVar("T")
Object = dict[str, Any]


class OperatedNamespace:
    """A namespace with its operator, and a person's view of it."""

    def __init__(
        self, cluster: Cluster, namespace: str, runner: PodRunner, market: CentralClient
    ) -> None:
        self.cluster = cluster
        self.namespace = namespace
        self.runner = runner
        self._market = market
        self._stack = ExitStack()
        self.operator = self._start()

    def _start(self, **settings: Any) -> OperatorProcess:
        urls: dict[str, Any] = {
            "central_url": self._market.url,
            "central_key_file": self._market.key_file,
            "bot_status_url": self.runner.status_url,
        }
        folder = self._market.folder.parent / "operator"
        started = operator_process(
            self.cluster.kubeconfig, folder, namespace=self.namespace, **(urls | settings)
        )
        return self._stack.enter_context(started)

    def restart_operator(self, **settings: object) -> None:
        """Replace the operator, and wait until the new one has decided on what it knows."""
        assert self.operator.run.stop() == 0
        self.close()
        self.operator = self._start(**settings)
        looks = partial(self.operator.measured, "dantaro_operator_reconcile_duration_seconds_count")
        # Once for the objects, once at least for what the bots answered.
        self.wait_for(lambda: looks() >= 2, "a look at the account")

    def close(self) -> None:
        self._stack.close()

    def kubectl(self, *arguments: str, stdin: str | None = None) -> str:
        answer = self.cluster.kubectl("-n", self.namespace, *arguments, stdin=stdin)
        assert answer.returncode == 0, answer.stderr
        return answer.stdout

    def path(self, plural: str, name: str = "") -> str:
        return self.cluster.path(plural, self.namespace, name)

    def get(self, plural: str, name: str) -> Object:
        return self.read(self.path(plural, name))

    def read(self, path: str) -> Object:
        answer = self.cluster.api.get(path)
        assert answer.is_success, answer.text
        found: Object = answer.json()
        return found

    def exists(self, path: str) -> bool:
        return self.cluster.api.get(path).status_code != 404

    def create(self, *documents: Object) -> None:
        for document in documents:
            path = self.path(PLURALS[document["kind"]])
            self.cluster.api.post(path, json=document).raise_for_status()

    def patch(self, path: str, content: object) -> httpx.Response:
        return self.cluster.api.patch(
            path, json=content, headers={"Content-Type": "application/merge-patch+json"}
        )

    def change(self, plural: str, name: str, **spec: object) -> None:
        self.patch(self.path(plural, name), {"spec": spec}).raise_for_status()

    def replace_spec(self, plural: str, name: str, spec: Object) -> bool:
        """Put a whole spec in place, unless somebody writes meanwhile; an apply adds only."""
        changed = self.get(plural, name) | {"spec": spec}
        return self.cluster.api.put(self.path(plural, name), json=changed).is_success

    def note(self, plural: str, name: str, **annotations: str) -> None:
        marks = {f"dantaro.io/{key.replace('_', '-')}": text for key, text in annotations.items()}
        content = {"metadata": {"annotations": marks}}
        self.patch(self.path(plural, name), content).raise_for_status()

    def conditions(self, plural: str, name: str) -> dict[str, Object]:
        status = self.get(plural, name)["status"]
        return {item["type"]: item for item in status.get("conditions", ())}

    def is_ready(self, plural: str, name: str) -> bool:
        found = self.get(plural, name)
        conditions = {item["type"]: item for item in found["status"].get("conditions", ())}
        ready = conditions.get("Ready", {})
        return bool(
            ready.get("status") == "True"
            and ready["observedGeneration"] == found["metadata"]["generation"]
        )

    def report(self, pod: str) -> Object:
        """Return what a bot says of itself."""
        address = self.runner.status_url.format(namespace=self.namespace, pod=pod)
        answer = httpx.get(address, timeout=5, trust_env=False)
        assert answer.is_success, answer.status_code
        found: Object = answer.json()
        return found

    def config(self, pod: str) -> Object:
        """Return a bot's configuration as the operator wrote it."""
        path = f"/api/v1/namespaces/{self.namespace}/configmaps/{pod.removesuffix('-0')}"
        found: Object = yaml.safe_load(self.read(path)["data"]["config.json"])
        return found

    def stateful_set(self, pod: str) -> str:
        return f"{COLLECTIONS['StatefulSet'].format(self.namespace)}/{pod.removesuffix('-0')}"

    def children(self) -> dict[tuple[str, str], str]:
        """Return the version of every object that the operator makes, by collection and name."""
        return {
            (path, item["metadata"]["name"]): item["metadata"]["resourceVersion"]
            for path in COLLECTIONS.values()
            for item in self.read(path.format(self.namespace))["items"]
        }

    def events(self, reason: str) -> list[Object]:
        query = f"reason={reason},reportingComponent=dantaro-operator"
        path = f"/api/v1/namespaces/{self.namespace}/events"
        found: list[Object] = self.read(f"{path}?fieldSelector={query}")["items"]
        return found

    def told(self, reason: str, name: str) -> list[str]:
        """Return the messages of an object's Events of one reason, oldest first."""
        # Their names end at random, and their times are whole seconds.
        found = sorted(self.events(reason), key=lambda i: int(i["metadata"]["resourceVersion"]))
        return [item["message"] for item in found if item["involvedObject"]["name"] == name]

    def history(self, path: str, since: str) -> list[tuple[str, Object]]:
        """Return all events of a collection after a version, in order."""
        query = {"watch": "1", "resourceVersion": since, "timeoutSeconds": "1"}
        lines = self.cluster.api.get(path, params=query).raise_for_status().text.splitlines()
        events = [yaml.load(line, yaml.CSafeLoader) for line in lines]
        return [(event["type"], event["object"]) for event in events]

    def version(self, path: str) -> str:
        """Return the version of a collection."""
        return str(self.read(path)["metadata"]["resourceVersion"])

    def wait_for_condition(self, bot: tuple[str, str], kind: str, status: str) -> None:
        self.wait_for(
            lambda: self.conditions(*bot).get(kind, {}).get("status") == status,
            f"{kind}={status} of {bot[1]}",
        )

    def wait_until_gone(self, path: str) -> None:
        self.wait_for(lambda: not self.exists(path), f"{path} to go")

    def wait_for(self, check: Callable[[], T], what: str, *, timeout: float = 110) -> T:
        """Return the first true answer; else fail and show what there is."""
        try:
            return eventually(check, timeout=timeout)
        except (AssertionError, OSError, httpx.HTTPError) as error:
            raise AssertionError(f"waited {timeout} s for {what}: {error}\n{self.view()}") from None

    def view(self) -> str:
        names = ",".join(PLURALS.values())
        return "\n".join(
            [
                self.kubectl("get", f"{names},statefulsets,pods"),
                self.kubectl("get", names, "-o", "jsonpath={range .items[*]}{.status}{'\\n'}{end}"),
                self.kubectl("get", "events", "--sort-by=.metadata.creationTimestamp"),
                f"log of the operator:\n{self.operator.run.tail()}",
            ]
        )
