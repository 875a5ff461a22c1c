"""Spends the lives of one bot: each ends at a step that a seed chose, and the next one begins."""

import itertools
import random
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass, field

from tests.support.doom import Doom, Point
from tests.support.doomed_day import LiveBot

__all__ = ["Lives", "ask_server", "bot_server", "spend_lives"]

_SENDS = (Point.BEFORE_SEND, Point.AFTER_SEND, Point.AFTER_ANSWER)
_COMMITS = (Point.BEFORE_COMMIT, Point.AFTER_COMMIT)
_FURTHEST = {"POST": 4, "DELETE": 3, "GET": 25, "": 8}
"""Of how many steps one is chosen, by method; empty at commits."""

_PATIENCE = 3.0
_LOOK_EVERY = 20


@dataclass(kw_only=True)
class Lives:
    """What became of a bot's lives.

    Attributes:
        count: How many are to die at their step; those that do not reach it are killed anywhere.
        kinds: Kills by where they struck.
        problem: Why it ended early; empty while all is well.
    """

    bot: LiveBot
    seed: str
    count: int
    kinds: Counter[str] = field(default_factory=Counter)
    problem: str = ""

    @property
    def struck(self) -> int:
        """How many died at their step."""
        return self.kinds.total() - self.kinds[Point.ANYWHERE]

    def spend(self) -> None:
        """Live and die until enough have died at their step or something is wrong."""
        rng, halt = random.Random(self.seed), False
        with bot_server(self.bot) as server:
            for number in itertools.count(1):
                if self.struck >= self.count:
                    return
                halt = not halt and rng.random() < 0.4
                doom = self._choose(rng, halt=halt)
                self._note(f"--- life {number}: {doom.point} {doom.method} {doom.at}")
                end = ask_server(server, doom)
                if end == doom.point:
                    end = f"{end} {doom.method}".strip()
                elif end != Point.ANYWHERE:
                    self.problem = f"life {number} ended by itself: {end!r}"
                self.kinds[end] += 1
                self.problem = self.problem or self._look(number)
                if self.problem:
                    tail = self.bot.log.read_text()[-4000:]
                    self.problem = f"{self.bot.name}: {self.problem}; seed {self.seed}\n{tail}"
                    return

    def _choose(self, rng: random.Random, *, halt: bool) -> Doom:
        """Choose where the next life ends; with `halt` it cancels what rests."""
        self.bot.write(halt=halt)
        method = rng.choice(
            ["", "DELETE", "DELETE", "DELETE"] if halt else ["", "", "POST", "POST", "GET"]
        )
        return Doom(
            config=str(self.bot.file),
            point=rng.choice(_SENDS if method else _COMMITS),
            method=method,
            at=rng.randint(1, _FURTHEST[method]),
            patience=_PATIENCE,
        )

    def _note(self, text: str) -> None:
        with self.bot.log.open("a") as log:
            log.write(f"{text}\n")

    def _look(self, number: int) -> str:
        if error := self.bot.error():
            return f"after life {number} it stopped: {error}"
        doubles = self.bot.doubles() if number % _LOOK_EVERY == 0 else []
        return f"after life {number}: {doubles}" if doubles else ""


def spend_lives(lives: Sequence[Lives]) -> None:
    """Spend the lives of several bots at once; tell every now and then how far they are."""
    with ThreadPoolExecutor() as pool:
        busy = {pool.submit(each.spend) for each in lives}
        while busy:
            done, busy = wait(busy, timeout=20)
            print({each.bot.name: each.struck for each in lives}, flush=True)
            for each in done:
                each.result()


@contextmanager
def bot_server(bot: LiveBot) -> Iterator[subprocess.Popen[str]]:
    """Run what forks the lives of a bot; it ends with its input."""
    with bot.log.open("a") as log:
        server = subprocess.Popen(
            [sys.executable, "-m", "tests.support.doomed_bot"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        )
    try:
        yield server
    finally:
        server.communicate(timeout=60)


def ask_server(server: subprocess.Popen[str], doom: Doom | None = None) -> str:
    """Return how a life ended; without a doom that of the one that stopped, which goes on."""
    assert server.stdin is not None
    assert server.stdout is not None
    server.stdin.write(f"{doom.model_dump_json() if doom is not None else ''}\n")
    server.stdin.flush()
    return server.stdout.readline().strip()
