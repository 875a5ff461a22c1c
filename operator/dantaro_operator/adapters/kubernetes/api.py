"""A thin client of the API server for the hot path.

Objects are dicts as JSON gives them; paths are those of the API, such as
`/apis/apps/v1/namespaces/NAMESPACE/statefulsets/NAME`.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from typing import Any, Self
from urllib.parse import quote, urlencode

from dantaro_crds.kit.clock import Clock
from dantaro_operator.adapters.kubernetes.answers import Refusal
from dantaro_operator.adapters.kubernetes.credentials import Credentials
from dantaro_operator.adapters.kubernetes.listing import Listing
from dantaro_operator.adapters.kubernetes.transport import ApiLimits, Call, Observed, Transport

__all__ = ["FIELD_MANAGER", "KubernetesApi", "Object", "Propagation"]

Object = dict[str, Any]
"""A Kubernetes object as JSON gives it."""

FIELD_MANAGER = "dantaro-operator"
"""Owner of the fields that we set; under another name the fields of the old one would stay."""

_ENCODER = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False)

_JSON = "application/json"

_METADATA_LIST = f"{_JSON};as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"

_AS_US = f"fieldManager={FIELD_MANAGER}"


class Propagation(StrEnum):
    """What becomes of an object's dependents when it is deleted."""

    BACKGROUND = "Background"
    FOREGROUND = "Foreground"
    ORPHAN = "Orphan"


class KubernetesApi:
    """Reads and writes objects.

    Every call raises AuthenticationError (401, 403), SpecError (the server refused the content),
    TransientError (no answer, or a failure of the server, after all attempts; RateLimitedError if
    it asked for fewer calls) and NotFoundError (no such object or namespace, or a kind that the
    server does not know: a CRD is not installed); writes also NotLeadingError.
    """

    def __init__(
        self,
        credentials: Credentials,
        *,
        may_write: Callable[[], bool],
        limits: ApiLimits | None = None,
        observed: Observed | None = None,
        clock: Clock | None = None,
    ) -> None:
        """Keep what the calls need; `async with` opens the session.

        Args:
            credentials: Whom we talk to, and as whom.
            may_write: Asked each time at the moment when a write goes out.
            limits: Connections, times, retries.
            observed: Told of every attempt.
            clock: Where pauses between attempts come from.
        """
        self._transport = Transport(
            credentials,
            may_write=may_write,
            limits=limits or ApiLimits(),
            observed=observed,
            clock=clock,
        )

    async def __aenter__(self) -> Self:
        """Open the session."""
        await self._transport.__aenter__()
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close the session; calls that are under way end with an error."""
        await self._transport.__aexit__()

    async def get(self, path: str) -> Object | None:
        """Return an object; None if it does not exist."""
        call = Call(verb="get", method="GET", path=path)
        return self._found(call, await self._transport.ask(call))

    def list(
        self, path: str, *, selector: str = "", page: int = 500, metadata_only: bool = False
    ) -> Listing:
        """Return the objects of a collection, to be read with `async for`.

        Args:
            path: Without a namespace: those of all namespaces.
            selector: Labels that they have, such as `app=x,tier!=y`.
            page: So many are asked for at a time.
            metadata_only: Whether spec and status are left out.
        """

        async def fetch(token: str) -> Object:
            wanted = {"limit": str(page), "labelSelector": selector, "continue": token}
            query = urlencode(
                {key: value for key, value in wanted.items() if value}, quote_via=quote
            )
            return await self._transport.make(
                Call(
                    verb="list",
                    method="GET",
                    path=path,
                    query=query,
                    accept=_METADATA_LIST if metadata_only else _JSON,
                )
            )

        return Listing(fetch)

    async def apply(self, path: str, manifest: Mapping[str, Any]) -> Object:
        """Make an object hold what the manifest says, and return it.

        Fields that others own are taken from them; what our manifest before had and this one lacks
        is removed.
        """
        return await self._transport.make(
            Call(
                verb="apply",
                method="PATCH",
                path=path,
                query=f"{_AS_US}&force=true",
                content=_encode(manifest),
                content_type="application/apply-patch+yaml",
            )
        )

    async def merge_patch(
        self, path: str, patch: Mapping[str, Any], *, subresource: str = ""
    ) -> Object:
        """Set fields, remove those that are None, and return the object; lists are replaced whole.

        Args:
            path: The object's.
            patch: With `metadata.resourceVersion` it holds for that version only.
            subresource: Such as `status`.

        Raises:
            ConflictError: It has another version.
        """
        compares = "resourceVersion" in patch.get("metadata", ())
        return await self._transport.make(
            Call(
                verb="patch",
                method="PATCH",
                path=_below(path, subresource),
                query=_AS_US,
                content=_encode(patch),
                content_type="application/merge-patch+json",
                repeatable=not compares,
                compares=compares,
            )
        )

    async def json_patch(
        self, path: str, operations: Sequence[Mapping[str, Any]], *, subresource: str = ""
    ) -> Object:
        """Carry out the operations of RFC 6902, all or none, and return the object.

        Raises:
            ConflictError: It is not as the patch expects it.
        """
        return await self._transport.make(
            Call(
                verb="patch",
                method="PATCH",
                path=_below(path, subresource),
                query=_AS_US,
                content=_encode(operations),
                content_type="application/json-patch+json",
                repeatable=False,
                compares=True,
            )
        )

    async def create(self, path: str, manifest: Mapping[str, Any]) -> Object:
        """Create an object in a collection and return it.

        Raises:
            ConflictError: It exists. After a TransientError it may have been created.
        """
        return await self._transport.make(_write("create", "POST", path, manifest))

    async def replace(self, path: str, manifest: Mapping[str, Any]) -> Object:
        """Put a whole object in place of the version in its `metadata`, and return it.

        Raises:
            ConflictError: It has another version. After a TransientError it may have been replaced.
        """
        return await self._transport.make(_write("replace", "PUT", path, manifest))

    async def delete(
        self, path: str, *, propagation: Propagation = Propagation.BACKGROUND, uid: str = ""
    ) -> bool:
        """Delete an object. Twice is the same as once.

        Args:
            path: The object's.
            propagation: What becomes of its dependents.
            uid: Only the object with this one, not one that has its name by now.

        Returns:
            Whether there was one; it may go later, when its finalizers are done.

        Raises:
            ConflictError: The object has another uid.
        """
        options: Object = {
            "apiVersion": "v1",
            "kind": "DeleteOptions",
            "propagationPolicy": propagation,
        } | ({"preconditions": {"uid": uid}} if uid else {})
        call = Call(
            verb="delete",
            method="DELETE",
            path=path,
            content=_encode(options),
            compares=bool(uid),
        )
        return self._found(call, await self._transport.ask(call)) is not None

    @staticmethod
    def _found(call: Call, answer: Object | Refusal) -> Object | None:
        """Tell an object that does not exist from a kind that the server does not know."""
        if not isinstance(answer, Refusal):
            return answer
        if answer.kind:
            return None
        raise call.to_error(answer)


def _write(verb: str, method: str, path: str, manifest: Mapping[str, Any]) -> Call:
    return Call(
        verb=verb,
        method=method,
        path=path,
        query=_AS_US,
        content=_encode(manifest),
        repeatable=False,
        compares=True,
    )


def _below(path: str, subresource: str) -> str:
    return f"{path}/{subresource}" if subresource else path


def _encode(content: Mapping[str, Any] | Sequence[Mapping[str, Any]]) -> bytes:
    return _ENCODER.encode(content).encode()
