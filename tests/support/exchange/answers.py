"""From a request to an answer, without HTTP: keys, limits, route, record."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qsl

from tests.support.exchange.calls import Call, Route
from tests.support.exchange.faults import Fault, FaultKind
from tests.support.exchange.jwt import body_query, raw_query
from tests.support.exchange.orders import Refusal
from tests.support.exchange.pockets import Pocket
from tests.support.exchange.private import PRIVATE_ROUTES
from tests.support.exchange.public import PUBLIC_ROUTES
from tests.support.exchange.wire import dump, error_body
from tests.support.exchange.world import Refused, World

__all__ = ["Answer", "Asked", "answer", "note_arrival"]

_ROUTES: dict[tuple[str, str], Route] = {**PUBLIC_ROUTES, **PRIVATE_ROUTES}


def _nowhere(call: Call) -> object:
    raise Refusal(404, 404, "no such route")


_NOWHERE = Route(handler=_nowhere, group="")


@dataclass(frozen=True, kw_only=True, slots=True)
class Asked:
    """A request as it came in.

    Attributes:
        query: As on the wire, percent-encoded.
        address: Whose public calls are counted together.
    """

    method: str
    path: str
    query: str
    body: bytes
    content_type: str
    authorization: str | None
    address: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """What goes back."""

    status: int
    body: str
    remaining: str | None = None


def note_arrival(world: World, asked: Asked) -> None:
    """Count a request that came in, whatever becomes of it."""
    world.calls[f"{asked.method} {asked.path}"] += 1
    if (asked.method, asked.path) != ("POST", "/v1/orders") or asked.authorization is None:
        return
    identifier = _identifier(asked)
    pocket = world.engine.pockets.get(world.gate.pocket_of(asked.authorization) or "")
    if pocket is not None and identifier is not None:
        pocket.posts[identifier] = pocket.posts.get(identifier, 0) + 1


def _identifier(asked: Asked) -> str | None:
    if asked.method == "POST":
        try:
            identifier = json.loads(asked.body).get("identifier")
        except (ValueError, AttributeError):
            return None
        return identifier if isinstance(identifier, str) else None
    return dict(parse_qsl(asked.query)).get("identifier")


def answer(world: World, asked: Asked, struck: Mapping[FaultKind, Fault]) -> Answer:
    """Return the answer to a request; what it asks for is done."""
    pocket: Pocket | None = None
    try:
        route = _ROUTES.get((asked.method, asked.path), _NOWHERE)
        params, query = _read(asked)
        now = world.feed.advance()
        if route.scope is not None:
            pocket = world.engine.pockets[world.gate.check(asked.authorization, query, route.scope)]
        whose = asked.address if pocket is None else f"pocket {pocket.name}"
        second = world.limit_seconds(now)
        left = world.limits.take(route.group, whose, second)
        _refuse_on_command(world, struck, pocket, asked, whose=whose, second=second)
        skew = struck.get(FaultKind.SKEW)
        created_at = now + timedelta(seconds=skew.seconds) if skew else now
        call = Call(
            world=world,
            params=params,
            now=now,
            created_at=created_at,
            struck=struck,
            pocket_=pocket,
        )
        payload = route.handler(call)
    except Refusal as refusal:
        world.refused.append(
            Refused(
                pocket=pocket.name if pocket else None,
                method=asked.method,
                path=asked.path,
                status=refusal.status,
                name=str(refusal.name),
                identifier=_identifier(asked),
            )
        )
        return Answer(status=refusal.status, body=error_body(refusal))
    body = dump(payload) if route.scope is None else json.dumps(payload)
    remaining = f"group={route.group}; min=1800; sec={left}"
    return Answer(status=route.status, body=body, remaining=remaining)


def _refuse_on_command(
    world: World,
    struck: Mapping[FaultKind, Fault],
    pocket: Pocket | None,
    asked: Asked,
    *,
    whose: str,
    second: float,
) -> None:
    if fault := struck.get(FaultKind.BANNED):
        world.limits.ban(whose, second, fault.seconds or None)
        world.limits.take("", whose, second)
    if FaultKind.RATE_LIMITED in struck:
        raise Refusal(429, "too_many_requests", "too many requests in this second")
    if FaultKind.MAINTENANCE in struck:
        raise Refusal(403, "market_offline", "the market is under maintenance")
    if fault := struck.get(FaultKind.REFUSE):
        identifier = _identifier(asked)
        if fault.burns_identifier and pocket is not None and identifier is not None:
            pocket.burned.add(identifier)
        raise Refusal(fault.status, fault.name, fault.message)


def _read(asked: Asked) -> tuple[dict[str, Any], str]:
    """Return the parameters and the query string that the hash has to stand for."""
    if asked.method == "POST":
        return _read_body(asked)
    if not asked.query:
        return {}, ""
    if ":" in asked.query or "+" in asked.query:
        raise Refusal(400, "invalid_parameter", "values have to be percent-encoded")
    params: dict[str, Any] = {}
    for name, value in parse_qsl(asked.query, keep_blank_values=True):
        if name.endswith("[]"):
            params.setdefault(name, []).append(value)
        else:
            params[name] = value
    return params, raw_query(asked.query)


def _read_body(asked: Asked) -> tuple[dict[str, Any], str]:
    if not asked.content_type.startswith("application/json"):
        raise Refusal(400, "invalid_parameter", "the body has to be application/json")
    try:
        body = json.loads(asked.body, parse_float=str, parse_int=str)
    except ValueError as error:
        raise Refusal(400, "invalid_parameter", "the body is no JSON") from error
    if not isinstance(body, dict):
        raise Refusal(400, "invalid_parameter", "the body is no object")
    return body, body_query(body)
