"""Every rule of a kind: those that its module declares, and the bounds of its decimals.

A decimal is text in a schema, so `minimum` cannot bound it: its bounds become rules, made from what
the model says (`Field(ge=1, le=2)`), so that they too are written down once.
"""

import operator
from collections.abc import Callable, Iterator
from decimal import Decimal
from functools import cache
from typing import Any, get_args, get_origin

from pydantic import BaseModel

from dantaro_crds.v1alpha1.cel import DecimalText
from dantaro_crds.v1alpha1.resource import Resource
from dantaro_crds.v1alpha1.rule import Node, Rule
from dantaro_crds.values import decimal_text

__all__ = ["rules_of"]

_Compare = Callable[[Decimal, Decimal], bool]
_Test = Callable[[DecimalText, DecimalText], str]

_BOUNDS: dict[str, tuple[str, _Compare, _Test]] = {
    "ge": (">=", operator.ge, lambda value, limit: f"!{value.is_below(limit)}"),
    "gt": (">", operator.gt, lambda value, limit: limit.is_below(value)),
    "le": ("<=", operator.le, lambda value, limit: f"!{limit.is_below(value)}"),
    "lt": ("<", operator.lt, lambda value, limit: value.is_below(limit)),
}
"""Sign, meaning in Python and in CEL of each kind of bound."""


@cache
def rules_of(kind: type[Resource]) -> tuple[Rule, ...]:
    """Return the rules of a kind: declared ones first, then bounds in the order of the fields."""
    spec = kind.model_fields["spec"].annotation
    assert isinstance(spec, type)
    return (*kind.info.rules, *_bounds(spec, ("spec",)))


def _bounds(model: type[BaseModel], at: tuple[str, ...]) -> Iterator[Rule]:
    for field in model.model_fields.values():
        name = field.alias
        assert name is not None
        types = _types_in(field.annotation)
        if Decimal in types:
            found = [
                (kind, Decimal(str(getattr(mark, kind))))
                for mark in field.metadata
                for kind in _BOUNDS
                if hasattr(mark, kind)
            ]
            if found:
                yield _bound_rule(at, name, found)
        for inner in types:
            if issubclass(inner, BaseModel):
                yield from _bounds(inner, (*at, name))


def _types_in(annotation: Any) -> list[type]:
    """Return the classes of an annotation; none for a list, as a rule stands on an object."""
    if isinstance(annotation, type):
        return [annotation]
    if get_origin(annotation) is list:
        return []
    return [found for part in get_args(annotation) for found in _types_in(part)]


def _bound_rule(at: tuple[str, ...], name: str, bounds: list[tuple[str, Decimal]]) -> Rule:
    signs = [(_BOUNDS[kind][0], decimal_text(limit)) for kind, limit in bounds]
    value_text = DecimalText.of_field(f"self.{name}")
    tests = " && ".join(
        _BOUNDS[kind][2](value_text, DecimalText.of_number(limit)) for kind, limit in bounds
    )

    def holds(new: Node, _: Node) -> bool:
        if name not in new:
            return True
        value = Decimal(new[name])
        return all(_BOUNDS[kind][1](value, limit) for kind, limit in bounds)

    return Rule(
        at=at,
        cel=f"!has(self.{name}) || ({tests})",
        holds=holds,
        reads=(name,),
        message=f"{name} must be {' and '.join(f'{sign} {limit}' for sign, limit in signs)}",
        suffix=", was %s",
        details=((f"self.{name}", lambda new: new[name]),),
        field=name,
    )
