"""All kinds in one place. Bots never import this."""

from dantaro_crds.v1alpha1 import API_VERSION, CATEGORY, GROUP, VERSION
from dantaro_crds.v1alpha1.allocation import Allocation
from dantaro_crds.v1alpha1.grid_bot import GridBot
from dantaro_crds.v1alpha1.resource import Resource, dump, parse
from dantaro_crds.v1alpha1.trading_bot import TradingBot

__all__ = [
    "API_VERSION",
    "CATEGORY",
    "GROUP",
    "KINDS",
    "VERSION",
    "Allocation",
    "GridBot",
    "Resource",
    "TradingBot",
    "dump",
    "kind_named",
    "parse",
]

KINDS: dict[str, type[Allocation] | type[TradingBot] | type[GridBot]] = {
    "Allocation": Allocation,
    "TradingBot": TradingBot,
    "GridBot": GridBot,
}
"""Every kind by its name."""


def kind_named(text: str) -> type[Allocation] | type[TradingBot] | type[GridBot] | None:
    """Return the kind of a name as a person types it (kind, plural or short name), or None."""
    wanted = text.lower()
    for name, kind in KINDS.items():
        if wanted in {name.lower(), kind.info.plural, *kind.info.short_names}:
            return kind
    return None
