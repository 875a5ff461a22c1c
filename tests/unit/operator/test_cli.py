import argparse
import json
import re
from pathlib import Path

import pytest

from dantaro_operator.adapters.local_state import STATE_FOLDER, LocalState
from dantaro_operator.adapters.yaml_values import to_yaml
from dantaro_operator.cli import _guarded, main
from tests.support.bots import make_allocation, make_grid_bot, make_report
from tests.support.documents import grid_bot_document

pytestmark = pytest.mark.unit

EXAMPLES = Path(__file__).parents[3] / "examples"


def run(*arguments: str) -> int:
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    code = caught.value.code
    assert isinstance(code, int)
    return code


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    state = LocalState(tmp_path / STATE_FOLDER)
    for item in (make_allocation(), make_grid_bot()):
        state.save_object(item, durable=False)
    state.save_report(make_report())
    return tmp_path


@pytest.mark.parametrize("example", sorted(EXAMPLES.glob("0*")), ids=lambda path: path.name)
def test_every_example_is_valid(example: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("validate", str(example)) == 0
    assert capsys.readouterr().err == ""


def test_get_prints_the_table_of_kubectl(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("get", "gb", "--dir", str(folder)) == 0
    out = capsys.readouterr()
    assert out.out.splitlines()[0].split() == [
        "NAME", "MODE", "SYMBOL", "STRATEGY", "PHASE", "BUDGET", "PNL", "ORDERS", "AGE",
    ]  # fmt: skip
    assert out.out.splitlines()[1].split()[:2] == ["grid", "Pending"]
    assert "nothing runs here now" in out.err


@pytest.mark.parametrize(
    ("arguments", "want"),
    [
        (["get", "all"], "gridbot.dantaro.io/grid"),
        (["get", "alloc", "-o", "wide"], "MESSAGE"),
        (["get", "gridbots", "-A"], "NAMESPACE"),
        (["get", "gb", "grid", "-o", "yaml"], "lowerPrice: '90000000'"),
        (["describe", "gb", "grid"], "Equity: 5000012.6"),
        (["describe", "alloc"], "Kind: Allocation"),
        (["describe", "all"], "Kind: GridBot"),
        (["get", "gb/grid"], "grid "),
        (["get", "dantaro"], "gridbot.dantaro.io/grid"),
        (["describe", "gb/grid"], "Equity: 5000012.6"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_objects_are_shown_in_many_ways(
    folder: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], want: str
) -> None:
    assert run(*arguments, "--dir", str(folder)) == 0
    assert want in capsys.readouterr().out


def test_json_holds_one_object_by_name_and_else_a_list(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run("get", "gb", "grid", "-o", "json", "--dir", str(folder))
    one = json.loads(capsys.readouterr().out)
    run("get", "gb", "-o", "json", "--dir", str(folder))
    several = json.loads(capsys.readouterr().out)
    assert (one["kind"], several["kind"], several["items"]) == ("GridBot", "List", [one])


@pytest.mark.parametrize(
    ("arguments", "want"),
    [
        (["get", "pods"], "expected one of all, alloc, tb, gb, was pods"),
        (["get", "gb", "nobody"], "found no GridBot named nobody in namespace default"),
        (["get", "tb"], "no tb objects in namespace default"),
        (["get", "gb", "-n", "other"], "no gb objects in namespace other"),
        (["describe", "gb", "nobody"], "found no GridBot named nobody"),
        (["get", "gb/nobody"], "found no GridBot named nobody"),
        (["get", "gb/grid", "grid"], "expected one name"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_what_is_not_there_is_told(
    folder: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], want: str
) -> None:
    assert run(*arguments, "--dir", str(folder)) == 1
    assert want in capsys.readouterr().err


def test_without_a_state_folder_get_says_what_to_do(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("get", "all", "--dir", str(tmp_path)) == 1
    assert "start `dantaro up" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "want"),
    [
        (["up", "nowhere"], "nowhere: expected a folder of YAML"),
        (["up", ".", "--market", "nowhere"], "--market: expected simulated, upbit or a folder"),
        (["up", "."], "expected YAML of at least one object"),
        (["validate", "nowhere.yaml"], "nowhere.yaml: expected a file or a folder"),
        (["validate", "."], "expected YAML of at least one object"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_bad_input_is_one_sentence(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    want: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(*arguments) == 1
    assert want in capsys.readouterr().err
    assert not (tmp_path / STATE_FOLDER).exists()


def test_up_refuses_a_folder_in_which_nothing_is_right(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "a.yaml").write_text("kind: GridBot\n")
    assert run("up", str(tmp_path)) == 1
    assert "a.yaml:1: GridBot: " in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [["--help"], ["up", "--help"], ["--version"]])
def test_help_is_given(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(*arguments) == 0
    assert "dantaro" in capsys.readouterr().out


def test_a_time_without_a_zone_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("up", ".", "--from", "2025-09-01") == 2
    assert "expected a time with a zone" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("error", "want_code", "want_words"),
    [
        pytest.param(
            OSError(28, "No space left", "x.json"), 1, "error: x.json: No space", id="disk"
        ),
        pytest.param(
            ZeroDivisionError("why"), 70, "a bug of ours: ZeroDivisionError: why", id="bug"
        ),
    ],
)
def test_nothing_prints_a_traceback(
    error: Exception, want_code: int, want_words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(_: argparse.Namespace) -> int:
        raise error

    assert _guarded(fail, argparse.Namespace()) == want_code
    told = capsys.readouterr().err
    assert want_words in told
    assert "Traceback" not in told
    for path in re.findall(r"\S*dantaro-bug-\S*\.txt", told):
        assert "ZeroDivisionError" in Path(path).read_text()
        Path(path).unlink()


def test_a_refused_market_leaves_nothing_behind(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "a.yaml").write_text(to_yaml(grid_bot_document()))
    assert run("up", str(tmp_path), "--speed", "max") == 1
    assert "--speed: max works only with recorded candles" in capsys.readouterr().err
    assert not (tmp_path / STATE_FOLDER).exists()


def test_a_folder_in_place_of_candles_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "KRW-BTC" / "1m.csv.gz").mkdir(parents=True)
    assert run("up", str(tmp_path), "--market", str(tmp_path)) == 1
    assert "--market: expected simulated, upbit or a folder" in capsys.readouterr().err
