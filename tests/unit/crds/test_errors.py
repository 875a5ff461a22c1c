"""The error tree: codes, messages, and what each branch carries."""

from datetime import timedelta

import pytest

from dantaro_crds import errors
from dantaro_crds.errors import (
    AuthenticationError,
    ConflictError,
    DantaroError,
    NotFoundError,
    OutcomeUnknownError,
    RateLimitedError,
    SafetyError,
    SpecError,
    TransientError,
    VenueRefusedError,
)

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (SpecError("m"), "Spec"),
        (ConflictError("m"), "Conflict"),
        (NotFoundError("m"), "NotFound"),
        (TransientError("m"), "Transient"),
        (RateLimitedError("m"), "RateLimited"),
        (AuthenticationError("m"), "Authentication"),
        (VenueRefusedError("m"), "VenueRefused"),
        (OutcomeUnknownError("m"), "OutcomeUnknown"),
        (SafetyError("m"), "Safety"),
        (NotFoundError("m", code="AllocationNotFound"), "AllocationNotFound"),
        (SpecError("m", code="BudgetTooSmall"), "BudgetTooSmall"),
        (TransientError("m", code="Outage"), "Outage"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_the_code_is_the_name_without_its_end_or_what_is_given(
    error: DantaroError, code: str
) -> None:
    assert (error.code, error.message, str(error)) == (code, "m", "m")


def test_every_error_hangs_on_the_root() -> None:
    assert all(issubclass(getattr(errors, name), DantaroError) for name in errors.__all__)


def test_a_spec_error_names_its_field() -> None:
    assert SpecError("m", field="spec.grids").field == "spec.grids"
    assert SpecError("m").field == ""


def test_a_transient_error_carries_the_pause_that_was_asked_for() -> None:
    assert RateLimitedError("m", retry_after=timedelta(seconds=3)).retry_after == timedelta(
        seconds=3
    )
    assert TransientError("m").retry_after is None
