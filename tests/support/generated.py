"""Objects made by hypothesis: right by their schema, close to its borders, then damaged.

Everything is JSON as kubectl would send it: texts without halves of a sign, no `1.0` for 1.
"""

from copy import deepcopy
from functools import cache
from typing import Any

from hypothesis import strategies as st

from dantaro_crds.schema.structural import Schema, structural_schema
from dantaro_crds.v1alpha1 import API_VERSION
from dantaro_crds.v1alpha1.kinds import KINDS
from dantaro_crds.values import POSITIVE_DECIMAL_PATTERN, SYMBOL_OR_AUTO_PATTERN, SYMBOL_PATTERN

__all__ = ["changes", "damaged_objects", "good_objects"]

Path = tuple[str | int, ...]

SIGNS = st.characters(codec="utf-8")

DECIMALS = [
    "0.000000000000000001", "0.1", "0.10", "0.5", "0.999999999999999999", "1", "1.0",
    "1.000000000000000001", "1.5", "2", "2.00", "2.000000000000000001", "9", "10",
    "49.999999999999999999", "50", "99.999999999999999999", "100", "100.000000000000000001",
    "123456789012345678.1", "123456789012345678.2", "999999999999999999.999999999999999999",
]  # fmt: skip
NO_DECIMALS = [
    "",
    "-1",
    "+1",
    "01",
    "1.",
    ".5",
    "1e5",
    "1,000",
    "1 ",
    "NaN",
    "٣",
    "1" * 19,
    "1" * 38,
]
QUANTITIES = ["1Gi", "100m", "0.5", "0", "123456789012.123Ti"]
NAMES = ["a", "main", "grid-1", "0", "a" * 49]
WORDS = [
    "", "a b", "A", "-a", "a-", "a.b", "a/b", "/a", "a/b/c", "a_b", "A.b/c", "x" * 50, "x" * 63,
    "x" * 64, "x" * 254, "main", "paper", "upbit", "Live", "live", "auto", "KRW-BTC", "krw-btc",
    "BTC/USDT:USDT", "1Gi", "1GB", "GridBot", "Allocation", "true", "1m", "60", "2026-01-31",
    "2026-01-31T09:00:00Z", "ü", "🚀" * 42, "a\n",
]  # fmt: skip


def _texts(schema: Schema) -> st.SearchStrategy[str]:
    pattern, longest = schema.get("pattern"), schema.get("maxLength", 20)
    if pattern is None:
        return st.text(SIGNS, min_size=schema.get("minLength", 0), max_size=min(longest, 20))
    if longest == 37:
        more_than_zero = pattern == POSITIVE_DECIMAL_PATTERN
        return st.sampled_from(DECIMALS if more_than_zero else ["0", "0.0", *DECIMALS])
    if pattern in {SYMBOL_PATTERN, SYMBOL_OR_AUTO_PATTERN}:
        auto = ["auto"] if pattern == SYMBOL_OR_AUTO_PATTERN else []
        return st.sampled_from(["KRW-BTC", "BTC/USDT", "XRP/USDT:USDT", *auto])
    known = {10: ["KRW", "USDT"], 20: QUANTITIES, 32: ["paper", "upbit", "binance"], 49: NAMES}
    return st.sampled_from(known.get(longest, ["keys", "a.b", "a" * 253]))


def _values(schema: Schema) -> st.SearchStrategy[Any]:
    """Return what a schema lets pass; rules may be broken."""
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    match schema.get("type"):
        case "object":
            return _objects(schema)
        case "array":
            items = st.lists(_values(schema["items"]), max_size=3)
            return items | st.lists(_values(schema["items"]), min_size=9, max_size=11)
        case "integer":
            low, high = schema.get("minimum", -5), schema.get("maximum", 5)
            return st.sampled_from([low, low + 1, high - 1, high]) | st.integers(low, high)
        case "boolean":
            return st.booleans()
        case _:
            return _texts(schema)


def _objects(schema: Schema) -> st.SearchStrategy[dict[str, Any]]:
    required = schema.get("required", ())
    fields = {name: _values(child) for name, child in schema["properties"].items()}
    return st.fixed_dictionaries(
        {name: fields[name] for name in fields if name in required},
        optional={name: fields[name] for name in fields if name not in required},
    )


@cache
def _parts(kind: str) -> dict[str, st.SearchStrategy[Any]]:
    """Return what `spec` and `status` of a kind let pass; strategies are slow to build."""
    properties = structural_schema(KINDS[kind])["properties"]
    return {name: _values(properties[name]) for name in ("spec", "status")}


