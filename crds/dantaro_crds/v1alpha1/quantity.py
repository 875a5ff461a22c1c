"""Kubernetes' notation for amounts, which the API server rewrites: `0.05` becomes `50m`."""

import re
from decimal import Decimal

__all__ = ["parse_quantity"]

_FORM = re.compile(r"([+-]?(?:\d+\.?\d*|\.\d+))(?:[eE]([+-]?\d+)|([A-Za-z]{0,2}))")

_DECIMAL = {"n": -9, "u": -6, "m": -3, "": 0, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18}

_BINARY = {"Ki": 10, "Mi": 20, "Gi": 30, "Ti": 40, "Pi": 50, "Ei": 60}

_FACTORS = {suffix: Decimal(1).scaleb(power) for suffix, power in _DECIMAL.items()} | {
    suffix: Decimal(1 << power) for suffix, power in _BINARY.items()
}


def parse_quantity(text: str) -> Decimal:
    """Return the value of an amount.

    Raises:
        ValueError: The text is no amount.
    """
    found = _FORM.fullmatch(text)
    factor = _FACTORS.get(found[3] or "") if found else None
    if found is None or factor is None:
        raise ValueError(f"expected an amount such as 50m or 1Gi, was {text!r}")
    return Decimal(found[1]).scaleb(int(found[2] or 0)) * factor
