"""Modules that libraries load for any eventuality and that a bot does without (ADR 0004).

None in `sys.modules` makes an import fail as if the module were not installed, and each library
here handles that. Only the bot's own process leaves anything out, before it imports the rest.
"""

import sys

__all__ = ["bring_back_tls", "leave_out"]

_UNUSED = ("httpx._main", "rich", "bz2", "lzma")
"""httpx and structlog load click, rich and pygments where they are installed: 5 MiB. shutil loads
the formats of archives that no bot opens: 0.3 MiB."""

_TLS = ("ssl", "_hashlib")
"""OpenSSL, which asyncio and hashlib load: 4.5 MiB. hashlib has its own md5 and sha."""


def leave_out() -> None:
    """Keep the modules out of this process, but for those that it has loaded already."""
    for name in (*_UNUSED, *_TLS):
        sys.modules.setdefault(name, None)  # type: ignore[arg-type]  # None stops an import


def bring_back_tls() -> None:
    """Let OpenSSL be imported from now on. Twice is as once.

    asyncio's own TLS stays without it: `adapters/tls.py` drives `ssl` itself.
    """
    for name in _TLS:
        if name in sys.modules and sys.modules[name] is None:
            del sys.modules[name]
