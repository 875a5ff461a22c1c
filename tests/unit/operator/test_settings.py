"""The operator's environment."""

from decimal import Decimal

import pytest

from dantaro_crds.errors import SpecError
from dantaro_operator.core.allocation import NO_CAPS, RiskCaps
from dantaro_operator.settings import load_local_settings, load_settings

pytestmark = pytest.mark.unit

NAMES = {
    "MAX_ORDER_VALUE": "KRW=5000000,USDT=4000.5",
    "MAX_DAILY_LOSS": "KRW=100000",
    "MAX_DAILY_LOSS_PERCENT": "5",
    "MAX_DRAWDOWN_PERCENT": "20.5",
    "MAX_POSITION_PERCENT": "80",
    "MAX_ORDERS_PER_MINUTE": "100",
    "MAX_PRICE_BAND_PERCENT": "15",
}
WANT = RiskCaps(
    max_order_value={"KRW": Decimal(5_000_000), "USDT": Decimal("4000.5")},
    max_daily_loss={"KRW": Decimal(100_000)},
    max_daily_loss_percent=Decimal(5),
    max_drawdown_percent=Decimal("20.5"),
    max_position_percent=Decimal(80),
    max_orders_per_minute=100,
    price_band_percent=Decimal(15),
)


def test_there_are_no_caps_by_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DANTARO_OPERATOR_BOT_IMAGE", "image:1")
    assert load_local_settings().to_caps() == NO_CAPS
    assert load_settings().to_caps() == NO_CAPS


def test_a_cluster_and_local_mode_read_the_same_caps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DANTARO_OPERATOR_BOT_IMAGE", "image:1")
    for name, value in NAMES.items():
        monkeypatch.setenv(f"DANTARO_OPERATOR_{name}", value)
    assert load_local_settings().to_caps() == WANT
    assert load_settings().to_caps() == WANT


@pytest.mark.parametrize(
    ("name", "value", "want"),
    [
        pytest.param("MAX_DAILY_LOSS_PERCENT", "0", "a decimal number > 0", id="zero"),
        pytest.param("MAX_DRAWDOWN_PERCENT", "101", "less than or equal to 100", id="too-much"),
        pytest.param("MAX_ORDERS_PER_MINUTE", "many", "valid integer", id="words"),
        pytest.param("MAX_ORDER_VALUE", "5000000", "KRW=5000000,USDT=4000", id="no-currency"),
        pytest.param("MAX_DAILY_LOSS", "KRW=-1", "KRW: .*a decimal number > 0", id="below-zero"),
    ],
)
def test_a_wrong_cap_is_refused_by_its_name(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, want: str
) -> None:
    monkeypatch.setenv(f"DANTARO_OPERATOR_{name}", value)
    with pytest.raises(SpecError, match=f"^DANTARO_OPERATOR_{name}: .*{want}"):
        load_local_settings()


@pytest.mark.parametrize(
    ("environment", "opens", "url"),
    [
        pytest.param({}, False, None, id="nobody-said-so"),
        pytest.param({"LIVE_TRADING": "true"}, True, None, id="the-exchange-itself"),
        pytest.param(
            {"EXCHANGE_URL": "http://127.0.0.1:1"}, True, "http://127.0.0.1:1", id="rehearsal"
        ),
    ],
)
def test_live_accounts_run_only_where_somebody_opened_them(
    environment: dict[str, str], opens: bool, url: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(f"DANTARO_OPERATOR_{name}", value)
    settings = load_local_settings()
    live = settings.to_live(lambda name: f"/keys/{name}")
    assert settings.is_live_open is opens
    assert (live is not None) is opens
    assert live is None or (live.base_url, live.keys_of("upbit")) == (url, "/keys/upbit")
