"""What kstatus says of an object: Flux and Helm judge our kinds by it.

Its rules for a kind that it does not know, in its order. Beside the conditions it takes nothing
from a status.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

__all__ = ["Kstatus", "judge"]


class Kstatus(StrEnum):
    """What kstatus calls the state of an object."""

    CURRENT = "Current"
    IN_PROGRESS = "InProgress"
    FAILED = "Failed"
    TERMINATING = "Terminating"


def judge(document: Mapping[str, Any]) -> Kstatus:
    """Return the verdict over an object as an API server gives it."""
    metadata, status = document["metadata"], document.get("status", {})
    states = {item["type"]: item["status"] for item in status.get("conditions", ())}
    seen = status.get("observedGeneration")
    if "deletionTimestamp" in metadata:
        return Kstatus.TERMINATING
    if seen is not None and seen != metadata["generation"]:
        return Kstatus.IN_PROGRESS
    if states.get("Reconciling") == "True":
        return Kstatus.IN_PROGRESS
    if states.get("Stalled") == "True":
        return Kstatus.FAILED
    return Kstatus.CURRENT if states.get("Ready", "True") == "True" else Kstatus.IN_PROGRESS
