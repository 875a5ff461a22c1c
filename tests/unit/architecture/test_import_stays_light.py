"""What each process may load: a fresh interpreter tells."""

import subprocess
import sys

import pytest

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("module", "banned"),
    [
        pytest.param(
            "dantaro_runtime.bootstrap",
            "kopf kubernetes fastapi uvicorn numpy pandas ccxt alembic pydantic_settings yaml "
            "dantaro_crds.schema dantaro_crds.v1alpha1.grid_bot dantaro_crds.v1alpha1.allocation",
            id="a-bot",
        ),
        pytest.param("dantaro_operator.cli", "kopf aiohttp httpx rich pydantic_settings", id="cli"),
        pytest.param(
            "dantaro_operator.commands.local",
            "kopf aiohttp kubernetes numpy pandas ccxt",
            id="local-mode",
        ),
        pytest.param(
            "dantaro_operator.commands.cluster",
            "kubernetes httpx sqlalchemy fastapi numpy pandas ccxt",
            id="operator",
        ),
        pytest.param(
            "dantaro_central.bootstrap",
            "kopf kubernetes numpy pandas talib apscheduler openai ccxt",
            id="central",
        ),
    ],
)
def test_import_stays_light(module: str, banned: str) -> None:
    code = f"import sys, {module}; print(*[m for m in {banned.split()!r} if m in sys.modules])"
    run = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=30
    )
    assert (run.returncode, run.stdout.strip(), run.stderr) == (0, "", "")
