"""The use cases of `dantaro get` and `dantaro describe`: read what is stored, start nothing."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from dantaro_crds.kit.clock import Clock
from dantaro_crds.v1alpha1 import API_VERSION, CATEGORY, GROUP
from dantaro_crds.v1alpha1.kinds import KINDS, kind_named
from dantaro_crds.v1alpha1.resource import Resource, dump
from dantaro_operator.core.local.describe import describe_object
from dantaro_operator.core.local.table import build_table, table_text
from dantaro_operator.errors import ObjectNotFoundError
from dantaro_operator.ports import ReportStore

__all__ = ["Inspection", "LogSource", "ObjectReader", "Selection"]


class ObjectReader(Protocol):
    """Where objects are read from."""

    def load_objects(self) -> Iterable[Resource]:
        """Return the stored objects."""
        ...


class LogSource(Protocol):
    """Where the logs of bots are."""

    def last_events(self, resource: Resource) -> Sequence[str]:
        """Return the last lines of a bot's log, readable; none for other kinds."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """Which objects.

    Attributes:
        kind: Kinds, plurals or short names as typed, with commas between, or `all` (`dantaro`).
        name: Name; None is all of the kind.
        namespace: Namespace; None is all of them.
    """

    kind: str
    name: str | None = None
    namespace: str | None = "default"


class Inspection:
    """Reads a state folder for a person."""

    def __init__(
        self, *, objects: ObjectReader, reports: ReportStore, logs: LogSource, clock: Clock
    ) -> None:
        self._objects = objects
        self._reports = reports
        self._logs = logs
        self._clock = clock

    def table(self, selection: Selection, *, wide: bool) -> str:
        """Return the tables that kubectl would print.

        Raises:
            ObjectNotFoundError: There is no such kind or object.
        """
        chosen = self._select(selection)
        reports = self._reports.load_reports()
        times = {uid: r.market_time for uid, r in reports.items() if r.market_time is not None}
        several = len(_kinds(selection.kind)) > 1
        texts = []
        for kind in KINDS.values():
            table = build_table(
                kind,
                chosen,
                now=self._clock.now(),
                market_times=times,
                wide=wide,
                with_namespace=selection.namespace is None,
                prefix=f"{kind.__name__.lower()}.{GROUP}/" if several else "",
            )
            if table.rows:
                texts.append(table_text(table.header, table.rows))
        return "\n\n".join(texts)

    def documents(self, selection: Selection) -> dict[str, Any]:
        """Return the objects as JSON: one by name, else a list.

        Raises:
            ObjectNotFoundError: There is no such kind or object.
        """
        chosen = [dump(item) for item in self._select(selection)]
        if selection.name is not None and len(chosen) == 1:
            return chosen[0]
        return {"apiVersion": "v1", "kind": "List", "items": chosen}

    def describe(self, selection: Selection) -> str:
        """Return one object, or each of a kind, in full.

        Raises:
            ObjectNotFoundError: There is no such kind or object.
        """
        reports = self._reports.load_reports()
        return "\n\n\n".join(
            describe_object(
                item,
                report=reports.get(item.metadata.uid),
                events=self._logs.last_events(item),
                now=self._clock.now(),
            )
            for item in self._select(selection)
        )

    def _select(self, selection: Selection) -> list[Resource]:
        kinds = _kinds(selection.kind)
        chosen = [
            item
            for item in self._objects.load_objects()
            if item.kind in kinds
            and selection.namespace in {None, item.metadata.namespace}
            and selection.name in {None, item.metadata.name}
        ]
        if chosen:
            return chosen
        place = f" in namespace {selection.namespace}" if selection.namespace else ""
        if selection.name is None:
            raise ObjectNotFoundError(f"no {selection.kind} objects{place}")
        raise ObjectNotFoundError(
            f"expected one of `dantaro get {selection.kind}`, found no "
            f"{' or '.join(sorted(kinds))} named {selection.name}{place}"
        )


def _kinds(text: str) -> set[str]:
    if text.lower() in {"all", CATEGORY}:
        return set(KINDS)
    return {_kind(part) for part in text.split(",")}


def _kind(text: str) -> str:
    kind = kind_named(text)
    if kind is None:
        names = ", ".join(short for k in KINDS.values() for short in k.info.short_names)
        raise ObjectNotFoundError(f"expected one of all, {names}, was {text} ({API_VERSION})")
    return kind.__name__