ODD = (
    st.none()
    | st.booleans()
    | st.integers(-(2**65), 2**65)
    | st.sampled_from([-1, 0, 1, 2, 20, 21, 100, 101, 600, 601])
    | st.sampled_from([0.5, 1.5, -0.1, 1e300])
    | st.sampled_from(DECIMALS + NO_DECIMALS + WORDS)
    | st.text(SIGNS, max_size=5)
)
ANYTHING = st.recursive(
    ODD,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(WORDS) | st.text(SIGNS, max_size=5), inner, max_size=3)
    ),
    max_leaves=5,
)
TEXTS = st.dictionaries(
    st.sampled_from([*WORDS, "team", "example.com/team"]) | st.text(SIGNS, max_size=3),
    st.sampled_from(WORDS) | st.text(SIGNS, max_size=3) | st.none(),
    max_size=2,
)
OWNER = st.fixed_dictionaries(
    {
        "apiVersion": st.sampled_from(["v1", "apps/v1", "", "/v1", "a/", "a/b/c"]),
        "kind": st.sampled_from(["Pod", "Event", ""]),
        "name": st.sampled_from(["a", ""]),
        "uid": st.sampled_from(["u", "v", ""]),
    },
    optional={"controller": st.booleans() | st.none(), "blockOwnerDeletion": st.booleans()},
)
METADATA = st.fixed_dictionaries(
    {"name": st.sampled_from(NAMES) | st.sampled_from(WORDS)},
    optional={
        "labels": TEXTS,
        "annotations": TEXTS,
        "finalizers": st.lists(
            st.sampled_from([*WORDS, "example.com/guard", "orphan", "foregroundDeletion"]),
            max_size=2,
        ),
        "ownerReferences": st.lists(OWNER, max_size=2),
        "generateName": st.sampled_from(WORDS),
        "managedFields": st.lists(
            st.fixed_dictionaries({}, optional={"manager": ODD, "fieldsV1": ODD, "b": ODD}),
            max_size=1,
        ),
        "uid": ODD,
        "generation": ODD,
        "resourceVersion": ODD,
        "selfLink": ODD,
        "deletionGracePeriodSeconds": ODD,
    },
)


@st.composite
def good_objects(draw: st.DrawFn) -> dict[str, Any]:
    """Return an object that is right by its schema; rules may be broken."""
    name = draw(st.sampled_from(sorted(KINDS)))
    spec = draw(_parts(name)["spec"])
    if name == "TradingBot" and draw(st.booleans()):
        strategy = draw(st.sampled_from(["staged", "signal", "breakout", "ai"]))
        spec["strategy"] = {strategy: spec["strategy"].get(strategy, {})}
    if name == "GridBot" and draw(st.booleans()):
        spec |= {"lowerPrice": "2", "upperPrice": "50"}
    return {
        "apiVersion": API_VERSION,
        "kind": name,
        "metadata": {"name": draw(st.sampled_from(NAMES))},
        "spec": spec,
    }


@st.composite
def damaged_objects(draw: st.DrawFn) -> dict[str, Any]:
    """Return an object of which some parts, perhaps none, were replaced, removed or added."""
    document: dict[str, Any] = draw(good_objects())
    if draw(st.booleans()):
        document["metadata"] = draw(METADATA)
    if draw(st.integers(0, 3)) == 0:
        document["status"] = draw(_parts(document["kind"])["status"] | ANYTHING)
    for _ in range(draw(st.sampled_from([0, 1, 1, 2]))):
        document = draw(_damaged(document))
    return document


@st.composite
def changes(draw: st.DrawFn, before: dict[str, Any]) -> dict[str, Any]:
    """Return another version of an object: some fields of its spec are others."""
    after = deepcopy(before)
    fresh = draw(_parts(before["kind"])["spec"])
    names = st.sampled_from(sorted({*fresh, *after["spec"]}))
    for name in draw(st.lists(names, max_size=3, unique=True)):
        if name in fresh:
            after["spec"][name] = fresh[name]
        else:
            del after["spec"][name]
    if draw(st.integers(0, 2)) == 0:
        after["spec"] = draw(_damaged(after["spec"])) if after["spec"] else {}
    return after


@st.composite
def _damaged(draw: st.DrawFn, document: dict[str, Any]) -> dict[str, Any]:
    document = deepcopy(document)
    path = draw(st.sampled_from(_places(document)))
    node: Any = document
    for step in path[:-1]:
        node = node[step]
    match draw(st.sampled_from(["replace", "replace", "remove", "add"])):
        case "replace":
            node[path[-1]] = draw(ODD | ANYTHING)
        case "remove":
            del node[path[-1]]
        case _ if isinstance(node, dict):
            node[draw(st.sampled_from(["x", "name", "mode", "spec", "symbol", "a b"]))] = draw(ODD)
        case _:
            node.append(draw(ODD | ANYTHING))
    return document


def _places(node: Any, path: Path = ()) -> list[Path]:
    """Return the path of every value below a node."""
    if not isinstance(node, dict | list):
        return []
    children = node.items() if isinstance(node, dict) else enumerate(node)
    return [
        place for key, child in children for place in [(*path, key), *_places(child, (*path, key))]
    ]
