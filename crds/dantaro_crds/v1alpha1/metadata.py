"""The part of Kubernetes' object metadata that we read; the rest belongs to the API server."""

from datetime import date
from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from dantaro_crds.v1alpha1.common import Model
from dantaro_crds.values import UtcTime, parse_day

__all__ = [
    "ACCEPT_LOSS_ANNOTATION",
    "FORCE_DELETE_ANNOTATION",
    "RESET_ANNOTATION",
    "ObjectMeta",
]

RESET_ANNOTATION = "dantaro.io/reset"
"""A new value leaves ERROR, or starts a stopped grid again. Any text; a time by convention."""

ACCEPT_LOSS_ANNOTATION = "dantaro.io/accept-loss"
"""A trading day (Asia/Seoul) such as 2026-01-31, whose loss so far a person accepts."""

FORCE_DELETE_ANNOTATION = "dantaro.io/force-delete"
"""`"true"` lets a deleted bot go although its deletion policy could not be carried out."""


def _without_null(value: Any) -> Any:
    """Return texts by key with `null` as empty text, as the API server reads it."""
    if not isinstance(value, dict):
        return value
    return {key: "" if text is None else text for key, text in value.items()}


Texts = Annotated[dict[str, str], BeforeValidator(_without_null)]
"""Texts by key."""


class ObjectMeta(Model):
    """Who an object is."""

    name: str
    """Name, unique per kind and namespace: at most 49 signs, no dots."""
    namespace: Annotated[str, BeforeValidator(lambda value: value or "default")] = "default"
    """Namespace: one user's bots."""
    uid: str = ""
    """Given once by whoever stores the object; empty in a file."""
    generation: int = 1
    """Counts changes of the spec."""
    creation_timestamp: UtcTime | None = None
    """When the object was stored first; null in a file."""
    deletion_timestamp: UtcTime | None = None
    """When its deletion was asked for; null while it is wanted."""
    annotations: Texts = Field(default_factory=dict)
    """Notes, such as the reset mark."""
    labels: Texts = Field(default_factory=dict)
    """Marks to select by."""
    finalizers: list[str] = Field(default_factory=list)
    """Who must agree before the object is gone."""

    @property
    def reset(self) -> str | None:
        """Value of the reset annotation; None when it is not set."""
        return self.annotations.get(RESET_ANNOTATION)

    @property
    def accept_loss(self) -> date | None:
        """Day of the annotation that accepts a loss; None when it is not set.

        Raises:
            ValueError: It is no day.
        """
        text = self.annotations.get(ACCEPT_LOSS_ANNOTATION)
        return None if text is None else parse_day(text)

    @property
    def is_force_delete(self) -> bool:
        """Whether a person gave up on the deletion policy."""
        return self.annotations.get(FORCE_DELETE_ANNOTATION) == "true"
