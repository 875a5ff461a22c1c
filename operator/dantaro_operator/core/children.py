"""What is kept of a bot's StatefulSet between two looks at it."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from dantaro_operator.core.cluster.names import INPUT_HASH

__all__ = ["ChildFacts", "child_facts"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ChildFacts:
    """A bot's StatefulSet.

    Attributes:
        generation: Counts changes of its spec, whoever made them.
        version: Its resourceVersion.
        input_hash: Hash of the manifest that it was made of; empty if the mark is gone.
        is_ready: Whether a pod is ready.
        is_settled: Whether the controller has done what the spec asks for.
        live: The object. Whole as long as nobody compared it with what it should be, afterwards
            without its spec but for the volume claims, which can never be changed.
        is_proven: Whether it was compared.
    """

    generation: int
    version: int
    input_hash: str
    is_ready: bool
    is_settled: bool
    live: Mapping[str, Any]
    is_proven: bool = False

    @property
    def is_deleting(self) -> bool:
        """Whether it is being deleted."""
        return "deletionTimestamp" in self.live["metadata"]

    def proven(self) -> "ChildFacts":
        """Return the same, known to be as it should be."""
        spec = {"volumeClaimTemplates": self.live["spec"].get("volumeClaimTemplates", [])}
        return replace(self, live={**self.live, "spec": spec}, is_proven=True)


def child_facts(document: Mapping[str, Any], *, known: ChildFacts | None) -> ChildFacts:
    """Return what is kept of a StatefulSet; `known` tells whether its spec was compared already."""
    metadata, status = document["metadata"], document.get("status", {})
    facts = ChildFacts(
        generation=metadata["generation"],
        version=int(metadata["resourceVersion"]),
        input_hash=metadata.get("annotations", {}).get(INPUT_HASH, ""),
        is_ready=status.get("readyReplicas", 0) >= 1,
        is_settled=status.get("observedGeneration", 0) >= metadata["generation"]
        and status.get("currentRevision") == status.get("updateRevision"),
        live={**document, "metadata": {**metadata, "managedFields": []}},
    )
    if known is None or not known.is_proven or not _same_intent(known, facts):
        return facts
    return facts.proven()


def _same_intent(known: ChildFacts, now: ChildFacts) -> bool:
    """Whether nobody changed what we own: spec, labels, owner and marks."""
    parts = ("labels", "annotations", "ownerReferences", "uid", "deletionTimestamp")
    one, other = known.live["metadata"], now.live["metadata"]
    return known.generation == now.generation and all(one.get(p) == other.get(p) for p in parts)
