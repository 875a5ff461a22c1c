"""What a real API server says of an object, and whether it says what a case of the corpus wants."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import httpx

from dantaro_crds.v1alpha1 import API_VERSION
from dantaro_crds.v1alpha1.kinds import KINDS
from tests.support.cluster import Cluster
from tests.support.corpus import Case, Mistake

__all__ = ["Judge", "ServerVerdict", "is_about"]

_STRICT = {"fieldValidation": "Strict"}
"""What kubectl asks for."""

_DRY = {**_STRICT, "dryRun": "All"}


@dataclass(frozen=True, kw_only=True)
class ServerVerdict:
    """What the server says.

    Attributes:
        accepted: Whether it takes the object.
        causes: (field, message) of each thing that is wrong; the field is empty where it names
            none.
        kept: The object with its defaults, as it would be kept; empty when refused.
    """

    accepted: bool
    causes: tuple[tuple[str, str], ...] = ()
    kept: Mapping[str, Any]

    def says(self, mistake: Mistake) -> bool:
        """Whether one of the causes is this mistake."""
        return any(
            mistake.server is not None and mistake.server in text and is_about(field, mistake.field)
            for field, text in self.causes
        )


def is_about(server_field: str, our_field: str) -> bool:
    """Whether two paths name the same field, or one a part of the other.

    The server leaves out positions, and keys of labels, that we name.
    """
    theirs, ours = (re.sub(r"\[[^\]]*\]", "", path) for path in (server_field, our_field))
    shorter, longer = sorted((theirs, ours), key=len)
    return not shorter or f"{longer}.".startswith(f"{shorter}.")


@dataclass(frozen=True, kw_only=True)
class Judge:
    """Asks an API server for its verdict; nothing is left behind."""

    cluster: Cluster
    namespace: str

    def judge(self, case: Case) -> ServerVerdict:
        """Return the verdict on a case of the corpus, as kubectl would get it."""
        if case.old is not None:
            return self.judge_change(case.old, case.document)
        headers = {"Content-Type": "application/yaml"}
        text = case.text.replace("namespace: default", f"namespace: {self.namespace}")
        return _verdict(
            self.cluster.api.post(
                self._path(case.document), params=_DRY, headers=headers, content=text.encode()
            )
        )

    def judge_new(self, document: Mapping[str, Any]) -> ServerVerdict:
        """Return the verdict on an object that is created."""
        return _verdict(self._send("POST", self._path(document), document, _DRY))

    def judge_change(self, old: Mapping[str, Any], new: Mapping[str, Any]) -> ServerVerdict:
        """Return the verdict on a change; the old object must be right."""
        before = self._send("POST", self._path(old), old, _STRICT)
        assert before.is_success, before.text
        path = f"{self._path(old)}/{old['metadata']['name']}"
        try:
            version = before.json()["metadata"]["resourceVersion"]
            metadata = {**new["metadata"], "resourceVersion": version}
            return _verdict(self._send("PUT", path, {**new, "metadata": metadata}, _DRY))
        finally:
            self.cluster.api.delete(path).raise_for_status()

    def _send(
        self, method: str, path: str, document: Mapping[str, Any], params: Mapping[str, str]
    ) -> httpx.Response:
        headers = {"Content-Type": "application/json"}
        content = json.dumps(document).encode()
        return self.cluster.api.request(
            method, path, params=dict(params), headers=headers, content=content
        )

    def _path(self, document: Mapping[str, Any]) -> str:
        """Return where an object belongs by its own words, as a client finds it."""
        kind, version = document.get("kind"), document.get("apiVersion")
        name = kind if isinstance(kind, str) else "GridBot"
        plural = KINDS[name].info.plural if name in KINDS else f"{name.lower().rstrip('s')}s"
        group = version if isinstance(version, str) and "/" in version else API_VERSION
        return quote(f"/apis/{group}/namespaces/{self.namespace}/{plural}")


def _verdict(answer: httpx.Response) -> ServerVerdict:
    """Read an answer; the note that not everything was checked is no cause."""
    assert answer.status_code < 500, answer.text
    if answer.is_success:
        return ServerVerdict(accepted=True, kept=answer.json())
    if not answer.headers["Content-Type"].startswith("application/json"):
        return ServerVerdict(accepted=False, causes=(("", answer.text),), kept={})
    said = answer.json()
    causes = tuple(
        (cause.get("field", ""), cause.get("message", ""))
        for cause in said.get("details", {}).get("causes", ())
        if cause.get("field") != "<nil>"
    )
    return ServerVerdict(accepted=False, causes=causes or (("", said["message"]),), kept={})
