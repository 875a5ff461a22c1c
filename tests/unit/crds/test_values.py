"""Texts that the value types take and refuse, and what they make of numbers."""

from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from dantaro_crds.values import (
    INTERVALS,
    DecimalStr,
    Interval,
    PositiveDecimalStr,
    SignedDecimalStr,
    Symbol,
    SymbolOrAuto,
    UtcTime,
    decimal_text,
    parse_day,
    parse_utc,
    quote_of,
    utc_text,
)

pytestmark = pytest.mark.unit

AT_LEAST_ZERO: TypeAdapter[Decimal] = TypeAdapter(DecimalStr)
ABOVE_ZERO: TypeAdapter[Decimal] = TypeAdapter(PositiveDecimalStr)
ANY_SIGN: TypeAdapter[Decimal] = TypeAdapter(SignedDecimalStr)

NO_DECIMAL = [
    pytest.param("", id="empty"),
    pytest.param(" 1", id="space-before"),
    pytest.param("1\n", id="line-break-after"),
    pytest.param("1e5", id="exponent"),
    pytest.param("1E-5", id="capital-exponent"),
    pytest.param("01", id="leading-zero"),
    pytest.param("00.1", id="two-leading-zeros"),
    pytest.param("+1", id="plus"),
    pytest.param("--1", id="two-signs"),
    pytest.param(".5", id="no-digit-before-the-point"),
    pytest.param("5.", id="no-digit-after-the-point"),
    pytest.param("1,000", id="thousands-comma"),
    pytest.param("1_000", id="underscore"),
    pytest.param("0x10", id="hexadecimal"),
    pytest.param("NaN", id="nan"),
    pytest.param("Infinity", id="infinity"),
    pytest.param("١", id="digit-of-another-script"),
    pytest.param("1" + "0" * 18, id="nineteen-digits-before-the-point"),
    pytest.param("0." + "1" * 19, id="nineteen-places"),
    pytest.param(1, id="whole-number-without-quotes"),
    pytest.param(1.5, id="number-without-quotes"),
    pytest.param(True, id="boolean"),
    pytest.param(None, id="nothing"),
    pytest.param(["1"], id="list"),
    pytest.param(Decimal("NaN"), id="decimal-nan"),
    pytest.param(Decimal("-Infinity"), id="decimal-infinity"),
    pytest.param(Decimal("1E+999999999"), id="decimal-too-large-to-write-down"),
]


@pytest.mark.parametrize("value", NO_DECIMAL)
@pytest.mark.parametrize("adapter", [AT_LEAST_ZERO, ABOVE_ZERO, ANY_SIGN])
def test_what_is_no_plain_decimal_is_refused(adapter: TypeAdapter[Decimal], value: Any) -> None:
    with pytest.raises(ValidationError, match="expected a decimal number"):
        adapter.validate_python(value)


@pytest.mark.parametrize(
    ("text", "at_least_zero", "above_zero", "any_sign"),
    [
        pytest.param("1", True, True, True, id="one"),
        pytest.param("0.5", True, True, True, id="half"),
        pytest.param("0", True, False, True, id="zero"),
        pytest.param("0.000", True, False, True, id="zero-with-places"),
        pytest.param("-1", False, False, True, id="minus-one"),
        pytest.param("-0", False, False, True, id="minus-zero"),
        pytest.param("0." + "0" * 17 + "1", True, True, True, id="smallest"),
        pytest.param("9" * 18 + "." + "9" * 18, True, True, True, id="largest"),
        pytest.param("1.50", True, True, True, id="trailing-zero"),
    ],
)
def test_sign_and_zero_decide_which_type_takes_a_text(
    text: str, at_least_zero: bool, above_zero: bool, any_sign: bool
) -> None:
    adapters = ((AT_LEAST_ZERO, at_least_zero), (ABOVE_ZERO, above_zero), (ANY_SIGN, any_sign))
    for adapter, want in adapters:
        assert _takes(adapter, text) is want


def _takes(adapter: TypeAdapter[Any], value: object) -> bool:
    try:
        adapter.validate_python(value)
    except ValidationError:
        return False
    return True


@pytest.mark.parametrize(
    ("value", "want"),
    [
        pytest.param(Decimal("1E+3"), "1000", id="exponent-is-written-out"),
        pytest.param(Decimal("-0.00"), "0", id="minus-zero-is-zero"),
        pytest.param(Decimal("1.500"), "1.5", id="trailing-zeros-go"),
        pytest.param(Decimal(100), "100", id="zeros-of-a-whole-number-stay"),
        pytest.param(Decimal("1E-8"), "0.00000001", id="small"),
    ],
)
def test_decimal_text_is_plain(value: Decimal, want: str) -> None:
    assert decimal_text(value) == want


@pytest.mark.parametrize(
    ("value", "want"),
    [
        pytest.param(Decimal(1) / Decimal(3), "0.333333333333333333", id="third"),
        pytest.param(Decimal("1E-30"), "0", id="too-small-to-write-down"),
        pytest.param(Decimal("1E-999999999"), "0", id="far-too-small"),
        pytest.param(Decimal("0E-100"), "0", id="zero-with-many-places"),
        pytest.param(Decimal("0E+100"), "0", id="zero-with-a-large-exponent"),
        pytest.param(
            Decimal("123456789012345678.1234567890123456789"),
            "123456789012345678.123456789012345679",
            id="one-place-too-many",
        ),
    ],
)
def test_exact_results_are_cut_to_eighteen_places(value: Decimal, want: str) -> None:
    assert ANY_SIGN.validate_python(value) == Decimal(want)


