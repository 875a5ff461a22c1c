"""Which fields that we send differ in a live object. Fields of others are no business of ours."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from dantaro_crds.v1alpha1.quantity import parse_quantity

__all__ = ["differing_fields"]

_KEYS = {
    "containers": "name",
    "env": "name",
    "imagePullSecrets": "name",
    "ownerReferences": "uid",
    "ports": "name",
    "volumeMounts": "mountPath",
    "volumes": "name",
}
"""Lists whose entries the API server tells apart by a key, so that others may add their own.
Every other list belongs to its manager as a whole."""

_AMOUNTS = frozenset({"limits", "requests"})
"""Maps whose values are amounts."""


def differing_fields(intent: Mapping[str, Any], live: Mapping[str, Any]) -> list[str]:
    """Return the paths of fields that are sent and are missing or different in the live object.

    Args:
        intent: The manifest as it is applied.
        live: The object as the API server has it, with its defaults and fields of others.

    Returns:
        Such as `spec.replicas`, `metadata.labels[dantaro.io/bot]` or
        `spec.template.spec.containers[bot].image`, in the manifest's order.
    """
    return list(_map_differs(intent, live, ""))


def _map_differs(intent: Mapping[str, Any], live: Mapping[str, Any], path: str) -> Iterator[str]:
    for key, wanted in intent.items():
        found = live.get(key)
        if wanted != found:
            yield from _differs(wanted, found, path=_join(path, key), key=key)


def _differs(wanted: Any, found: Any, *, path: str, key: str) -> Iterator[str]:
    """Yield what differs in two values that are not equal."""
    if isinstance(wanted, Mapping) and isinstance(found, Mapping):
        if key in _AMOUNTS:
            yield from _amounts_differ(wanted, found, path)
        else:
            yield from _map_differs(wanted, found, path)
    elif isinstance(wanted, Sequence) and isinstance(found, Sequence) and not _is_text(wanted):
        yield from _list_differs(wanted, found, path=path, key=key)
    elif not (key == "sizeLimit" and _is_same_amount(wanted, found)):
        yield path


def _amounts_differ(wanted: Mapping[str, Any], found: Mapping[str, Any], path: str) -> list[str]:
    return [
        _join(path, name)
        for name, amount in wanted.items()
        if not _is_same_amount(amount, found.get(name))
    ]


def _list_differs(
    wanted: Sequence[Any], found: Sequence[Any], *, path: str, key: str
) -> Iterator[str]:
    name = _KEYS.get(key, "")
    if all(_is_named(item, name) for item in wanted):
        by_name = {item[name]: item for item in found if _is_named(item, name)}
        pairs = [(item[name], item, by_name.get(item[name])) for item in wanted]
    elif len(wanted) != len(found) or _is_text(found):
        yield path
        return
    else:
        pairs = list(zip(range(len(wanted)), wanted, found, strict=True))
    for place, item, other in pairs:
        if item != other:
            yield from _differs(item, other, path=f"{path}[{place}]", key="")


def _is_named(item: Any, name: str) -> bool:
    return isinstance(item, Mapping) and _is_text(item.get(name))


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _is_same_amount(wanted: Any, found: Any) -> bool:
    try:
        return parse_quantity(str(wanted)) == parse_quantity(str(found))
    except ValueError:
        return bool(wanted == found)


def _join(path: str, key: str) -> str:
    if "." in key or "/" in key:
        return f"{path}[{key}]"
    return f"{path}.{key}" if path else key
