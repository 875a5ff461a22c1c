import json
from datetime import timedelta
from typing import Any

import pytest

from dantaro_crds.errors import (
    AuthenticationError,
    ConflictError,
    DantaroError,
    NotFoundError,
    RateLimitedError,
    SpecError,
    TransientError,
)
from dantaro_operator.adapters.kubernetes.answers import (
    EXPIRED,
    Refusal,
    describe,
    read_refusal,
    to_error,
)
from dantaro_operator.errors import NamespaceEndsError

pytestmark = pytest.mark.unit

PATH = "/apis/apps/v1/namespaces/desk/statefulsets/gb-a"


def body(message: str = "words", **more: Any) -> bytes:
    return json.dumps({"kind": "Status", "message": message, **more}).encode()


@pytest.mark.parametrize(
    ("status", "content", "compares", "want", "code"),
    [
        (400, body(), False, SpecError, "Spec"),
        (401, body(), False, AuthenticationError, "Authentication"),
        (403, body(), False, AuthenticationError, "Authentication"),
        (
            403,
            body(details={"causes": [{"reason": "NamespaceTerminating"}]}),
            False,
            NamespaceEndsError,
            "NamespaceEnds",
        ),
        (404, body(), False, NotFoundError, "NotFound"),
        (409, body(reason="Conflict"), True, ConflictError, "Conflict"),
        (409, body(reason="Conflict"), False, TransientError, "Contended"),
        (410, body(), False, TransientError, EXPIRED),
        (422, body(details={"kind": "GridBot"}), True, SpecError, "Spec"),
        (422, body(details={}), True, ConflictError, "Conflict"),
        (429, body(), False, RateLimitedError, "RateLimited"),
        (500, body(), False, TransientError, "Transient"),
        (500, body("failed to create typed patch object (x)"), False, SpecError, "Spec"),
        (500, body(".spec.x: field not declared in schema"), False, SpecError, "Spec"),
        (503, b"<html>", False, TransientError, "Transient"),
        (301, b"", False, SpecError, "Spec"),
    ],
)
def test_each_answer_has_its_error(
    status: int, content: bytes, compares: bool, want: type[DantaroError], code: str
) -> None:
    error = to_error("apply", PATH, read_refusal(status, {}, content), compares=compares)
    assert (type(error), error.code) == (want, code)
    assert error.message.startswith("apply statefulsets/gb-a in desk: ")


def test_a_message_names_verb_object_words_and_status() -> None:
    refusal = read_refusal(422, {}, body("spec.x: Required", details={"kind": "GridBot"}))
    assert to_error("apply", PATH, refusal, compares=False).message == (
        "apply statefulsets/gb-a in desk: spec.x: Required (HTTP 422)"
    )


def test_the_pause_that_is_asked_for_goes_along() -> None:
    for status in (429, 503):
        error = to_error(
            "get", PATH, read_refusal(status, {"Retry-After": "3"}, b""), compares=False
        )
        assert isinstance(error, TransientError)
        assert error.retry_after == timedelta(seconds=3)


@pytest.mark.parametrize(
    ("content", "want"),
    [
        (b"", Refusal(status=502, message="no message")),
        (b"404 page not found\n", Refusal(status=502, message="404 page not found")),
        (b"[1]", Refusal(status=502, message="[1]")),
        (b"\xff", Refusal(status=502, message="\N{REPLACEMENT CHARACTER}")),
        (body("m", details=[]), Refusal(status=502, message="m")),
        (body("m", details={"causes": ["x"]}), Refusal(status=502, message="m")),
        (
            body("m", reason="NotFound", details={"kind": "pods", "causes": [{"reason": "A"}]}),
            Refusal(
                status=502, message="m", reason="NotFound", kind="pods", causes=frozenset({"A"})
            ),
        ),
        (b"x" * 9999, Refusal(status=502, message="x" * 500)),
    ],
)
def test_any_body_is_read(content: bytes, want: Refusal) -> None:
    assert read_refusal(502, {"Retry-After": "Wed, 21 Oct 2026 07:28:00 GMT"}, content) == want


@pytest.mark.parametrize(
    ("path", "want"),
    [
        (PATH, "statefulsets/gb-a in desk"),
        (f"{PATH}/status", "statefulsets/gb-a/status in desk"),
        ("/api/v1/namespaces/desk/pods?limit=5", "pods in desk"),
        ("/api/v1/namespaces/desk", "namespaces/desk"),
        ("/api/v1/pods", "pods"),
        ("/apis/dantaro.io/v1alpha1/gridbots", "gridbots"),
        ("/version", "/version"),
    ],
)
def test_a_path_is_told_as_an_object(path: str, want: str) -> None:
    assert describe(path) == want
