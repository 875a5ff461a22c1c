"""What the operator knows of the cluster: objects, children and reports, kept by events.

Watch events and the answers to our own writes come in any order, and those of an older namesake
late. So of each object the newest version counts, whoever told of it. Nothing is decided here.
Every change names the accounts that must be looked at again.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from dantaro_crds.v1alpha1.allocation import Allocation
from dantaro_crds.v1alpha1.kinds import KINDS
from dantaro_crds.v1alpha1.resource import Resource, parse
from dantaro_crds.wire.bot_config import BotConfig
from dantaro_crds.wire.bot_status import BotReport
from dantaro_operator.core.bots import Bot, Key, account_of
from dantaro_operator.core.children import ChildFacts, child_facts
from dantaro_operator.core.cluster.names import FINALIZER, bot_of_child, shared_labels
from dantaro_operator.services.compact import compact

__all__ = ["BotRecord", "Fleet"]


@dataclass(slots=True)
class BotRecord:
    """What is known of one bot besides its object."""

    child: ChildFacts | None = None
    """Its StatefulSet; None if there is none."""
    child_version: int = -1
    """Newest version that was told of a StatefulSet, or of its end; -1 if none was."""
    config: BotConfig | None = None
    """The configuration that was last handed over; None if there was none or nobody looked."""
    config_version: str = ""
    """Version of the ConfigMap as we left it; empty before the first apply of this run."""
    report: BotReport | None = None
    """What it last said of itself since the operator started."""
    answered: float | None = None
    """When that was, monotonic seconds."""
    unanswered: float | None = None
    """Since when it has been asked in vain, monotonic seconds; None after an answer."""


@dataclass(slots=True)
class _Account:
    allocation: Allocation | None = None
    bots: dict[Key, Bot] = field(default_factory=dict)


class Fleet:
    """All objects of ours in the cluster, by account."""

    def __init__(self) -> None:
        self._accounts: dict[Key, _Account] = {}
        self._allocations: dict[str, dict[Key, Allocation]] = {}
        self._home: dict[Key, Key] = {}
        self._records: dict[Key, BotRecord] = {}
        self._uids: dict[str, Key] = {}
        self._versions: dict[Key, int] = {}
        self._released: dict[Key, str] = {}
        self.shape = 0
        """Another number after each change of which bots there are and have a StatefulSet."""

    def accounts(self) -> list[Key]:
        """Return the keys of all accounts that have an Allocation or a bot."""
        return list(self._accounts)

    def bots(self) -> Iterator[Bot]:
        """Yield all bots."""
        for account in self._accounts.values():
            yield from account.bots.values()

    def bots_with_child(self) -> Iterator[Bot]:
        """Yield the bots that have a StatefulSet."""
        for account in self._accounts.values():
            for key, bot in account.bots.items():
                record = self._records.get(key)
                if record is not None and record.child is not None:
                    yield bot

    def bot(self, key: Key) -> Bot | None:
        """Return a bot; None if there is none."""
        known = self._known(key)
        return None if known is None or isinstance(known, Allocation) else known

    def objects_of(self, account: Key) -> tuple[Resource, ...]:
        """Return the Allocations of the account's namespace and the bots of the account."""
        own = self._accounts.get(account)
        bots = own.bots.values() if own is not None else ()
        return (*self._allocations.get(account[1], {}).values(), *bots)

    def record_of(self, bot: Key) -> BotRecord:
        """Return what is known of a bot; changes to it stay."""
        return self._records.setdefault(bot, BotRecord())

    def home_of(self, uid: str) -> Key | None:
        """Return the account of a bot."""
        key = self._uids.get(uid)
        return self._home.get(key) if key is not None else None

    def put(self, document: Mapping[str, Any]) -> set[Key]:
        """Take an object as the API server has it; what is not newer than known names no account.

        Raises:
            SpecError: It cannot be read: the CRD is newer than this operator.
        """
        key, version = _key_of(document), _version_of(document)
        if version <= self._versions.get(key, -1) or self._is_released(key, document):
            return set()
        accounts = self._keep(parse(KINDS[key[0]], document))
        self._versions[key] = version
        return accounts

    def wrote(self, decided: Allocation | Bot, document: Mapping[str, Any]) -> set[Key]:
        """Take the API server's answer to our own write.

        Args:
            decided: The object as the write was decided upon, its status as it was written.
            document: The answer: also holds what others wrote since.
        """
        key, version = decided.key, _version_of(document)
        metadata, answer = decided.metadata, document["metadata"]
        known = self._known(key)
        if known is None or known.metadata.uid != metadata.uid:
            return set()  # gone meanwhile
        if version <= self._versions[key]:
            return set()  # a watch was faster
        if _intent_of(answer) == (
            metadata.generation,
            dict(metadata.annotations),
            metadata.deletion_timestamp is not None,
        ):
            finalizers = list(answer.get("finalizers", ()))
            fresh = metadata.model_copy(update={"finalizers": finalizers})
            self._keep(decided.model_copy(update={"metadata": fresh}))
            accounts = set[Key]()
        else:
            accounts = self._keep(parse(KINDS[decided.kind], document))
        self._versions[key] = version
        return accounts

    def released(self, resource: Allocation | Bot) -> set[Key]:
        """Forget an object that went as we took our finalizer away, before the watch tells."""
        self._released[resource.key] = resource.metadata.uid
        return self.forget(resource.key, uid=resource.metadata.uid)

    def drop(self, document: Mapping[str, Any]) -> set[Key]:
        """Forget an object that is gone: that very one if its uid is told. Twice is harmless."""
        key, uid = _key_of(document), document["metadata"].get("uid")
        if uid in {None, self._released.get(key)}:
            self._released.pop(key, None)
        return self.forget(key, uid=uid)

    def forget(self, key: Key, *, uid: str | None) -> set[Key]:
        """Forget an object: that very one if a uid is given. Twice is harmless."""
        known = self._known(key)
        if known is None or uid not in {None, known.metadata.uid}:
            return set()
        self._versions.pop(key, None)
        if isinstance(known, Allocation):
            self._allocations[key[1]].pop(key)
            self._accounts[key].allocation = None
            self._tidy(key)
            return {key, *self._allocations[key[1]]}
        home = self._home.pop(key)
        self._accounts[home].bots.pop(key)
        self._uids.pop(known.metadata.uid)
        self.shape += 1
        self._forget_all_but_child(key)
        self._tidy(home)
        return {home}

    def put_child(self, document: Mapping[str, Any], *, gone: bool = False) -> set[Key]:
        """Take a bot's StatefulSet as the API server has it, or that it is gone."""
        key = bot_of_child(document["metadata"])
        if key is None:
            return set()
        record = self.record_of(key)
        known, version = record.child, _version_of(document)
        if version < record.child_version:
            return set()
        gone = gone and not _left_the_watch(document)
        self.shape += (known is None) is not gone
        record.child = None if gone else child_facts(document, known=known)
        record.child_version = version
        home = self._home.get(key)
        if home is None and gone:
            self._records.pop(key)
        return {home} if home is not None and _differ(known, record.child) else set()

    def forget_child(self, bot: Key) -> set[Key]:
        """Take that a bot's StatefulSet is gone, though no watch told of it."""
        record, home = self.record_of(bot), self._home.get(bot)
        known, record.child = record.child, None
        self.shape += 1
        if home is None:
            self._records.pop(bot)
        return {home} if home is not None and known is not None else set()

    def wrote_child(self, bot: Key, document: Mapping[str, Any]) -> None:
        """Take the API server's answer to our own apply of a StatefulSet: it is as it should be.

        Unless a watch told of something newer: that has to be compared first.
        """
        record, version = self.record_of(bot), _version_of(document)
        if version >= record.child_version:
            self.shape += record.child is None
            record.child = child_facts(document, known=None).proven()
            record.child_version = version

    def put_report(self, report: BotReport, *, now: float) -> set[Key]:
        """Take what a bot said of itself; a heartbeat alone names no account."""
        key = self._uids.get(report.uid)
        if key is None:
            return set()
        record = self.record_of(key)
        known, first = record.report, record.answered is None or record.unanswered is not None
        record.report, record.answered, record.unanswered = compact(report), now, None
        beat = {"heartbeat_time": report.heartbeat_time}
        if known is not None and not first and known.model_copy(update=beat) == report:
            return set()
        return {self._home[key]}

    def _known(self, key: Key) -> Allocation | Bot | None:
        if key[0] == "Allocation":
            return self._allocations.get(key[1], {}).get(key)
        home = self._home.get(key)
        return self._accounts[home].bots.get(key) if home is not None else None

    def _keep(self, resource: Resource) -> set[Key]:
        compact(resource)
        if isinstance(resource, Allocation):
            key = resource.key
            others = self._allocations.setdefault(key[1], {})
            others[key] = resource
            self._accounts.setdefault(key, _Account()).allocation = resource
            # Two live accounts must not share a Secret, so the neighbours have to be asked too.
            return set(others)
        assert isinstance(resource, Bot)
        return self._keep_bot(resource)

    def _keep_bot(self, bot: Bot) -> set[Key]:
        key, home = bot.key, account_of(bot)
        known, before = self._known(key), self._home.get(key)
        if known is not None and known.metadata.uid != bot.metadata.uid:
            self._uids.pop(known.metadata.uid, None)
            self._forget_all_but_child(key)
        if before is not None and before != home:
            self._accounts[before].bots.pop(key)
            self._tidy(before)
        self.shape += bot.metadata.uid not in self._uids
        self._home[key] = home
        self._uids[bot.metadata.uid] = key
        self._accounts.setdefault(home, _Account()).bots[key] = bot
        return {home} if before is None else {home, before}

    def _is_released(self, key: Key, document: Mapping[str, Any]) -> bool:
        """Whether this is an object that we let go, as it was before."""
        metadata = document["metadata"]
        is_same = self._released.get(key) == metadata["uid"]
        return is_same and FINALIZER in metadata.get("finalizers", ())

    def _forget_all_but_child(self, key: Key) -> None:
        """What stands in the cluster stands there for a namesake too."""
        old = self.record_of(key)
        if old.child is None:
            self._records.pop(key)
        else:
            self._records[key] = BotRecord(child=old.child, child_version=old.child_version)

    def _tidy(self, account: Key) -> None:
        own = self._accounts[account]
        if own.allocation is None and not own.bots:
            del self._accounts[account]


