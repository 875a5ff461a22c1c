"""The bot's own money: quote, base, fees. Every figure is exact; nothing is rounded."""

from dataclasses import dataclass, replace
from decimal import Decimal

from dantaro_runtime.core.orders import Fill, Side
from dantaro_runtime.core.strategies.protocol import Book
from dantaro_runtime.core.venue import VenueAccount

__all__ = ["Ledger", "apply_fill", "explain_imbalance", "explain_shortage"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ledger:
    """What the bot owns, locked parts included.

    Attributes:
        quote: Quote currency, >= 0.
        base: Base currency, >= 0.
        contributed: Money put in less money taken out, quote currency.
        fees: Σ fees paid, quote currency.
        bought: Σ funds of buys, quote currency.
        sold: Σ funds of sells, quote currency.
    """

    quote: Decimal = Decimal(0)
    base: Decimal = Decimal(0)
    contributed: Decimal = Decimal(0)
    fees: Decimal = Decimal(0)
    bought: Decimal = Decimal(0)
    sold: Decimal = Decimal(0)

    def equity(self, last: Decimal) -> Decimal:
        """Return quote and base at the last price, quote currency."""
        return self.quote + self.base * last

    def with_contribution(self, amount: Decimal) -> "Ledger":
        """Return the ledger after money was put in or taken out so that `amount` is put in."""
        return replace(self, quote=self.quote + amount - self.contributed, contributed=amount)


def apply_fill(ledger: Ledger, fill: Fill) -> Ledger:
    """Return the ledger after one execution.

    Source: paper-trading rules; a buy takes funds + fee, a sell gives funds - fee, fee in quote
    currency.
    """
    if fill.side is Side.BUY:
        return replace(
            ledger,
            quote=ledger.quote - fill.funds - fill.fee,
            base=ledger.base + fill.volume,
            fees=ledger.fees + fill.fee,
            bought=ledger.bought + fill.funds,
        )
    return replace(
        ledger,
        quote=ledger.quote + fill.funds - fill.fee,
        base=ledger.base - fill.volume,
        fees=ledger.fees + fill.fee,
        sold=ledger.sold + fill.funds,
    )


def explain_imbalance(ledger: Ledger, book: Book) -> str:
    """Return what does not add up, or an empty text.

    Quote + cost of the coin held = money put in + realised profit, to the last digit.
    """
    if ledger.quote < 0 or ledger.base < 0:
        return f"no balance may be below 0, quote was {ledger.quote} and base {ledger.base}"
    left = ledger.quote + book.cost
    right = ledger.contributed + book.realized
    if left != right:
        return f"quote + cost was {left}, money put in + realised profit was {right}"
    return ""


def explain_shortage(
    ledger: Ledger, account: VenueAccount, *, unit: Decimal, last: Decimal, symbol: str
) -> str:
    """Return what an account lacks of what the books say; empty if it holds all of it.

    Args:
        ledger: The bot's own money.
        account: What the account holds; it may hold more, of others.
        unit: Smallest amount of the quote currency: a venue may round fees otherwise.
        last: Last price, quote currency.
        symbol: The market.
    """
    for held, wanted, tolerated, what in (
        (account.base + account.base_locked, ledger.base, unit / last, "coin"),
        (account.quote + account.quote_locked, ledger.quote, unit, "money"),
    ):
        if wanted - held >= tolerated:
            return (
                f"the account holds {held:f} of the {what} of {symbol}, the bot's books say "
                f"{wanted:f}: somebody took it out, or the budget is larger than the account; "
                "entries stop until it is there"
            )
    return ""
