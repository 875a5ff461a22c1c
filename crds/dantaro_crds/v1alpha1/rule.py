"""A rule across fields: one for the API server (CEL), its twin in Python, one message."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

__all__ = ["Node", "Rule"]

Node: TypeAlias = Mapping[str, Any]
"""A JSON object by its wire names, defaults filled in, `null` left out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One `x-kubernetes-validations` entry and its twin in Python.

    Attributes:
        at: Path from the root to the object that the rule stands on, such as `("spec",)`.
        cel: The rule as the API server evaluates it.
        holds: The same rule in Python, over (object, old object). It is called only when every
            field in `reads` is right by itself. Without a transition the old object is empty.
        reads: Fields of the object that the rule needs.
        message: What to say when it does not hold.
        suffix: Added to the message with `details` filled in, such as `", were %s and %s"`; numbers
            take `%d`.
        details: Values of the suffix: (CEL expression, the same in Python).
        field: The field of the object that is to blame, dotted; empty blames the object itself.
        reason: `FieldValueInvalid`, `FieldValueForbidden` or `FieldValueRequired`.
        is_transition: Whether the rule compares with the old object; creation skips it.
    """

    at: tuple[str, ...]
    cel: str
    holds: Callable[[Node, Node], bool]
    reads: tuple[str, ...]
    message: str
    suffix: str = ""
    details: tuple[tuple[str, Callable[[Node], object]], ...] = ()
    field: str = ""
    reason: str = "FieldValueInvalid"
    is_transition: bool = False

    @property
    def message_expression(self) -> str | None:
        """CEL that makes the message with its values; None where there are none."""
        if not self.details:
            return None
        values = ", ".join(expression for expression, _ in self.details)
        return f"'{self.message}{self.suffix}'.format([{values}])"

    def text(self, node: Node) -> str:
        """Return the message for an object that breaks the rule."""
        return self.message + self.suffix % tuple(value(node) for _, value in self.details)
