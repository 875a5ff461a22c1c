"""What is said at the end of a run: one exact line a bot."""

from collections.abc import Iterable, Mapping

from dantaro_crds.v1alpha1.resource import Resource
from dantaro_crds.values import decimal_text, quote_of, utc_text
from dantaro_crds.wire.bot_status import BotReport
from dantaro_operator.core.bots import bots_in, label

__all__ = ["summary_lines"]


def summary_lines(objects: Iterable[Resource], reports: Mapping[str, BotReport]) -> tuple[str, ...]:
    """Return one line a bot that ever reported, with figures to the last unit."""
    bots = sorted(bots_in(objects), key=lambda bot: bot.key)
    found = [(bot, reports.get(bot.metadata.uid)) for bot in bots]
    return tuple(f"{label(bot)}: {_figures(report)}" for bot, report in found if report is not None)


def _figures(report: BotReport) -> str:
    pnl, quote = report.pnl, quote_of(report.symbol)
    parts = [
        f"{report.orders.filled} fills",
        f"{report.orders.open} open",
        f"realized {decimal_text(pnl.realized)}",
        f"unrealized {decimal_text(pnl.unrealized)}",
        f"fees {decimal_text(pnl.fees)}",
        f"equity {decimal_text(report.equity)} {quote}",
    ]
    if report.market_time is not None:
        parts.append(f"at {utc_text(report.market_time)}")
    return ", ".join(parts)
