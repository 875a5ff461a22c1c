"""What a person should know of objects that come and go, though nothing is wrong with them."""

from collections.abc import Iterable, Mapping

from dantaro_crds.v1alpha1.allocation import Allocation, Share
from dantaro_crds.v1alpha1.resource import Resource
from dantaro_crds.values import decimal_text, quote_of
from dantaro_crds.wire.bot_config import BotConfig
from dantaro_crds.wire.bot_status import BotReport
from dantaro_operator.core.bots import Bot, Key, account_of, allocations_in, bots_in, label
from dantaro_operator.core.figures import money_text
from dantaro_operator.core.local.documents import Document, Finding, Severity
from dantaro_operator.core.observed import NOTHING, BotObserved

__all__ = ["farewells", "idle_shares", "waiting_accounts"]


def farewells(removed: Iterable[Resource], observed: Mapping[str, BotObserved]) -> list[Finding]:
    """Return one line for each bot that is gone, from its last report.

    Args:
        removed: Objects whose deletion is done.
        observed: What existed for each bot, by uid.
    """
    return [_farewell(bot, observed.get(bot.metadata.uid, NOTHING)) for bot in bots_in(removed)]


def _farewell(bot: Bot, observed: BotObserved) -> Finding:
    policy = "force-delete" if bot.metadata.is_force_delete else bot.spec.deletion_policy.value
    parts = [_result(observed.report)] if observed.report is not None else []
    if observed.config is None:
        parts.append("it never ran")
    else:
        parts.append(f"its records are in .dantaro/deleted/{_folder_of(observed.config)}")
    return Finding(
        message=f"{label(bot)} deleted ({policy}): {'; '.join(parts)}", severity=Severity.WARNING
    )


def _result(report: BotReport) -> str:
    result = money_text(report.pnl.total, quote_of(report.symbol))
    position = decimal_text(report.position.amount)
    return f"{report.orders.filled} fills, position {position}, result {result}"


def _folder_of(config: BotConfig) -> str:
    """Return the folder that the bot's store is in: it is put aside under the same name."""
    return config.store_url.rpartition("/")[0].rpartition("/")[2]


def waiting_accounts(
    objects: Iterable[Resource], documents: Mapping[Key, Document]
) -> list[Finding]:
    """Return one line for each Allocation that cannot go yet, with the bots that keep it.

    Bots that are being deleted too are left out: they need nobody.
    """
    resources = tuple(objects)
    return [
        _waiting(account, bots, documents.get(account.key))
        for account in allocations_in(resources)
        if account.metadata.deletion_timestamp is not None
        and (bots := [bot for bot in bots_in(resources) if _keeps(bot, account)])
    ]


def _keeps(bot: Bot, account: Allocation) -> bool:
    return account_of(bot) == account.key and bot.metadata.deletion_timestamp is None


def _waiting(account: Allocation, bots: Iterable[Bot], document: Document | None) -> Finding:
    names = ", ".join(label(bot) for bot in bots)
    move = "mend it" if document else "put it back"
    return Finding(
        file=document.file if document else "",
        line=document.line if document else 0,
        object=label(account),
        message=f"is being deleted, halts {names} and waits until they are gone: {move}, or take "
        "them out too",
        severity=Severity.WARNING,
    )


def idle_shares(objects: Iterable[Resource], documents: Mapping[Key, Document]) -> list[Finding]:
    """Return one line for each share whose bot neither exists nor stands in a file, or trades for
    another Allocation.
    """
    resources = tuple(objects)
    bots = {bot.key: bot for bot in bots_in(resources)}
    return [
        document.finding(
            f"{why}: its {share.percent} % lie idle",
            field=f"spec.shares[{at}].name",
            severity=Severity.WARNING,
        )
        for account in allocations_in(resources)
        if (document := documents.get(account.key)) is not None
        for at, share in enumerate(account.spec.shares)
        if (why := _idle_because(share, account, bots, documents))
    ]


def _idle_because(
    share: Share, account: Allocation, bots: Mapping[Key, Bot], documents: Mapping[Key, Document]
) -> str:
    key = (share.kind.value, account.metadata.namespace, share.name)
    bot = bots.get(key)
    if bot is not None and account_of(bot) != account.key:
        return f"{label(bot)} belongs to Allocation/{bot.spec.allocation_ref.name}"
    if bot is None and key not in documents:
        return f"no {share.kind.value} is named {share.name}"
    return ""
