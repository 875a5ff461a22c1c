"""A real central of a live market that asks a model, and keeps the key and the prompt to itself."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from dantaro_central.cli import main
from dantaro_central.core.candles import floor_time
from dantaro_crds.values import Interval
from tests.support.candles import simulated_hours, simulated_minutes
from tests.support.central_process import CentralClient, central
from tests.support.eventually import eventually
from tests.support.openai_server import OpenAiServer, Reply, openai_server, says
from tests.support.upbit_public import upbit_public

pytestmark = [pytest.mark.integration, pytest.mark.timeout(90)]

KEY = "sk-a-key-that-nobody-may-see"
HOUR = Interval.M60.span


@pytest.fixture
def wall() -> Callable[[], datetime]:
    """Return the wall clock."""
    return lambda: datetime.now(UTC)


def live_market(now: datetime) -> dict[tuple[str, str], Any]:
    """Return a market that is traded now."""
    hour = floor_time(now, HOUR)
    return {
        ("KRW-BTC", "minutes/1"): simulated_minutes(
            "KRW-BTC", 240, start=hour - timedelta(hours=2)
        ),
        ("KRW-BTC", "minutes/60"): simulated_hours("KRW-BTC", 400, until=hour),
        ("KRW-BTC", "minutes/240"): [],
        ("KRW-BTC", "days"): [],
    }


def options(folder: Path, upbit_url: str, model: OpenAiServer) -> tuple[str, ...]:
    """Return the command line of a central that asks the model."""
    folder.mkdir(exist_ok=True)
    key_file = folder / "model-key"
    key_file.write_text(f"{KEY}\n")
    given = {
        "source": "upbit",
        "symbols": "KRW-BTC",
        "upbit-url": upbit_url,
        "log-level": "DEBUG",
        "analyst": "openai",
        "analyst-model": "test-model",
        "analyst-url": model.url,
        "analyst-key-file": str(key_file),
        "analyst-timeout-seconds": "20",
        "analyst-usd-per-million-prompt": "0.15",
        "analyst-usd-per-million-answer": "0.6",
    }
    return tuple(text for name, value in given.items() for text in (f"--{name}", value))


def decisions(folder: Path) -> list[tuple[str, ...]]:
    """Return symbol, action, model and reason of the stored decisions."""
    with closing(sqlite3.connect(folder / "central.db")) as connection:
        return connection.execute("SELECT symbol, action, model, reason FROM decisions").fetchall()


def metric(client: CentralClient, line: str) -> bool:
    """Return whether the metrics hold a line."""
    return line in client.get("/metrics").text


def test_a_live_central_asks_a_model_and_stores_what_it_says(
    tmp_path: Path, wall: Callable[[], datetime], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_LOG", "debug")
    monkeypatch.setenv("OPENAI_API_KEY", "sk-of-somebody-else")
    with upbit_public(live_market(wall())) as upbit, openai_server() as model:
        model.replies.append(Reply(status=429, headers={"Retry-After": "1"}))
        model.usual = says("Buy", 0.85, "the trend is up")
        given = options(tmp_path, upbit.url, model)
        with central(tmp_path, *given) as client:
            found = eventually(lambda: decisions(tmp_path), timeout=40)
            assert found == [("KRW-BTC", "Buy", "test-model", "the trend is up")]
            want = 'ai_decisions_total{decision="Buy",symbol="KRW-BTC"} 1.0'
            eventually(lambda: metric(client, want))
            assert metric(client, 'ai_confidence{symbol="KRW-BTC"} 0.85')
            asked = len(model.requests)
        with central(tmp_path, *given) as client:
            eventually(lambda: client.get("/health").json()["status"] == "ok")
        assert (asked, len(model.requests)) == (2, 2)
        assert set(model.keys) == {f"Bearer {KEY}"}
    log = (tmp_path / "log").read_text()
    assert "analyst decided" in log
    for secret in (KEY, "sk-of-somebody-else", "supportLevels", "You advise"):
        assert secret not in log


def test_a_model_that_never_answers_keeps_no_candle_waiting(
    tmp_path: Path, wall: Callable[[], datetime]
) -> None:
    with upbit_public(live_market(wall())) as upbit, openai_server() as model:
        model.usual = Reply(is_held=True)
        with central(tmp_path, *options(tmp_path, upbit.url, model)) as client:
            eventually(lambda: model.requests, timeout=40)
            begun = client.bundle("KRW-BTC").market_time
            assert wall() - begun < timedelta(seconds=150)
            assert decisions(tmp_path) == []
            assert client.get("/ready").status_code == 200


def test_a_key_file_that_cannot_be_read_ends_with_a_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    given = {
        "database-url": f"sqlite:///{tmp_path}/central.db",
        "source": "upbit",
        "symbols": "KRW-BTC",
        "upbit-url": "http://127.0.0.1:1/v1",
        "analyst": "openai",
        "analyst-model": "m",
        "analyst-key-file": str(tmp_path / "none"),
        "analyst-usd-per-million-prompt": "0",
        "analyst-usd-per-million-answer": "0",
    }
    arguments = [text for name, value in given.items() for text in (f"--{name}", value)]
    assert main(["worker", *arguments]) == 78
    assert "expected a readable file with a key, found FileNotFoundError" in capsys.readouterr().err
