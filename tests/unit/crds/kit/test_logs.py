"""Logs are JSON lines: constant event text, values as fields."""

import io
import json
from collections.abc import Iterator

import pytest
import structlog

from dantaro_crds.kit.logs import configure_logs

pytestmark = pytest.mark.unit


@pytest.fixture(autouse=True)
def default_logs() -> Iterator[None]:
    yield
    structlog.reset_defaults()


def test_an_event_is_one_line_with_its_values() -> None:
    stream = io.StringIO()
    configure_logs(stream=stream)
    structlog.get_logger().info("order placed", bot="grid", price="3240")
    (line,) = stream.getvalue().splitlines()
    event = json.loads(line)
    assert (event["event"], event["level"], event["bot"]) == ("order placed", "info", "grid")
    assert event["ts"].endswith("Z")


def test_lower_levels_are_left_out() -> None:
    stream = io.StringIO()
    configure_logs("WARNING", stream=stream)
    structlog.get_logger().info("nothing changed")
    structlog.get_logger().warning("look here")
    assert [json.loads(line)["event"] for line in stream.getvalue().splitlines()] == ["look here"]
