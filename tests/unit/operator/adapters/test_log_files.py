from pathlib import Path

import pytest

from dantaro_operator.adapters.bot_logs import BotLogs
from dantaro_operator.adapters.local_machine import bot_folder_name
from dantaro_operator.adapters.log_files import last_error, last_lines, readable_line
from tests.support.bots import make_grid_bot

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("lines", "want"),
    [
        pytest.param([], "", id="nothing"),
        pytest.param(['{"level": "info", "event": "hi"}'], "", id="no-error"),
        pytest.param(
            ['{"level": "error", "event": "refused", "message": "why"}', '{"level": "info"}'],
            "refused: why",
            id="the-newest-error",
        ),
        pytest.param(["dantaro-central: a file is broken"], "a file is broken", id="central"),
        pytest.param(["plain", "[1]", "{"], "", id="no-json"),
    ],
)
def test_the_last_error_is_found(tmp_path: Path, lines: list[str], want: str) -> None:
    log = tmp_path / "bot.log"
    log.write_text("\n".join(lines))
    assert last_error(log) == want


def test_a_missing_log_has_no_lines(tmp_path: Path) -> None:
    assert last_lines(tmp_path / "none", 3) == []


@pytest.mark.parametrize(
    ("line", "want"),
    [
        ('{"ts": "T", "level": "info", "event": "filled", "price": "3"}', "T info filled price=3"),
        ("plain text", "plain text"),
    ],
)
def test_lines_are_made_readable(line: str, want: str) -> None:
    assert readable_line(line) == want


def test_a_bot_shows_the_end_of_its_own_log(tmp_path: Path) -> None:
    bot = make_grid_bot()
    names = bot.metadata
    folder = bot_folder_name(
        kind=bot.kind, namespace=names.namespace, name=names.name, uid=names.uid
    )
    (tmp_path / folder).mkdir()
    (tmp_path / folder / "bot.log").write_text("\n".join(str(n) for n in range(30)))
    assert BotLogs(tmp_path).last_events(bot) == [str(n) for n in range(20, 30)]
