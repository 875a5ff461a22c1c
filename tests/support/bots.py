"""Builders for the operator's tests: stored objects, reports, plans' surroundings."""

from datetime import UTC, datetime
from typing import Any

from dantaro_crds.v1alpha1.allocation import Allocation
from dantaro_crds.v1alpha1.grid_bot import GridBot
from dantaro_crds.v1alpha1.resource import parse
from dantaro_crds.v1alpha1.trading_bot import TradingBot
from dantaro_crds.wire.bot_config import CentralConfig, HttpConfig
from dantaro_crds.wire.bot_status import BotReport
from dantaro_operator.core.allocation import NO_CAPS, RiskCaps
from dantaro_operator.core.local.documents import Document, FolderScan, SourceFile
from dantaro_operator.core.workload import BotPlaces, PlanSettings
from tests.support.documents import allocation_document, grid_bot_document, trading_bot_document

__all__ = [
    "NOW",
    "make_allocation",
    "make_grid_bot",
    "make_report",
    "make_scan",
    "make_settings",
    "make_trading_bot",
    "share",
]

NOW = datetime(2026, 1, 31, 9, 0, tzinfo=UTC)
"""Wall time of the tests."""

_FINE = {"ok": True, "reason": "Fine", "message": "fine"}


def _stored(document: dict[str, Any], metadata: dict[str, Any] | None) -> dict[str, Any]:
    name = document["metadata"]["name"]
    known = {"uid": f"{name}-0000000-uid", "creationTimestamp": "2026-01-01T00:00:00Z"}
    return document | {"metadata": {"name": name} | known | (metadata or {})}


def share(kind: str, name: str, percent: int = 50) -> dict[str, Any]:
    """Return one entry of `spec.shares`."""
    return {"kind": kind, "name": name, "percent": percent}


def make_allocation(
    name: str = "main", /, metadata: dict[str, Any] | None = None, **spec: Any
) -> Allocation:
    """Return a stored Allocation with half for `grid` and a quarter for `staged`."""
    least = {"shares": [share("GridBot", "grid"), share("TradingBot", "staged", 25)]}
    return parse(Allocation, _stored(allocation_document(name, **(least | spec)), metadata))


def make_grid_bot(
    name: str = "grid", /, metadata: dict[str, Any] | None = None, **spec: Any
) -> GridBot:
    """Return a stored GridBot."""
    return parse(GridBot, _stored(grid_bot_document(name, **spec), metadata))


def make_trading_bot(
    name: str = "staged", /, metadata: dict[str, Any] | None = None, **spec: Any
) -> TradingBot:
    """Return a stored TradingBot."""
    return parse(TradingBot, _stored(trading_bot_document(name, **spec), metadata))


def make_report(**values: Any) -> BotReport:
    """Return the report of a grid that runs and made 12.6 KRW."""
    least: dict[str, Any] = {
        "kind": "GridBot",
        "namespace": "default",
        "name": "grid",
        "uid": "grid-0000000-uid",
        "version": "0",
        "observedGeneration": 1,
        "engineState": "RUNNING",
        "strategy": "grid",
        "strategyState": "Running",
        "symbol": "KRW-BTC",
        "mode": "Paper",
        "budget": "5000000",
        "equity": "5000012.6",
        "position": {"amount": "0.1", "averagePrice": "100.123456789", "value": "10.4"},
        "pnl": {
            "total": "12.6",
            "realized": "10.3",
            "unrealized": "2.3",
            "today": "1.5",
            "fees": "3",
            "grid": {"gridProfit": "10.3", "initialStockGain": "0", "exitResult": "0"},
        },
        "orders": {"open": 10, "filled": 3, "rejected": 0},
        "marketTime": "2025-09-01T00:10:00Z",
        "heartbeatTime": "2026-01-31T09:00:00Z",
        "message": "all is well",
        "central": _FINE,
        "exchange": _FINE,
        "reconciled": _FINE,
        "halted": _FINE,
        "ready": {"ok": True, "reason": "Running", "message": "it trades"},
    }
    return BotReport.model_validate(least | values)


def make_settings(caps: RiskCaps = NO_CAPS) -> PlanSettings:
    """Return surroundings with fixed places."""
    return PlanSettings(
        central=CentralConfig(url="http://127.0.0.1:1", key_file="key"),
        places_of=lambda bot, mode: BotPlaces(
            store_url=f"sqlite:///bots/{bot.metadata.name}/{mode.lower()}.db",
            http=HttpConfig(port=0),
        ),
        caps=caps,
    )


def make_scan(**files: list[dict[str, Any]]) -> FolderScan:
    """Return a folder whose files, by name without `.yaml`, hold these documents."""
    return FolderScan(
        files=tuple(
            SourceFile(
                name=f"{name}.yaml",
                documents=tuple(
                    Document(file=f"{name}.yaml", line=10 * at + 1, data=data)
                    for at, data in enumerate(documents)
                ),
            )
            for name, documents in files.items()
        )
    )
