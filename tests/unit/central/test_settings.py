"""Settings come from the command line, then the environment; wrong ones say what to do."""

from pathlib import Path
from typing import Any

import pytest

from dantaro_central.cli import main
from dantaro_central.settings import OPENAI_URL, AnalystName, load_settings
from dantaro_crds.errors import SpecError
from dantaro_crds.values import Interval
from tests.support.candles import START

pytestmark = pytest.mark.unit


OPENAI: dict[str, Any] = {
    "source": "upbit",
    "symbols": "KRW-BTC",
    "analyst": "openai",
    "analyst_model": "small",
    "analyst_url": "http://127.0.0.1:8080/v1",
    "analyst_usd_per_million_prompt": "0",
    "analyst_usd_per_million_answer": "0",
}


def test_a_model_of_ones_own_needs_no_key() -> None:
    settings = load_settings(OPENAI)
    assert (settings.analyst, settings.analyst_key_file) == (AnalystName.OPENAI, None)
    assert settings.analyst_interval is Interval.M60


def test_the_command_line_counts_before_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DANTARO_CENTRAL_PORT", "9000")
    monkeypatch.setenv("DANTARO_CENTRAL_SYMBOLS", "KRW-BTC,KRW-ETH")
    settings = load_settings({"port": "9001"})
    assert (settings.port, settings.symbols) == (9001, ("KRW-BTC", "KRW-ETH"))


@pytest.mark.parametrize(
    ("given", "want"),
    [
        pytest.param({}, 60.0, id="simulated"),
        pytest.param({"source": "replay", "folder": "x"}, 1.0, id="replay"),
        pytest.param({"source": "replay", "folder": "x", "speed": "max"}, "max", id="max"),
        pytest.param({"speed": "2.5"}, 2.5, id="a-number"),
    ],
)
def test_the_speed_has_a_default_for_each_source(given: dict[str, Any], want: object) -> None:
    assert load_settings(given).pace == want


def test_texts_of_the_command_line_are_read() -> None:
    settings = load_settings({"start": "2025-09-01T09:00:00+09:00", "key_file": "k"})
    assert (settings.start, settings.key_file) == (START, Path("k"))


@pytest.mark.parametrize(
    ("given", "want"),
    [
        pytest.param({"speed": "max"}, "speed max is for a replay", id="max-of-no-replay"),
        pytest.param({"source": "replay"}, "needs a folder", id="no-folder"),
        pytest.param(
            {"fear_greed_url": "https://index.test"}, "is for source upbit", id="mood-of-no-live"
        ),
        pytest.param(
            {"source": "upbit", "fear_greed_url": "index.test"}, "must begin with", id="no-address"
        ),
        pytest.param({"traded": "KRW-BTC"}, "traded is for source upbit", id="traded"),
        pytest.param(
            {"source": "upbit", "symbols": "KRW-BTC", "speed": "5"}, "speed must be 1", id="fast"
        ),
        pytest.param(
            {"source": "upbit", "symbols": "KRW-BTC", "start": "2025-09-01T00:00:00Z"},
            "from is for replay",
            id="live-from",
        ),
        pytest.param({"start": "2025-09-01T00:00:30Z"}, "whole minute", id="half-a-minute"),
        pytest.param({"start": "yesterday"}, "found 'yesterday'", id="no-time"),
        pytest.param({"source": "binance"}, "source: ", id="unknown-source"),
        pytest.param({"symbols": "btc"}, "expected a market", id="wrong-symbol"),
        pytest.param({"port": "70000"}, "port: ", id="port-too-high"),
        pytest.param({"speed": "0"}, "speed", id="no-speed"),
        pytest.param({"analyst": "oracle"}, "analyst: ", id="unknown-analyst"),
        pytest.param({"analyst_interval": "5m"}, "15m or longer, was 5m", id="short-candles"),
        pytest.param({"analyst": "openai"}, "openai is for source upbit", id="model-of-no-live"),
        pytest.param(
            OPENAI | {"source": "replay", "folder": "x"},
            "a replay market is the same in every run",
            id="model-of-a-replay",
        ),
        pytest.param(OPENAI | {"analyst_model": ""}, "needs analyst_model", id="no-model"),
        pytest.param(
            OPENAI | {"analyst_url": "127.0.0.1:8080"}, "begin with https://", id="no-scheme"
        ),
        pytest.param(
            OPENAI | {"analyst_url": OPENAI_URL}, "needs analyst_key_file", id="no-key-for-openai"
        ),
        pytest.param(
            OPENAI | {"analyst_usd_per_million_answer": None},
            "needs analyst_usd_per_million_prompt and analyst_usd_per_million_answer",
            id="no-price",
        ),
        pytest.param({"analyst_calls_per_hour": "0"}, "analyst_calls_per_hour: ", id="no-calls"),
        pytest.param({"analyst_usd_per_hour": "-1"}, "analyst_usd_per_hour: ", id="negative"),
    ],
)
def test_a_wrong_setting_is_named(given: dict[str, Any], want: str) -> None:
    with pytest.raises(SpecError, match=want):
        load_settings(given)


@pytest.mark.parametrize(
    ("arguments", "want"),
    [
        pytest.param(["all"], "needs --key-file", id="no-key-file"),
        pytest.param(["all", "--source", "replay"], "needs a folder", id="no-folder"),
        pytest.param(["worker", "--database-url", "nonsense"], "database URL", id="bad-url"),
        pytest.param(["worker", "--database-url", "sqlite://"], "in memory", id="no-file"),
    ],
)
def test_a_wrong_command_ends_with_a_sentence(
    arguments: list[str], want: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 78
    error = capsys.readouterr().err
    assert error.startswith("dantaro-central: ")
    assert want in error
    assert "Traceback" not in error


def test_help_names_every_option(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["all", "--help"])
    text = capsys.readouterr().out
    options = (
        "source folder symbols speed from seed upbit-url database-url host port port-file key-file "
        "exit-with-parent log-level"
    )
    for option in options.split():
        assert f"--{option}" in text
