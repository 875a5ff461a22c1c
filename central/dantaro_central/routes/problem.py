"""Our errors as HTTP answers, in one place."""

from http import HTTPStatus

import structlog
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from dantaro_central.errors import TooManyRequestsError
from dantaro_crds.errors import (
    AuthenticationError,
    ConflictError,
    DantaroError,
    NotFoundError,
    RateLimitedError,
    SpecError,
    TransientError,
)
from dantaro_crds.wire.problem import Problem

__all__ = ["install_problems", "problem_of", "problem_response"]

_STATUS: tuple[tuple[type[DantaroError], HTTPStatus], ...] = (
    (SpecError, HTTPStatus.UNPROCESSABLE_ENTITY),
    (ConflictError, HTTPStatus.CONFLICT),
    (NotFoundError, HTTPStatus.NOT_FOUND),
    (RateLimitedError, HTTPStatus.TOO_MANY_REQUESTS),
    (TransientError, HTTPStatus.SERVICE_UNAVAILABLE),
    (AuthenticationError, HTTPStatus.UNAUTHORIZED),
)
"""The first that fits counts; a child stands before its parent."""

_log = structlog.get_logger()


def install_problems(app: FastAPI) -> None:
    """Answer every error with a `Problem`."""
    app.add_exception_handler(DantaroError, _on_ours)
    app.add_exception_handler(RequestValidationError, _on_invalid)
    app.add_exception_handler(HTTPException, _on_http)
    app.add_exception_handler(Exception, _on_bug)


def problem_of(error: DantaroError) -> Problem:
    """Return what is told of an error of ours."""
    status = next(
        (status for kind, status in _STATUS if isinstance(error, kind)),
        HTTPStatus.INTERNAL_SERVER_ERROR,
    )
    return Problem(title=status.phrase, status=status.value, detail=error.message, code=error.code)


def problem_response(error: DantaroError) -> Response:
    """Return the answer to a request that an error of ours ended."""
    problem = problem_of(error)
    headers = {}
    if isinstance(error, AuthenticationError):
        headers["WWW-Authenticate"] = "Bearer"
    if isinstance(error, TransientError):
        pause = error.retry_after.total_seconds() if error.retry_after else 1
        headers["Retry-After"] = str(max(round(pause), 1))
    if isinstance(error, TooManyRequestsError):
        headers["RateLimit-Limit"] = str(error.limit)
        headers["RateLimit-Remaining"] = str(error.remaining)
        headers["RateLimit-Reset"] = headers["Retry-After"]
    return _response(problem, headers)


async def _on_ours(request: Request, error: Exception) -> Response:
    assert isinstance(error, DantaroError)
    response = problem_response(error)
    if response.status_code == HTTPStatus.INTERNAL_SERVER_ERROR:
        _log.error("request failed", path=request.url.path, reason=error.code, error=error.message)
    return response


async def _on_invalid(_request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    found = error.errors()[0]
    place = ".".join(str(part) for part in found["loc"][1:])
    message = str(found["msg"]).removeprefix("Value error, ")
    return _answer(HTTPStatus.UNPROCESSABLE_ENTITY, f"{place}: {message}", "RequestInvalid")


async def _on_http(_request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    status = HTTPStatus(error.status_code)
    code = "".join(word.capitalize() for word in status.phrase.split())
    return _answer(status, str(error.detail), code, dict(error.headers or {}))


async def _on_bug(request: Request, error: Exception) -> Response:
    _log.error("request failed", path=request.url.path, exc_info=error)
    return _answer(
        HTTPStatus.INTERNAL_SERVER_ERROR, "an error of the server; its log says more", "Internal"
    )


def _answer(
    status: HTTPStatus, detail: str, code: str, headers: dict[str, str] | None = None
) -> Response:
    problem = Problem(title=status.phrase, status=status.value, detail=detail, code=code)
    return _response(problem, headers)


def _response(problem: Problem, headers: dict[str, str] | None) -> Response:
    return Response(
        problem.model_dump_json(by_alias=True),
        status_code=problem.status,
        headers={"Cache-Control": "no-store"} | (headers or {}),
        media_type="application/problem+json",
    )
