"""What a bot must never load: its memory is a headline figure."""

import os
import subprocess
import sys

import pytest

pytestmark = pytest.mark.unit

HEAVY = ("kopf", "kubernetes", "fastapi", "numpy", "pandas", "ccxt", "alembic", "rich", "click")
BESIDES = ("ssl", "_ssl", "_hashlib", "httpcore", "anyio", "prometheus_client", "sqlalchemy.orm")


def in_fresh_interpreter(code: str) -> str:
    # Not measured: coverage would load hashlib, and with it OpenSSL, before the code runs.
    env = {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE")}
    result = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        timeout=30,
        env=env,
    )
    return result.stdout.strip()


def test_import_stays_light() -> None:
    names = (*HEAVY, *BESIDES)
    code = (
        "import sys; from dantaro_runtime.left_out import leave_out; leave_out()\n"
        "import dantaro_runtime.bootstrap\n"
        f"print([name for name in {names!r} if sys.modules.get(name)])"
    )
    assert in_fresh_interpreter(code) == "[]"


def test_without_the_live_mode_no_real_exchange_is_loaded() -> None:
    code = (
        "import sys, dantaro_runtime.bootstrap\n"
        "print([n for n in sys.modules if n.startswith('dantaro_runtime.adapters.exchanges.')])"
    )
    loaded = in_fresh_interpreter(code)
    assert "exchanges.paper" in loaded
    assert "upbit" not in loaded
    assert "ccxt" not in loaded


def test_the_command_line_loads_nothing_before_it_leaves_out() -> None:
    code = "import sys, dantaro_runtime.cli; print('ssl' in sys.modules, 'httpx' in sys.modules)"
    assert in_fresh_interpreter(code) == "False False"


def test_what_is_loaded_already_stays() -> None:
    code = (
        "import ssl, sys; from dantaro_runtime.left_out import leave_out; leave_out()\n"
        "print(sys.modules['ssl'] is ssl)"
    )
    assert in_fresh_interpreter(code) == "True"


def test_tls_comes_back() -> None:
    code = (
        "from dantaro_runtime import left_out; left_out.leave_out(); import asyncio, hashlib\n"
        "left_out.bring_back_tls(); left_out.bring_back_tls(); import ssl\n"
        "print(bool(ssl.create_default_context()))"
    )
    assert in_fresh_interpreter(code) == "True"