def _key_of(document: Mapping[str, Any]) -> Key:
    metadata = document["metadata"]
    return (document["kind"], metadata["namespace"], metadata["name"])


def _version_of(document: Mapping[str, Any]) -> int:
    """Versions of one kind are ordered as numbers: etcd counts writes."""
    return int(document["metadata"]["resourceVersion"])


def _left_the_watch(document: Mapping[str, Any]) -> bool:
    """Whether an object is told as deleted since it lost the labels that are watched."""
    return not shared_labels().items() <= document["metadata"].get("labels", {}).items()


def _intent_of(metadata: Mapping[str, Any]) -> tuple[int, dict[str, str], bool]:
    """What a person can ask for besides the status: spec, annotations, deletion."""
    return (
        metadata["generation"],
        dict(metadata.get("annotations", {})),
        "deletionTimestamp" in metadata,
    )


def _differ(known: ChildFacts | None, now: ChildFacts | None) -> bool:
    """Whether a StatefulSet changed in what a decision looks at."""
    if known is None or now is None:
        return known is not now
    if not now.is_proven:
        return True  # whatever changed, nobody has compared it
    return (known.is_ready, known.is_settled, known.is_proven, known.is_deleting) != (
        now.is_ready,
        now.is_settled,
        now.is_proven,
        now.is_deleting,
    )
