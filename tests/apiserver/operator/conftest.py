"""A client of ours on the tests' API server."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from dantaro_operator.adapters.kubernetes.api import KubernetesApi
from dantaro_operator.adapters.kubernetes.credentials import Credentials, load_credentials


@pytest.fixture
def credentials(kubeconfig: Path) -> Credentials:
    return load_credentials(kubeconfig)


@pytest.fixture
async def api(credentials: Credentials) -> AsyncIterator[KubernetesApi]:
    """Writes at any time."""
    async with KubernetesApi(credentials, may_write=lambda: True) as opened:
        yield opened
