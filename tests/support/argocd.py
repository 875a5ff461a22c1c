"""Argo CD's way to run a health check: Lua 5.1 with next to no library, one object in `obj`."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lupa.lua51 import LuaRuntime  # type: ignore[import-untyped]  # it ships no types

__all__ = ["HEALTH_LUA", "Health", "judge"]

HEALTH_LUA = Path(__file__).parents[2] / "docs" / "gitops" / "argocd" / "health.lua"
"""The check that users put into Argo CD."""

_WITHOUT_LIBRARIES = """
debug.setmetatable("", nil)
for _, name in ipairs({"coroutine", "debug", "io", "math", "os", "python", "string"}) do
  _G[name] = nil
end
"""
"""What Argo CD does not hand to a check from its ConfigMap; it has an `os` without commands."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """A verdict.

    Attributes:
        status: Healthy, Progressing, Degraded or Suspended.
        message: What the user interface shows beside it.
    """

    status: str
    message: str


def judge(document: Mapping[str, Any]) -> Health:
    """Return the verdict of our check over an object as an API server gives it."""
    lua = LuaRuntime(register_eval=False, register_builtins=False)
    lua.execute(_WITHOUT_LIBRARIES)
    lua.globals().obj = lua.table_from(document, recursive=True)
    answer = lua.execute(HEALTH_LUA.read_text())
    assert set(answer) == {"status", "message"}, f"Argo CD reads two fields, found {set(answer)}"
    return Health(status=answer["status"], message=answer["message"])
