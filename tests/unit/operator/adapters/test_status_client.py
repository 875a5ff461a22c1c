import httpx
import pytest

from dantaro_crds.v1alpha1.resource import dump
from dantaro_crds.values import utc_text
from dantaro_operator.adapters.status_client import HttpStatusClient
from tests.support.bots import NOW, make_report

pytestmark = pytest.mark.unit

REPORT = make_report()
HEALTH = {
    "status": "ok",
    "version": "0",
    "source": {"name": "simulated", "live": False},
    "marketTime": utc_text(NOW),
    "fieldOfALaterVersion": 1,
}


def answer(request: httpx.Request) -> httpx.Response:
    match request.url.path:
        case "/status":
            return httpx.Response(200, json=dump(REPORT) | {"fieldOfALaterVersion": 1})
        case "/health":
            return httpx.Response(200, json=HEALTH)
        case "/slow":
            raise httpx.ReadTimeout("slow")
        case _:
            return httpx.Response(200, content=b"nonsense")


@pytest.fixture
def client() -> HttpStatusClient:
    return HttpStatusClient(httpx.AsyncClient(transport=httpx.MockTransport(answer)))


async def test_only_bots_that_answer_are_reported(client: HttpStatusClient) -> None:
    urls = {REPORT.uid: "http://x/status", "slow": "http://x/slow", "odd": "http://x/odd"}
    assert await client.fetch_reports(urls) == {REPORT.uid: REPORT}


async def test_the_report_of_another_bot_on_an_old_port_is_left_aside(
    client: HttpStatusClient,
) -> None:
    assert await client.fetch_reports({"somebody-else": "http://x/status"}) == {}


async def test_health_is_read_and_its_absence_is_none(client: HttpStatusClient) -> None:
    health = await client.fetch_health("http://x")
    assert health is not None
    assert health.market_time == NOW
    assert await client.fetch_health("http://x/nothing") is None
