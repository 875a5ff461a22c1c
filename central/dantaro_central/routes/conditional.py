"""Answers with an entity tag, and the short answer for those who have them already."""

from fastapi import Request, Response

from dantaro_central.services.market_data import Page

__all__ = ["to_response"]


def to_response(request: Request, page: Page) -> Response:
    """Return a page, or 304 when the request names its tag in `If-None-Match`."""
    headers = {"ETag": page.etag, "Cache-Control": "no-cache"}
    known = request.headers.get("If-None-Match", "")
    if any(tag.strip().removeprefix("W/") in {page.etag, "*"} for tag in known.split(",")):
        return Response(status_code=304, headers=headers)
    return Response(page.body, headers=headers, media_type="application/json")
