"""Our errors as HTTP answers, in one place."""

from http import HTTPStatus

import structlog
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

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

__all__ = ["install_problems"]

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


async def _on_ours(request: Request, error: Exception) -> Response:
    assert isinstance(error, DantaroError)
    status = next(
        (status for kind, status in _STATUS if isinstance(error, kind)),
        HTTPStatus.INTERNAL_SERVER_ERROR,
    )
    if status is HTTPStatus.INTERNAL_SERVER_ERROR:
        _log.error("request failed", path=request.url.path, reason=error.code, error=error.message)
    headers = {}
    if status is HTTPStatus.UNAUTHORIZED:
        headers["WWW-Authenticate"] = "Bearer"
    if isinstance(error, TransientError):
        pause = error.retry_after.total_seconds() if error.retry_after else 1
        headers["Retry-After"] = str(max(round(pause), 1))
    return _answer(status, error.message, error.code, headers)


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
    return Response(
        problem.model_dump_json(by_alias=True),
        status_code=status.value,
        headers=headers,
        media_type="application/problem+json",
    )
