"""Builders of objects as a person writes them: the smallest right one, and what differs."""

from typing import Any

from dantaro_crds.v1alpha1 import API_VERSION

__all__ = ["allocation_document", "grid_bot_document", "trading_bot_document"]


def allocation_document(name: str = "main", /, **spec: Any) -> dict[str, Any]:
    """Return an Allocation on paper; `spec` replaces or adds fields by their wire names."""
    return _document("Allocation", name, {"budget": "10000000"} | spec)


def grid_bot_document(name: str = "grid", /, **spec: Any) -> dict[str, Any]:
    """Return a GridBot on KRW-BTC."""
    least = {
        "allocationRef": {"name": "main"},
        "symbol": "KRW-BTC",
        "lowerPrice": "90000000",
        "upperPrice": "110000000",
        "grids": 10,
    }
    return _document("GridBot", name, least | spec)


def trading_bot_document(name: str = "staged", /, **spec: Any) -> dict[str, Any]:
    """Return a TradingBot with the defaults of the staged strategy."""
    least = {
        "allocationRef": {"name": "main"},
        "symbol": "KRW-ETH",
        "strategy": {"staged": {}},
    }
    return _document("TradingBot", name, least | spec)


def _document(kind: str, name: str, spec: dict[str, Any]) -> dict[str, Any]:
    return {
        "apiVersion": API_VERSION,
        "kind": kind,
        "metadata": {"name": name},
        "spec": spec,
    }
