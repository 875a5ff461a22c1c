"""Steers an exchange from a test, and reads its truth."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Self

import httpx

from tests.support.exchange.config import (
    ClockConfig,
    ExchangeConfig,
    KeyConfig,
    LimitConfig,
    PocketConfig,
    Rules,
    Strict,
)
from tests.support.exchange.control import (
    Deposit,
    KeyChange,
    MarketChange,
    NewKey,
    OrderFill,
    PriceMove,
    TimeMove,
)
from tests.support.exchange.faults import Fault, FaultKind

__all__ = ["ExchangeClient", "PocketTruth", "Truth"]


@dataclass(frozen=True, kw_only=True)
class PocketTruth:
    """What the exchange knows about a pocket, whatever its reads show.

    Attributes:
        free: By currency; `locked` likewise.
        orders: As on the wire, with `number` and full `trades`; oldest first.
        posts: POSTs that came in, by identifier, whatever became of them.
        refused: Calls without a 2xx.
    """

    free: Mapping[str, Decimal]
    locked: Mapping[str, Decimal]
    deposits: Mapping[str, Decimal]
    orders: list[dict[str, Any]]
    posts: Mapping[str, int]
    burned: list[str]
    refused: list[dict[str, Any]]

    def total(self, currency: str) -> Decimal:
        """Return free and locked."""
        return self.free.get(currency, Decimal(0)) + self.locked.get(currency, Decimal(0))

    @property
    def trades(self) -> list[dict[str, Any]]:
        """All fills in the order in which they happened."""
        rows = [trade for order in self.orders for trade in order["trades"]]
        return sorted(rows, key=lambda trade: trade["number"])

    @property
    def resting(self) -> list[dict[str, Any]]:
        """Those of the orders that wait for their price."""
        return [order for order in self.orders if order["state"] == "wait"]

    def order(self, identifier: str) -> dict[str, Any]:
        """Return the order of an identifier; there is at most one."""
        (order,) = [o for o in self.orders if o.get("identifier") == identifier]
        return order


@dataclass(frozen=True, kw_only=True)
class Truth:
    """What the exchange knows.

    Attributes:
        wrong: Faults of its own, in the books or in its program; always empty, or it is no judge.
        faults: How often each kind of fault struck.
    """

    time: datetime
    has_ended: bool
    prices: Mapping[str, Decimal]
    fees: Mapping[str, Decimal]
    pockets: Mapping[str, PocketTruth]
    calls: Mapping[str, int]
    refused: list[dict[str, Any]]
    faults: Mapping[str, int]
    wrong: list[str]


class ExchangeClient:
    """Talks to /control of one exchange; `url` is what a bot takes as its base URL."""

    def __init__(self, root: str) -> None:
        self.root = root
        self.url = f"{root}/v1"
        self._http = httpx.Client(base_url=root, timeout=10)
        self.moved: datetime | None = None
        """Where a standing clock was last moved to; None: nowhere yet."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    def restart(self, config: ExchangeConfig) -> None:
        """Put a fresh exchange in the place of the old one, at the same address."""
        self._send("POST", "world", config)
        self.moved = None

    def add_fault(
        self, kind: FaultKind, *, method: str = "", path: str = "/v1/", **more: Any
    ) -> None:
        """Arm a fault; see `faults.Fault` for what else it takes."""
        fields = {"kind": kind, "method": method, "path": path, **more}
        self._send("POST", "faults", Fault.model_validate(fields))

    def clear_faults(self) -> None:
        """Disarm all faults; reads that lag catch up."""
        self._send("DELETE", "faults")

    def move_price(self, price: Decimal | int | str, *, market: str = "KRW-BTC") -> None:
        """Move the last price by hand; what it reaches fills."""
        self._send("POST", "price", PriceMove(market=market, price=Decimal(price)))

    def move_time(self, to: datetime) -> None:
        """Move a standing clock; recorded candles are walked up to it."""
        self._send("POST", "time", TimeMove(to=to))
        self.moved = to

    def set_clock(self, clock: ClockConfig) -> None:
        """Start the clock from other anchors."""
        self._send("POST", "clock", clock)

    def set_rules(self, rules: Rules) -> None:
        """Match by other rules from now on."""
        self._send("POST", "rules", rules)

    def set_limits(self, limits: LimitConfig) -> None:
        """Count calls by other limits from now on; bans are forgotten."""
        self._send("POST", "limits", limits)

    def set_market_state(self, market: str, state: str) -> None:
        """Make a market `active` or anything else."""
        self._send("POST", "markets", MarketChange(market=market, state=state))

    def warn_of(self, market: str, *, is_flagged: bool, cautions: tuple[str, ...] = ()) -> None:
        """Warn investors of a market, or name lesser concerns."""
        change = MarketChange(market=market, is_flagged=is_flagged, cautions=cautions)
        self._send("POST", "markets", change)

    def show_price(self, market: str, price: Decimal | int | None) -> None:
        """Let the ticker tell a last price that nobody traded at; None is the true one again."""
        shown = Decimal(price) if price is not None else None
        self._send("POST", "markets", MarketChange(market=market, shown=shown))

    def add_pocket(self, pocket: PocketConfig) -> None:
        """Open one more pocket."""
        self._send("POST", "pockets", pocket)

    def add_key(self, pocket: str, key: KeyConfig) -> None:
        """Give a pocket one more key."""
        self._send("POST", "keys", NewKey(pocket=pocket, key=key))

    def change_key(self, access: str, **changes: Any) -> None:
        """Change a key, such as `state=KeyState.EXPIRED`."""
        self._send("PATCH", "keys", KeyChange(access=access, changes=changes))

    def deposit(self, currency: str, amount: Decimal | int | str, *, pocket: str = "main") -> None:
        """Bring money in from outside, as a person would; below 0 takes it out."""
        self._send(
            "POST", "deposits", Deposit(pocket=pocket, currency=currency, amount=Decimal(amount))
        )

    def fill(self, uuid: str, *, part: Decimal | int | str = 1, pocket: str = "main") -> None:
        """Fill a part of what is left of an order at its limit, wherever the price is."""
        self._send("POST", "fills", OrderFill(pocket=pocket, uuid=uuid, part=Decimal(part)))

    def truth(self) -> Truth:
        """Return everything; fails when the exchange's own books are wrong."""
        raw = self._send("GET", "truth")
        assert raw["wrong"] == [], raw["wrong"]
        return Truth(
            time=datetime.fromisoformat(raw["time"]),
            has_ended=raw["has_ended"],
            prices=_amounts(raw["prices"]),
            fees=_amounts(raw["fees"]),
            pockets={name: _pocket(row) for name, row in raw["pockets"].items()},
            calls=raw["calls"],
            refused=raw["refused"],
            faults=raw["faults"],
            wrong=raw["wrong"],
        )

    def pocket(self, name: str = "main") -> PocketTruth:
        """Return the truth about one pocket."""
        return self.truth().pockets[name]

    def _send(self, method: str, path: str, model: Strict | None = None) -> Any:
        content = model.model_dump_json() if model is not None else None
        response = self._http.request(method, f"/control/{path}", content=content)
        assert response.status_code == 200, f"{method} /control/{path}: {response.text}"
        return response.json()


def _amounts(row: Mapping[str, str]) -> dict[str, Decimal]:
    return {name: Decimal(amount) for name, amount in row.items()}


def _pocket(row: Mapping[str, Any]) -> PocketTruth:
    return PocketTruth(
        free={name: Decimal(a["free"]) for name, a in row["accounts"].items()},
        locked={name: Decimal(a["locked"]) for name, a in row["accounts"].items()},
        deposits=_amounts(row["deposits"]),
        orders=row["orders"],
        posts=row["posts"],
        burned=row["burned"],
        refused=row["refused"],
    )
