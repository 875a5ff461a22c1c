"""What a bot imports from here must stay light: its memory is a headline figure."""

import subprocess
import sys

import pytest

pytestmark = pytest.mark.unit

WIRE = "dantaro_crds.wire.bot_config, dantaro_crds.wire.bot_status, dantaro_crds.wire.bundle"
HEAVY = (
    "dantaro_crds.schema",
    "dantaro_crds.v1alpha1.allocation",
    "dantaro_crds.v1alpha1.bot_common",
    "dantaro_crds.v1alpha1.conditions",
    "dantaro_crds.v1alpha1.grid_bot",
    "dantaro_crds.v1alpha1.kinds",
    "dantaro_crds.v1alpha1.resource",
    "dantaro_crds.v1alpha1.trading_bot",
    "httpx",
    "kopf",
    "structlog",
    "yaml",
)


def modules_after(statement: str) -> set[str]:
    code = f"import sys\n{statement}\nprint(*sorted(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def test_the_wire_needs_no_kind_and_no_generator() -> None:
    assert modules_after(f"import {WIRE}") & set(HEAVY) == set()


def test_validation_needs_no_yaml() -> None:
    loaded = modules_after("import dantaro_crds.schema.validation")
    assert loaded & {"yaml", "kopf", "kubernetes", "httpx"} == set()
