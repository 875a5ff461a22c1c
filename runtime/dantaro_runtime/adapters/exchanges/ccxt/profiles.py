"""What ccxt does not tell of an exchange, for those whose orders can be looked up, never guessed.

An exchange joins this table when its orders are found by the id that this bot gave them, from the
moment of placing until after their end, and its fees are taken in the quote currency (ADR 0011).
ccxt's own class of Upbit is here for the contract of venues; bots trade Upbit without ccxt.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

__all__ = ["PROFILES", "TRADABLE", "Profile"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """One exchange.

    Attributes:
        title: Its name.
        caveat: What it does not guarantee, one sentence; empty if nothing.
        takes_ids_once: Whether an id is refused for ever once an order had it. Where not, no order
            is sent a second time under its id.
        needs_passphrase: Whether the Secret has a third file `passphrase`.
        options: Options of ccxt.
        refused: (Word of the answer, our code) of refusals after which no order exists.
        unsure: Words of refusals that may answer a repeated request.
        offline: Words of an answer that says that no orders are taken now.
    """

    title: str
    caveat: str = ""
    takes_ids_once: bool = False
    needs_passphrase: bool = False
    options: Mapping[str, Any] = field(default_factory=dict)
    refused: tuple[tuple[str, str], ...] = ()
    unsure: tuple[str, ...] = ()
    offline: tuple[str, ...] = ()


PROFILES: dict[str, Profile] = {
    "kucoin": Profile(
        title="KuCoin",
        caveat="KuCoin does not promise to refuse an id a second time: an order whose answer was "
        "lost and that four reads over 11 s do not show is not sent again under its id; fees must "
        "be paid in the quote currency, not in KCS",
        needs_passphrase=True,
        options={"hf": True, "uta": False},
    ),
    "upbit": Profile(
        title="Upbit",
        takes_ids_once=True,
        refused=(
            ("under_min_total", "UnderMinimum"),
            ("over_krw_funds", "OverMaximum"),
            ("invalid_price", "PriceRefused"),
            ("invalid_volume", "VolumeRefused"),
            ("create_bid_error", "OrderInvalid"),
            ("create_ask_error", "OrderInvalid"),
            ("validation_error", "OrderInvalid"),
        ),
        unsure=("nonce_used",),
        offline=("market_offline",),
    ),
}
"""By ccxt's id."""

TRADABLE = tuple(sorted(set(PROFILES) - {"upbit"}))
"""Exchanges that a bot trades through ccxt."""
