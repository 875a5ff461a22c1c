"""What is said at the end of a run: one line a bot, with the figures of the table."""

from collections.abc import Iterable, Mapping

from dantaro_crds.v1alpha1.resource import Resource
from dantaro_crds.values import decimal_text, quote_of, utc_text
from dantaro_crds.wire.bot_status import BotReport
from dantaro_operator.core.bots import bots_in, label
from dantaro_operator.core.figures import build_pnl, round_money

__all__ = ["summary_lines"]


def summary_lines(objects: Iterable[Resource], reports: Mapping[str, BotReport]) -> tuple[str, ...]:
    """Return one line a bot that ever reported, money as the table shows it."""
    bots = sorted(bots_in(objects), key=lambda bot: bot.key)
    found = [(bot, reports.get(bot.metadata.uid)) for bot in bots]
    return tuple(f"{label(bot)}: {_figures(report)}" for bot, report in found if report is not None)


def _figures(report: BotReport) -> str:
    quote = quote_of(report.symbol)
    pnl = build_pnl(report.pnl, quote)
    parts = [
        f"{report.orders.filled} fills",
        f"{report.orders.open} open",
        f"realized {decimal_text(pnl.realized)}",
        f"unrealized {decimal_text(pnl.unrealized)}",
        f"fees {decimal_text(round_money(report.pnl.fees, quote))}",
        f"equity {decimal_text(round_money(report.equity, quote))} {quote}",
    ]
    if report.market_time is not None:
        parts.append(f"at {utc_text(report.market_time)}")
    return ", ".join(parts)
