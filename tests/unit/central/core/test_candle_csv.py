"""Recorded candles are read strictly."""

import pytest

from dantaro_central.core.candle_csv import check_candles, parse_candles
from dantaro_crds.errors import SpecError
from dantaro_crds.values import Interval
from tests.support.candles import START, candle_lines, simulated_minutes

pytestmark = pytest.mark.unit

HEADER = "time,open,high,low,close,volume"
GOOD = "2025-09-01T00:00:00Z,100,110,90,105,1.5"
NEXT = "2025-09-01T00:01:00Z,105,105,105,105,0"


def test_what_was_written_is_read_back() -> None:
    candles = simulated_minutes("KRW-XRP", 50)
    lines = [f"{line}\n" for line in candle_lines(candles)]
    assert list(parse_candles(lines, file="f", interval=Interval.M1)) == candles


def test_first_and_last_open_are_told() -> None:
    first, last = check_candles([HEADER, GOOD, NEXT], file="f", interval=Interval.M1)
    assert (first, last) == (START, START.replace(minute=1))


def test_a_column_with_the_turnover_is_accepted() -> None:
    lines = [f"{HEADER},value", f"{GOOD},123.4"]
    (candle,) = parse_candles(lines, file="f", interval=Interval.M1)
    assert candle.close == 105


def test_candles_before_the_wanted_one_are_passed_over() -> None:
    since = START.replace(minute=1)
    read = list(parse_candles([HEADER, GOOD, NEXT], file="f", interval=Interval.M1, since=since))
    assert [candle.time for candle in read] == [since]


@pytest.mark.parametrize(
    ("lines", "want_line", "want_expected", "want_found"),
    [
        pytest.param([], 1, "the header", "''", id="empty-file"),
        pytest.param([HEADER], 2, "a candle", "the end of the file", id="no-candle"),
        pytest.param(["time,close", GOOD], 1, "the header", "'time,close'", id="other-header"),
        pytest.param([GOOD, NEXT], 1, "the header", repr(GOOD), id="no-header"),
        pytest.param([HEADER, GOOD, ""], 3, "6 columns", "1 in ''", id="blank-line"),
        pytest.param([HEADER, f"{GOOD},7"], 2, "6 columns", "7 in", id="a-column-too-many"),
        pytest.param([f"{HEADER},value", GOOD], 2, "7 columns", "6 in", id="turnover-missing"),
        pytest.param(
            [HEADER, GOOD.replace("Z", "")], 2, "a time such as", "'2025-09-01T00:00:00'",
            id="time-without-zone",
        ),
        pytest.param(
            [HEADER, GOOD.replace("09-01", "02-30")], 2, "a time such as", "2025-02-30",
            id="no-such-day",
        ),
        pytest.param(
            [HEADER, GOOD.replace("00:00Z", "00:30Z")], 2, "a time on the grid of 1m", "00:00:30Z",
            id="off-the-grid",
        ),
        pytest.param(
            [HEADER, GOOD, GOOD], 3, "a time after 2025-09-01T00:00:00Z", "2025-09-01T00:00:00Z",
            id="twice-the-same-time",
        ),
        pytest.param(
            [HEADER, NEXT, GOOD], 3, "a time after 2025-09-01T00:01:00Z", "2025-09-01T00:00:00Z",
            id="falling-times",
        ),
        pytest.param(
            [HEADER, GOOD.replace("110", "1.1e2")], 2, "high as a plain decimal", "'1.1e2'",
            id="exponent",
        ),
        pytest.param(
            [HEADER, GOOD.replace("1.5", "-1.5")], 2, "volume as a plain decimal", "'-1.5'",
            id="negative-volume",
        ),
        pytest.param(
            [HEADER, GOOD.replace("105", "nan")], 2, "close as a plain decimal", "'nan'",
            id="not-a-number",
        ),
        pytest.param([HEADER, GOOD.replace(",90,", ",0,")], 2, "prices > 0", "low 0", id="zero"),
        pytest.param(
            [HEADER, GOOD.replace(",90,", ",101,")], 2, "low <= open, close <= high", "low 101",
            id="low-above-open",
        ),
        pytest.param(
            [HEADER, GOOD.replace("110", "104")], 2, "low <= open, close <= high", "high 104",
            id="close-above-high",
        ),
        pytest.param([HEADER, f"{GOOD}\r"], 2, "line ends of LF alone", "CR LF", id="crlf"),
    ],
)  # fmt: skip
def test_a_wrong_line_is_named_with_what_was_expected_and_found(
    lines: list[str], want_line: int, want_expected: str, want_found: str
) -> None:
    with pytest.raises(SpecError) as caught:
        check_candles(lines, file="KRW-BTC/1m.csv", interval=Interval.M1)
    message = caught.value.message
    assert message.startswith(f"KRW-BTC/1m.csv, line {want_line}: expected {want_expected}")
    assert want_found in message.split(", found ")[-1] or want_found in message
    assert caught.value.code == "CandlesInvalid"
