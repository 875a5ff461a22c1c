"""Local mode must run on a machine without any Kubernetes package."""

import subprocess
import sys

import pytest

pytestmark = pytest.mark.unit

FORBIDDEN = ("kopf", "kubernetes", "fastapi", "sqlalchemy", "numpy", "pandas", "ccxt")


def test_import_stays_light() -> None:
    code = (
        "import sys, dantaro_operator.cli\n"
        f"print([name for name in {FORBIDDEN!r} if name in sys.modules])"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=30
    )
    assert result.stdout.strip() == "[]"