@given(
    st.decimals(
        allow_nan=False,
        allow_infinity=False,
        places=8,
        min_value=Decimal("-1e17"),
        max_value=Decimal("1e17"),
    )
)
def test_any_amount_of_eight_places_survives_the_wire(value: Decimal) -> None:
    text = ANY_SIGN.dump_python(value)
    assert ANY_SIGN.validate_python(text) == value
    assert ANY_SIGN.validate_python(value) == value


@pytest.mark.parametrize(
    ("text", "symbol", "or_auto"),
    [
        pytest.param("KRW-BTC", True, True, id="upbit"),
        pytest.param("BTC/USDT", True, True, id="ccxt"),
        pytest.param("XRP/USDT:USDT", True, True, id="ccxt-swap"),
        pytest.param("KRW-1INCH", True, True, id="digit-first"),
        pytest.param("auto", False, True, id="auto"),
        pytest.param("AUTO", False, False, id="capital-auto"),
        pytest.param("krw-btc", False, False, id="small-letters"),
        pytest.param("KRWBTC", False, False, id="no-separator"),
        pytest.param("KRW-", False, False, id="no-base"),
        pytest.param("KRW-BTC ", False, False, id="space"),
        pytest.param("KRW-BTC\n", False, False, id="line-break"),
        pytest.param("K" * 11 + "-BTC", False, False, id="quote-too-long"),
        pytest.param(5, False, False, id="number"),
    ],
)
def test_a_market_is_named_as_venues_name_it(text: Any, symbol: bool, or_auto: bool) -> None:
    assert _takes(TypeAdapter(Symbol), text) is symbol
    assert _takes(TypeAdapter(SymbolOrAuto), text) is or_auto


@pytest.mark.parametrize(
    ("symbol", "want"),
    [("KRW-BTC", "KRW"), ("BTC/USDT", "USDT"), ("XRP/USDT:USDT", "USDT")],
)
def test_the_quote_currency_is_read_from_the_symbol(symbol: str, want: str) -> None:
    assert quote_of(symbol) == want


@pytest.mark.parametrize(
    ("text", "want"),
    [
        pytest.param("2026-01-31T09:00:00Z", datetime(2026, 1, 31, 9, tzinfo=UTC), id="utc"),
        pytest.param(
            "2026-01-31T09:00:00+09:00", datetime(2026, 1, 31, tzinfo=UTC), id="other-zone"
        ),
        pytest.param(
            "2026-01-31T09:00:00.5Z",
            datetime(2026, 1, 31, 9, 0, 0, 500_000, tzinfo=UTC),
            id="fraction",
        ),
    ],
)
def test_a_time_is_read_as_utc(text: str, want: datetime) -> None:
    assert parse_utc(text) == want
    assert parse_utc(text).tzinfo is UTC


@pytest.mark.parametrize(
    "value",
    [
        pytest.param("2026-01-31T09:00:00", id="no-zone"),
        pytest.param("2026-01-31", id="date-only"),
        pytest.param("yesterday", id="words"),
        pytest.param("", id="empty"),
        pytest.param(1_700_000_000, id="number"),
        pytest.param(datetime(2026, 1, 31), id="naive-time"),  # noqa: DTZ001  # the point of the case
        pytest.param("0001-01-01T00:00:00+14:00", id="before-the-first-year"),
        pytest.param("9999-12-31T23:59:59-14:00", id="after-the-last-year"),
    ],
)
def test_what_is_no_time_with_a_zone_is_refused(value: object) -> None:
    with pytest.raises(ValueError, match="expected a time with a zone"):
        parse_utc(value)
    assert not _takes(TypeAdapter(UtcTime), value)


@given(
    st.datetimes(
        min_value=datetime(2000, 1, 1),  # noqa: DTZ001  # hypothesis wants naive bounds
        max_value=datetime(2100, 1, 1),  # noqa: DTZ001
        timezones=st.sampled_from([UTC, timezone(timedelta(hours=9))]),
    )
)
def test_a_time_survives_the_wire(value: datetime) -> None:
    assert utc_text(value).endswith("Z")
    assert parse_utc(utc_text(value)) == value


def test_every_interval_has_its_span() -> None:
    assert {interval.value: interval.span for interval in Interval} == {
        "1m": timedelta(minutes=1),
        "5m": timedelta(minutes=5),
        "15m": timedelta(minutes=15),
        "30m": timedelta(minutes=30),
        "60m": timedelta(hours=1),
        "240m": timedelta(hours=4),
        "1d": timedelta(days=1),
    }
    assert set(INTERVALS) == set(Interval)


def test_a_day_is_read_in_one_notation() -> None:
    assert parse_day("2028-02-29") == date(2028, 2, 29)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="empty"),
        pytest.param("today", id="words"),
        pytest.param("20260131", id="no-hyphens"),
        pytest.param("2026-W05-6", id="week"),
        pytest.param("2026-02-29", id="no-such-day"),
        pytest.param("2026-01-31T09:00:00Z", id="time"),
        pytest.param("2026-01-31\n", id="line-break-after"),
        pytest.param("٢٠٢٦-٠١-٣١", id="other-digits"),
    ],
)
def test_what_is_no_day_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="expected a day such as 2026-01-31"):
        parse_day(text)
