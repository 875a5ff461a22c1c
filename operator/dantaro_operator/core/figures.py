"""Figures of a report as status holds them: rounded, so that a status does not churn."""

from decimal import ROUND_HALF_EVEN, Decimal

from dantaro_crds.money import exact
from dantaro_crds.v1alpha1.bot_common import BotOrders, BotPnl, BotPosition
from dantaro_crds.v1alpha1.grid_bot import GridBotPnl
from dantaro_crds.values import quote_of
from dantaro_crds.wire.bot_status import BotReport, Pnl
from dantaro_operator.core.bots import Bot

__all__ = ["build_orders", "build_pnl", "build_position", "left_text", "money_text", "round_money"]

_PLACES = {"KRW": 0, "USD": 2, "USDT": 2, "USDC": 2, "EUR": 2}
"""Decimals of an amount that a person reads, by currency; others have 8."""

_PRICE_STEP = Decimal("1e-8")


@exact
def round_money(amount: Decimal, currency: str) -> Decimal:
    """Return an amount with the decimals that a person reads."""
    step = Decimal(1).scaleb(-_PLACES.get(currency, 8))
    return amount.quantize(step, rounding=ROUND_HALF_EVEN)


def money_text(amount: Decimal, currency: str) -> str:
    """Return an amount for a sentence: `5,000,000 KRW`."""
    return f"{round_money(amount, currency):,f} {currency}"


@exact
def build_position(report: BotReport, currency: str) -> BotPosition:
    """Return what the bot holds; the value is rounded."""
    held = report.position
    average = held.average_price
    return BotPosition(
        amount=held.amount,
        average_price=average.quantize(_PRICE_STEP) if average is not None else None,
        value=round_money(held.value, currency),
    )


@exact
def build_pnl(pnl: Pnl, currency: str) -> BotPnl:
    """Return profit and loss, rounded so that total = realized + unrealized still holds."""
    realized = round_money(pnl.realized, currency)
    unrealized = round_money(pnl.unrealized, currency)
    common = {
        "total": realized + unrealized,
        "realized": realized,
        "unrealized": unrealized,
        "today": round_money(pnl.today, currency),
    }
    if pnl.grid is None:
        return BotPnl(**common)
    return GridBotPnl(
        **common,
        grid_profit=round_money(pnl.grid.grid_profit, currency),
        initial_stock_gain=round_money(pnl.grid.initial_stock_gain, currency),
        exit_result=round_money(pnl.grid.exit_result, currency),
    )


def build_orders(report: BotReport) -> BotOrders:
    """Return the counts of orders."""
    counts = report.orders
    return BotOrders(open=counts.open, filled=counts.filled, rejected=counts.rejected)


def left_text(bot: Bot) -> str:
    """Return what a bot had on the exchange when it was last heard of, for a sentence."""
    status = bot.status
    orders = status.orders.open if status.orders else 0
    position, symbol = status.position, status.symbol or bot.spec.symbol
    if position is None:
        return f"{orders} orders and an unknown position at the last look"
    worth = money_text(position.value, quote_of(symbol))
    return f"{orders} orders and {position.amount:f} of {symbol}, worth {worth}, at the last look"
