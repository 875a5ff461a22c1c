"""Every error of ours becomes one HTTP answer."""

from datetime import timedelta

import httpx
import pytest
from fastapi import FastAPI

from dantaro_central.errors import NotReadyError, SymbolUnknownError
from dantaro_central.routes.problem import install_problems
from dantaro_crds.errors import (
    AuthenticationError,
    ConflictError,
    RateLimitedError,
    SafetyError,
    SpecError,
)
from dantaro_crds.wire.problem import Problem

pytestmark = pytest.mark.unit


async def answer_to(error: Exception) -> httpx.Response:
    """Return what a route that raises answers."""
    app = FastAPI()
    install_problems(app)

    @app.get("/")
    async def fail() -> None:
        raise error

    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        return await client.get("/")


@pytest.mark.parametrize(
    ("error", "want_status", "want_code", "want_header"),
    [
        pytest.param(SpecError("m"), 422, "Spec", {}, id="spec"),
        pytest.param(ConflictError("m"), 409, "Conflict", {}, id="conflict"),
        pytest.param(SymbolUnknownError("m"), 404, "SymbolUnknown", {}, id="unknown"),
        pytest.param(NotReadyError("m"), 503, "NotReady", {"Retry-After": "1"}, id="not-ready"),
        pytest.param(
            RateLimitedError("m", retry_after=timedelta(seconds=7)), 429, "RateLimited",
            {"Retry-After": "7"}, id="rate-limited",
        ),
        pytest.param(
            AuthenticationError("m"), 401, "Authentication", {"WWW-Authenticate": "Bearer"},
            id="no-key",
        ),
        pytest.param(SafetyError("m"), 500, "Safety", {}, id="safety"),
    ],
)  # fmt: skip
async def test_our_errors_have_a_status(
    error: Exception, want_status: int, want_code: str, want_header: dict[str, str]
) -> None:
    response = await answer_to(error)
    problem = Problem.model_validate_json(response.text)
    assert (response.status_code, problem.status) == (want_status, want_status)
    assert (problem.code, problem.detail) == (want_code, "m")
    assert {name: response.headers.get(name) for name in want_header} == want_header


async def test_a_bug_tells_nothing_of_itself() -> None:
    response = await answer_to(RuntimeError("secret"))
    problem = Problem.model_validate_json(response.text)
    assert (problem.status, problem.code) == (500, "Internal")
    assert "secret" not in response.text
