"""Which exchange is opened for a live bot, and what its log says before."""

from pathlib import Path

import pytest
from structlog.testing import capture_logs

from dantaro_runtime.adapters.exchanges.ccxt.profiles import PROFILES
from dantaro_runtime.adapters.exchanges.ccxt.venue import CcxtVenue
from dantaro_runtime.adapters.exchanges.upbit.venue import UpbitVenue
from dantaro_runtime.errors import ConfigError
from dantaro_runtime.live_gate import open_venue
from tests.support.clock import StepClock
from tests.support.live_rig import GRID, live_config

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("exchange", "kind", "not_guaranteed"),
    [
        pytest.param("upbit", UpbitVenue, "nothing", id="upbit"),
        pytest.param("kucoin", CcxtVenue, PROFILES["kucoin"].caveat, id="kucoin"),
    ],
)
async def test_the_log_says_what_an_exchange_does_not_guarantee(
    tmp_path: Path, exchange: str, kind: type[object], not_guaranteed: str
) -> None:
    config = live_config(GRID, tmp_path).model_copy(update={"exchange": exchange})
    with capture_logs() as logs:
        async with open_venue(config, StepClock()) as on:
            assert isinstance(on("KRW-BTC"), kind)
    (said,) = [entry for entry in logs if entry["event"] == "live trading with real money"]
    assert (said["exchange"], said["not_guaranteed"]) == (exchange, not_guaranteed)


async def test_an_exchange_whose_orders_cannot_be_looked_up_is_not_opened(tmp_path: Path) -> None:
    config = live_config(GRID, tmp_path).model_copy(update={"exchange": "binance"})
    with pytest.raises(ConfigError, match="was binance"):
        async with open_venue(config, StepClock()):
            pass
