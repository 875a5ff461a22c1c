"""The series that dashboards of users expect of a bot."""

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.integration.runtime.conftest import MakeRig
from tests.support.bot_rig import candle, make_config

pytestmark = pytest.mark.integration

GRID = {"grid": {"lowerPrice": "3000", "upperPrice": "3500", "grids": 5}}


async def test_every_series_is_there_and_counts(make_rig: MakeRig) -> None:
    rig = make_rig(
        make_config(GRID), [candle(0, "3240 3240 3240 3240"), candle(1, "3240 3310 3230 3300")]
    )
    parts = rig.start()
    await rig.run()
    parts.metrics.count_error("TransientError")
    parts.metrics.observe_request("GET", "/status", 200, seconds=0.002)
    report = parts.bot.report()
    found = {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(parts.metrics.render(report).decode())
        for sample in family.samples
    }
    fills = rig.outcome()["fills"]
    assert found[("trades_total", "KRW-XRP", "Buy", "Paper")] == 1
    assert found[("trades_total", "KRW-XRP", "Sell", "Paper")] == len(fills) - 1 >= 1
    volume = found[("dantaro_runtime_trade_volume_quote_total", "KRW-XRP", "Buy", "KRW")]
    assert volume == found[("trade_volume_krw_total", "KRW-XRP", "Buy")] > 0
    assert found[("trade_fee_krw_total", "KRW-XRP", "Buy")] > 0
    assert found[("bot_errors_total", "TransientError")] == 1
    assert found[("http_requests_total", "GET", "/status", "200")] == 1
    assert found[("http_request_duration_seconds_count", "GET", "/status", "200")] == 1
    assert found[("bot_running", "KRW-XRP")] == 1
    assert found[("portfolio_value_krw", "KRW-XRP")] == pytest.approx(float(report.equity))
    assert found[("portfolio_profit_rate", "KRW-XRP")] == pytest.approx(
        float(report.pnl.total / report.budget)
    )
