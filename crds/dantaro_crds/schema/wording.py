"""How values and expectations are put into words for the author of a document."""

import re
from collections.abc import Mapping
from typing import Any

from dantaro_crds.schema.structural import Schema
from dantaro_crds.v1alpha1.references import (
    CURRENCY_PATTERN,
    EXCHANGE_PATTERN,
    NAMESPACE_PATTERN,
    QUANTITY_PATTERN,
    SUBDOMAIN_PATTERN,
)
from dantaro_crds.values import (
    DECIMAL_PATTERN,
    NAME_PATTERN,
    POSITIVE_DECIMAL_PATTERN,
    SIGNED_DECIMAL_PATTERN,
    SYMBOL_OR_AUTO_PATTERN,
    SYMBOL_PATTERN,
)

__all__ = ["dotted", "expected_text", "found", "literal", "short_type"]

_PLAIN_KEY = re.compile(r"[\w-]+")

_LONGEST = 60
"""Signs of a value that a message repeats."""

_PATTERNS = {
    DECIMAL_PATTERN: ("decimal >= 0", 'a decimal number >= 0 in quotes, such as "0.5"'),
    POSITIVE_DECIMAL_PATTERN: ("decimal > 0", 'a decimal number > 0 in quotes, such as "0.5"'),
    SIGNED_DECIMAL_PATTERN: ("decimal", 'a decimal number in quotes, such as "-0.5"'),
    SYMBOL_PATTERN: ("market", "a market such as KRW-BTC or BTC/USDT"),
    SYMBOL_OR_AUTO_PATTERN: ("market or auto", "auto or a market such as KRW-BTC or BTC/USDT"),
    NAME_PATTERN: ("name", "a name of small letters, digits and hyphens, such as my-bot-1"),
    NAMESPACE_PATTERN: ("name", "a namespace of small letters, digits and hyphens"),
    SUBDOMAIN_PATTERN: ("name", "a name of small letters, digits, hyphens and dots"),
    QUANTITY_PATTERN: ("amount", 'an amount such as "1", 100m, 64Mi or 1Gi'),
    CURRENCY_PATTERN: ("currency", "a currency such as KRW or USDT"),
    EXCHANGE_PATTERN: ("exchange", "paper, upbit or another exchange in small letters"),
}
"""What a pattern means to a person: in a table, and in a sentence."""


def expected_text(schema: Schema) -> str:
    """Say in a sentence what text a schema wants."""
    if schema.get("format") == "date-time":
        return "a time with a zone such as 2026-01-31T09:00:00Z"
    pattern = schema.get("pattern")
    if pattern is None:
        return "text that is not empty" if schema.get("minLength") else "text"
    return _PATTERNS[pattern][1] if pattern in _PATTERNS else f"text that matches {pattern}"


def short_type(schema: Schema) -> str:
    """Say in a word or two what text a schema wants."""
    if schema.get("format") == "date-time":
        return "time"
    word, _ = _PATTERNS.get(schema.get("pattern", ""), ("text", ""))
    bounded = word in {"text", "name"} and "maxLength" in schema
    return f"{word}, at most {schema['maxLength']} signs" if bounded else word


def literal(value: Any) -> str:
    """Write a default as YAML does."""
    if isinstance(value, bool):
        return str(value).lower()
    return f'"{value}"' if isinstance(value, str) else str(value)


def found(value: Any) -> str:
    """Say what a value is, in at most a line. Never fails, whatever the value."""
    match value:
        case None:
            return "nothing"
        case bool():
            return str(value).lower()
        case str():
            cut = value if len(value) <= _LONGEST else f"{value[:_LONGEST]}..."
            return f'"{_printable(cut)}"'
        case int():
            # Python refuses to write whole numbers of thousands of digits as text.
            return f"the number {value}" if value.bit_length() < 256 else "a huge number"
        case float():
            return f"the number {value}"
        case Mapping():
            return "an object"
        case list() | tuple():
            return f"a list of {len(value)}"
        case _:
            return f"a {type(value).__name__}"


def _printable(text: str) -> str:
    """Escape what would disturb a terminal or could not be written at all."""
    return "".join(sign if sign.isprintable() else ascii(sign)[1:-1] for sign in text)


def dotted(path: tuple[str | int, ...]) -> str:
    """Write a path as the API server does: `spec.shares[1].percent`, `labels[a.b/c]`."""
    text = ""
    for step in path:
        if isinstance(step, str) and _PLAIN_KEY.fullmatch(step):
            text += f".{step}" if text else step
        else:
            text += f"[{_printable(str(step))}]"
    return text
