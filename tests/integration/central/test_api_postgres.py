"""The API on PostgreSQL: answers while the server is gone, and by itself again afterwards."""

from pathlib import Path

import pytest

from tests.support.candles import write_recording
from tests.support.central_process import central
from tests.support.eventually import eventually
from tests.support.postgres import Postgres

pytestmark = pytest.mark.integration

BUNDLE = "/api/v1/bundle"


def test_remembered_pages_are_served_while_the_database_is_gone(
    postgres: Postgres, tmp_path: Path
) -> None:
    recording = tmp_path / "recording"
    write_recording(recording, ["KRW-BTC", "KRW-XRP"], minutes=30, hours=300)
    url = postgres.url(postgres.new_database()).replace("postgresql:", "postgresql+psycopg:")
    database = ("--database-url", url)
    replay = ("--source", "replay", "--folder", str(recording), "--speed", "max")
    with central(tmp_path / "all", *database, *replay) as worker:
        worker.wait_until_ended()
    with central(tmp_path / "api", *database, role="api") as client:
        known = client.get(BUNDLE, symbol="KRW-BTC")
        assert known.status_code == 200
        postgres.stop()
        try:
            for _ in range(20):
                assert client.get(BUNDLE, symbol="KRW-BTC").content == known.content
            unknown = client.get(BUNDLE, symbol="KRW-XRP")
            assert (unknown.status_code, unknown.json()["code"]) == (503, "DatabaseDown")
            assert int(unknown.headers["Retry-After"]) >= 1
            health = client.get("/health")
            assert health.status_code == 200
            assert health.json()["status"] == "the database does not answer"
            assert client.get("/ready").status_code == 503
            assert str(postgres.port) not in unknown.text
        finally:
            postgres.start()
        eventually(lambda: client.get(BUNDLE, symbol="KRW-XRP").status_code == 200)
        eventually(lambda: client.get("/ready").status_code == 200)
