"""The exchange as a process: recorded days, its end, its speed."""

import time
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import httpx
import pytest

from tests.support.eventually import eventually
from tests.support.exchange.client import ExchangeClient
from tests.support.exchange.config import ClockConfig, ExchangeConfig, LimitConfig, MarketConfig
from tests.support.exchange.feed import read_candles
from tests.support.exchange.process import running_exchange
from tests.support.exchange.trader import Trader
from tests.support.recorded import recorded_candles

pytestmark = pytest.mark.integration

DAY = datetime(2025, 9, 2, tzinfo=UTC)


def _folder() -> Path:
    return recorded_candles() / "upbit" / "KRW-BTC"


def _recorded(**clock: object) -> ExchangeConfig:
    return ExchangeConfig(
        markets=(MarketConfig(code="KRW-BTC", candles=str(_folder() / "1m.csv.gz")),),
        clock=ClockConfig.model_validate({"market": DAY, **clock}),
        limits=LimitConfig(enabled=False),
    )


def test_a_recorded_day_fills_what_its_prices_reach(exchange: ExchangeClient) -> None:
    exchange.restart(_recorded())
    with Trader(exchange.url) as me:
        day = {"market": "KRW-BTC", "to": "2025-09-03T00:00:00", "count": "1"}
        prices = range(149_000_000, 156_000_000, 500_000)
        last = me.see("/ticker", markets="KRW-BTC").json()[0]["trade_price"]
        below = [price for price in prices if price < last]
        for price in below:
            me.limit("bid", str(price), "0.001", identifier=f"b-{price}")
        exchange.move_time(DAY + timedelta(days=1))
        walked = me.see("/candles/days", **day).json()[0]
        recorded = next(c for c in read_candles(_folder() / "1d.csv.gz") if c.time == DAY)
        assert walked["low_price"] == recorded.low
        assert walked["high_price"] == recorded.high
        assert walked["trade_price"] == recorded.close
        reached = {f"b-{price}" for price in below if price >= recorded.low}
        done = {o["identifier"] for o in me.get("/orders/closed").json()}
        assert done == reached
        assert 0 < len(reached) < len(below)
    truth = exchange.truth()
    spent = sum(Decimal(trade["funds"]) for trade in truth.pockets["main"].trades)
    assert truth.pockets["main"].total("KRW") == 10_000_000 - spent * Decimal("1.0005")


def test_candles_are_the_recorded_ones(exchange: ExchangeClient) -> None:
    exchange.restart(_recorded(market=DAY + timedelta(minutes=3, seconds=20)))
    with Trader(exchange.url) as me:
        rows = me.see("/candles/minutes/1", market="KRW-BTC", count="500").json()
        assert len(rows) == 200
        assert [row["candle_date_time_utc"] for row in rows[:2]] == [
            "2025-09-02T00:03:00",
            "2025-09-02T00:02:00",
        ]
        older = me.see("/candles/minutes/1", market="KRW-BTC", to="2025-09-02T00:02:00Z").json()
        assert older == [rows[2]]
        assert rows[2]["candle_date_time_kst"] == "2025-09-02T09:01:00"
        assert me.see("/candles/minutes/1", market="KRW-BTC", to="2020-01-01T00:00:00").json() == []
        hour = me.see("/candles/minutes/60", market="KRW-BTC").json()[0]
        assert hour["high_price"] == max(row["high_price"] for row in rows[:4])
        assert hour["unit"] == 60


def test_a_running_clock_is_given_on_the_command_line(tmp_path: Path) -> None:
    wall = datetime.now(UTC)
    options = ("--wall", wall.isoformat(), "--market", DAY.isoformat(), "--speed", "3600")
    with running_exchange(tmp_path, _recorded(), *options) as exchange:
        first = exchange.truth()
        assert first.time >= DAY
        eventually(lambda: exchange.truth().time > first.time + timedelta(minutes=10))
        assert exchange.truth().prices != first.prices


def test_it_listens_on_loopback_and_ends_with_its_parent(tmp_path: Path) -> None:
    with running_exchange(tmp_path) as exchange:
        assert exchange.root.startswith("http://127.0.0.1:")
        assert httpx.get(f"{exchange.url}/market/all").status_code == 200
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"{exchange.url}/market/all")


def test_its_keys_are_for_its_owner_only(tmp_path: Path) -> None:
    with running_exchange(tmp_path):
        assert (tmp_path / "config.json").stat().st_mode & 0o077 == 0
        assert (tmp_path / "log").read_text() == ""


def test_thousands_of_calls_take_seconds(exchange: ExchangeClient, me: Trader) -> None:
    exchange.deposit("KRW", 10**9)
    start = time.perf_counter()
    for n in range(300):
        response = me.limit("bid", str(90_000_000 + n * 1000), "0.001", identifier=f"n-{n}")
        assert response.status_code == 201
    assert time.perf_counter() - start < 10
    assert len(exchange.pocket().orders) == 300
