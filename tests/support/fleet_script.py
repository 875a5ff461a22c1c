"""A script of creations, changes and deletions over many bots, the same for every run.

It says what a person does, in order, and what must be there at its end. Every step may be made
again when its answer got lost.
"""

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import httpx

from tests.support.cluster import Cluster
from tests.support.documents import allocation_document, grid_bot_document, trading_bot_document
from tests.support.eventually import eventually

__all__ = ["BotWish", "FleetScript", "Hands"]

PLURALS = {"Allocation": "allocations", "GridBot": "gridbots", "TradingBot": "tradingbots"}
BUDGET = 10_000_000
BOTS_PER_ACCOUNT = 5
NAMESPACES = 3
_PATIENCE = 120.0

Step = Callable[["Hands"], None]


@dataclass(frozen=True, kw_only=True)
class Hands:
    """A person's hands on the API server; what they do is done, sooner or later."""

    cluster: Cluster
    namespaces: tuple[str, ...]

    def create(self, place: int, document: dict[str, Any]) -> None:
        """Create an object; wait until an older one of that name is gone."""
        plural, name = PLURALS[document["kind"]], document["metadata"]["name"]
        path = self._path(place, plural, "")
        uids = self._uids(place, plural, name)

        def is_made() -> bool:
            answer = self.cluster.api.post(path, json=document)
            # A creation whose answer got lost is one.
            return answer.status_code == 201 or bool(
                answer.status_code == 409 and self._uids(place, plural, name) - uids
            )

        self._insist(is_made)

    def patch(self, place: int, plural: str, name: str, content: dict[str, Any]) -> None:
        """Merge a patch into an object."""
        self._insist(lambda: self._patch(place, plural, name, content) == 200)

    def stop(self, place: int, child: str) -> None:
        """Scale a StatefulSet to nothing, if there is one yet."""
        content = {"spec": {"replicas": 0}}
        self._insist(lambda: self._patch(place, "statefulsets", child, content) in {200, 404})

    def delete(self, place: int, plural: str, name: str) -> None:
        """Ask for an object's deletion."""
        path = self._path(place, plural, name)
        self._insist(lambda: self.cluster.api.delete(path).status_code in {200, 202, 404})

    def _patch(self, place: int, plural: str, name: str, content: dict[str, Any]) -> int:
        kind = {"Content-Type": "application/merge-patch+json"}
        path = self._path(place, plural, name)
        return self.cluster.api.patch(path, json=content, headers=kind).status_code

    def _uids(self, place: int, plural: str, name: str) -> set[str]:
        """Return the uid of an object, if there is one."""
        found: list[set[str]] = []

        def ask() -> bool:
            answer = self.cluster.api.get(self._path(place, plural, name))
            if answer.status_code in {200, 404}:
                found.append({answer.json()["metadata"].get("uid", "")} - {""})
            return bool(found)

        self._insist(ask)
        return found[-1]

    def _path(self, place: int, plural: str, name: str) -> str:
        namespace = self.namespaces[place]
        if plural == "statefulsets":
            return f"/apis/apps/v1/namespaces/{namespace}/statefulsets/{name}"
        return self.cluster.path(plural, namespace, name)

    def _insist(self, check: Callable[[], bool]) -> None:
        def is_done() -> bool:
            try:
                return check()
            except httpx.TransportError:
                return False  # the API server is away

        eventually(is_done, timeout=_PATIENCE)


@dataclass(kw_only=True)
class BotWish:
    """What a person wants of one bot, at the end of the script.

    Attributes:
        place: Number of its namespace.
        account: Name of its Allocation.
        kind: TradingBot or GridBot.
        name: Its name.
        symbol: Its market.
        percent: Its share.
        state: Running or Stopped.
        lower: Lowest price of a grid.
        halt: Whether its account is halted.
        is_there: Whether it is not deleted.
    """

    place: int
    account: str
    kind: str
    name: str
    symbol: str
    percent: int = 10
    state: str = "Running"
    lower: str = "90000"
    halt: bool = False
    is_there: bool = True

    @property
    def plural(self) -> str:
        """Plural of its kind."""
        return PLURALS[self.kind]

    @property
    def child(self) -> str:
        """Name of its StatefulSet and its ConfigMap."""
        return f"{'gb' if self.kind == 'GridBot' else 'tb'}-{self.name}"

    @property
    def budget(self) -> Decimal:
        """Its part of the money."""
        return Decimal(BUDGET) * self.percent / 100

    def document(self) -> dict[str, Any]:
        """Return the object as it is created."""
        spec = {"allocationRef": {"name": self.account}, "symbol": self.symbol, "state": self.state}
        if self.kind == "TradingBot":
            return trading_bot_document(self.name, **spec)
        return grid_bot_document(self.name, **spec, lowerPrice=self.lower, upperPrice="110000")


