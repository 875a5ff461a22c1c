"""What the OpenAPI document says beside the types: every answer, with an example."""

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic import BaseModel

from dantaro_central.routes.answers import AGE_HEADER
from dantaro_central.routes.dependencies import API_PREFIX
from dantaro_central.routes.examples import EXAMPLES
from dantaro_crds.wire.problem import Problem

__all__ = ["documented", "install_document", "not_ready"]

_Responses = dict[int | str, dict[str, Any]]

_PROBLEMS = {
    400: "The body is not JSON that can be read.",
    401: "No key, or one that is not known or revoked.",
    404: "The symbol is not a market that can be used.",
    413: "The body is longer than 64 KiB.",
    422: "A parameter or the body is wrong.",
    429: "The key sent more requests than it may; `Retry-After` says when to come again.",
    503: "Nothing is stored yet, or the database does not answer; `Retry-After` says when to come "
    "again.",
}

_TAG = {"description": "Changes with the answer.", "schema": {"type": "string"}}
_AGE = {
    "description": "Seconds of market time since the last data that the answer used.",
    "schema": {"type": "integer", "minimum": 0},
}
_PAUSE = {"description": "Seconds to wait.", "schema": {"type": "integer", "minimum": 1}}

_DESCRIPTION = """\
Market data and its analysis for trading bots; read-only.

Every path below `/api/v1` needs a key: `Authorization: Bearer KEY`. Every error is a problem
(RFC 9457) whose `code` names its kind. Prices, volumes and ratios are exact decimal text, times are
RFC 3339 in UTC.
"""


def documented(
    model: type[BaseModel], example: str, *, symbol: bool = False, body: bool = False
) -> _Responses:
    """Return every answer of a route below `/api/v1`.

    Args:
        model: Of the body.
        example: Name of the example.
        symbol: Whether the request names a market.
        body: Whether the request has a body; its answer has no entity tag then.
    """
    content = {"application/json": {"example": EXAMPLES[example]}}
    ok: dict[str, Any] = {"model": model, "description": "The answer.", "content": content}
    responses: _Responses = {200: ok}
    if not body:
        ok["headers"] = {"ETag": _TAG, AGE_HEADER: _AGE}
        responses[304] = {
            "description": "Unchanged since the answer whose tag is in `If-None-Match`.",
            "headers": {"ETag": _TAG, AGE_HEADER: _AGE},
        }
    left_out = set() if symbol else {404}
    left_out |= set() if body else {400, 413}
    return responses | _problems(set(_PROBLEMS) - left_out)


def not_ready() -> _Responses:
    """Return the refusal of a route that asks for no key."""
    return _problems({503})


def _problems(statuses: set[int]) -> _Responses:
    return {
        status: {"model": Problem, "description": text}
        | ({"headers": {"Retry-After": _PAUSE}} if status in {429, 503} else {})
        for status, text in _PROBLEMS.items()
        if status in statuses
    }


def install_document(app: FastAPI) -> None:
    """Make the app's OpenAPI document say what the app answers."""

    def document() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = _document(app)
        return app.openapi_schema

    app.openapi = document  # type: ignore[method-assign]  # as FastAPI's manual has it


def _document(app: FastAPI) -> dict[str, Any]:
    found = get_openapi(
        title=app.title, version=app.version, description=_DESCRIPTION, routes=app.routes
    )
    schemas = found["components"]["schemas"]
    for unused in ("HTTPValidationError", "ValidationError"):
        schemas.pop(unused, None)
    found["components"]["securitySchemes"] = {"key": {"type": "http", "scheme": "bearer"}}
    for path, methods in found["paths"].items():
        for operation in methods.values():
            if path.startswith(API_PREFIX):
                operation["security"] = [{"key": []}]
            _tell_problems(operation["responses"])
    return found


def _tell_problems(responses: dict[str, Any]) -> None:
    for status, response in responses.items():
        if int(status) < 400:
            continue
        response["content"] = {
            "application/problem+json": {
                "schema": {"$ref": "#/components/schemas/Problem"},
                "example": EXAMPLES[f"problem-{status}"],
            }
        }
