"""JSON merge patches (RFC 7386): what turns one document into another."""

from collections.abc import Mapping
from typing import Any

__all__ = ["build_merge_patch"]


def build_merge_patch(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, Any]:
    """Return the smallest patch that makes `new` of `old`; empty when they are equal.

    A field that is gone is null in the patch, a list that differs stands in it whole.
    """
    patch: dict[str, Any] = {key: None for key in old if key not in new}
    for key, value in new.items():
        known = old.get(key)
        if isinstance(known, Mapping) and isinstance(value, Mapping):
            if inner := build_merge_patch(known, value):
                patch[key] = inner
        elif key not in old or known != value:
            patch[key] = value
    return patch