@dataclass(kw_only=True)
class FleetScript:
    """Steps in their order, and their end."""

    bots: int
    seed: int
    steps: list[Step] = field(default_factory=list)
    wishes: list[BotWish] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Write the script."""
        rng = random.Random(self.seed)
        self.wishes = [self._wish(number) for number in range(self.bots)]
        for bots in self._accounts():
            self._add(Hands.create, bots[0].place, self._allocation(bots))
            for bot in bots:
                self._add(Hands.create, bot.place, bot.document())
        for bot in rng.sample(self.wishes, self.bots):
            rng.choice([self._share, self._share, self._state, self._bounds, self._child])(bot, rng)
        leaving = rng.sample(self.wishes, self.bots // 2)
        for number, bot in enumerate(leaving):
            self._let_go(bot, by_force=number % 3 == 1)
        for bot in leaving[2::3]:
            self._make_again(bot)
        self._let_go_account(self.wishes[-1].account, self.wishes[-1].place)
        self._halt_account(self.wishes[0].account, self.wishes[0].place)

    @property
    def places(self) -> int:
        """How many namespaces it needs."""
        return max(bot.place for bot in self.wishes) + 1

    @property
    def left(self) -> list[BotWish]:
        """The bots that are there at its end."""
        return [bot for bot in self.wishes if bot.is_there]

    def _wish(self, number: int) -> BotWish:
        account, index = divmod(number, BOTS_PER_ACCOUNT)
        return BotWish(
            place=account % NAMESPACES,
            account=f"account-{account}",
            kind=("GridBot", "TradingBot")[number % 2],
            name=f"bot-{number}",
            symbol=f"KRW-C{index}",
        )

    def _accounts(self) -> Iterator[list[BotWish]]:
        for first in range(0, self.bots, BOTS_PER_ACCOUNT):
            yield self.wishes[first : first + BOTS_PER_ACCOUNT]

    def _add(self, action: Callable[..., None], *arguments: Any) -> None:
        self.steps.append(lambda hands: action(hands, *arguments))

    def _change(self, bot: BotWish, spec: dict[str, Any]) -> None:
        self._add(Hands.patch, bot.place, bot.plural, bot.name, {"spec": spec})

    def _allocation(self, bots: list[BotWish]) -> dict[str, Any]:
        return allocation_document(bots[0].account, budget=str(BUDGET), shares=_shares(bots))

    def _share(self, bot: BotWish, rng: random.Random) -> None:
        bot.percent = rng.randrange(5, 21)
        siblings = [other for other in self.wishes if other.account == bot.account]
        content = {"spec": {"shares": _shares(siblings)}}
        self._add(Hands.patch, bot.place, "allocations", bot.account, content)

    def _state(self, bot: BotWish, rng: random.Random) -> None:
        states = rng.choice([("Stopped",), ("Stopped", "Running")])
        for state in states:
            self._change(bot, {"state": state})
        bot.state = states[-1]

    def _bounds(self, bot: BotWish, rng: random.Random) -> None:
        if bot.kind == "GridBot":
            bot.lower = str(rng.randrange(800, 990) * 100)
            self._change(bot, {"lowerPrice": bot.lower})
        else:
            self._share(bot, rng)

    def _child(self, bot: BotWish, rng: random.Random) -> None:
        """Somebody meddles with its StatefulSet."""
        if rng.random() < 0.5:
            self._add(Hands.delete, bot.place, "statefulsets", bot.child)
        else:
            self._add(Hands.stop, bot.place, bot.child)

    def _let_go(self, bot: BotWish, *, by_force: bool) -> None:
        if by_force:
            marks = {"metadata": {"annotations": {"dantaro.io/force-delete": "true"}}}
            self._add(Hands.patch, bot.place, bot.plural, bot.name, marks)
        self._add(Hands.delete, bot.place, bot.plural, bot.name)
        bot.is_there = False

    def _make_again(self, bot: BotWish) -> None:
        """Another bot gets the name of one that goes."""
        bot.is_there, bot.state = True, "Running"
        self._add(Hands.create, bot.place, bot.document())

    def _let_go_account(self, name: str, place: int) -> None:
        self._add(Hands.delete, place, "allocations", name)
        for bot in self.wishes:
            if bot.account == name:
                self._add(Hands.delete, bot.place, bot.plural, bot.name)
                bot.is_there = False

    def _halt_account(self, name: str, place: int) -> None:
        self._add(Hands.patch, place, "allocations", name, {"spec": {"halt": True}})
        for bot in self.wishes:
            bot.halt = bot.account == name


def _shares(bots: list[BotWish]) -> list[dict[str, Any]]:
    return [{"kind": bot.kind, "name": bot.name, "percent": bot.percent} for bot in bots]
