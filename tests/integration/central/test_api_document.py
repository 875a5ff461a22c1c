"""The OpenAPI document against the API of a real process."""

import json
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest
from pydantic import BaseModel

from dantaro_central.core import views
from dantaro_central.routes.examples import EXAMPLES
from dantaro_crds.wire.bundle import Bundle
from dantaro_crds.wire.problem import Problem
from dantaro_crds.wire.recommendations import Recommendations
from tests.support.candles import write_recording
from tests.support.central_process import CentralClient, central
from tests.support.processes import command_path

pytestmark = pytest.mark.integration

MODELS: dict[str, type[BaseModel]] = {
    "bundle": Bundle,
    "bundles": views.BatchAnswers,
    "candles": views.CandlePage,
    "data-quality": views.QualityList,
    "decisions": views.DecisionList,
    "indicators": views.IndicatorsView,
    "market-status": views.StatusView,
    "markets": views.MarketList,
    "recommendations": Recommendations,
    "support-levels": views.SupportLevelsView,
}

CHECKS = (
    "not_a_server_error,status_code_conformance,content_type_conformance,"
    "response_headers_conformance,response_schema_conformance,unsupported_method,ignored_auth"
)


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CentralClient]:
    folder = tmp_path_factory.mktemp("document")
    recording = folder / "recording"
    write_recording(recording, ["KRW-BTC", "KRW-XRP"], minutes=30, hours=300)
    options = ("--source", "replay", "--folder", str(recording), "--speed", "max")
    with central(folder, *options) as running:
        running.wait_until_ended()
        yield running


@pytest.fixture(scope="module")
def document(client: CentralClient) -> dict[str, Any]:
    answer: dict[str, Any] = client.get("/openapi.json").json()
    return answer


def test_generated_requests_find_no_answer_that_is_not_documented(client: CentralClient) -> None:
    command = [command_path("schemathesis"), "run", f"{client.url}/openapi.json"]
    command += ["--header", f"Authorization: Bearer {client.key}", "--checks", CHECKS]
    command += ["--max-examples", "12", "--phases", "examples,coverage,fuzzing"]
    command += ["--seed", "1", "--no-color", "--request-timeout", "10"]
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, timeout=55, cwd=client.folder
    )
    assert done.returncode == 0, done.stdout[-6000:]
    # Nothing that was sent may have been called a bug by the process itself.
    assert '"level": "error"' not in client.run.log.read_text()


def test_every_route_has_an_example_that_its_model_accepts(document: dict[str, Any]) -> None:
    seen = set()
    for path, methods in document["paths"].items():
        for operation in methods.values():
            for status, answer in operation["responses"].items():
                for content in answer.get("content", {}).values():
                    if path.startswith("/api/") or int(status) >= 400:
                        seen.add(json.dumps(content["example"], sort_keys=True))
    assert seen == {json.dumps(example, sort_keys=True) for example in EXAMPLES.values()}
    for name, example in EXAMPLES.items():
        model = Problem if name.startswith("problem-") else MODELS[name]
        model.model_validate_json(json.dumps(example))


def test_every_route_says_that_a_key_is_needed_and_what_refusals_look_like(
    document: dict[str, Any],
) -> None:
    guarded = {path: m for path, m in document["paths"].items() if path.startswith("/api/v1/")}
    assert len(guarded) == 9
    for methods in guarded.values():
        for operation in methods.values():
            assert operation["security"] == [{"key": []}]
            assert {"200", "401", "422", "429", "503"} <= set(operation["responses"])
            for status, answer in operation["responses"].items():
                if int(status) >= 400:
                    assert list(answer["content"]) == ["application/problem+json"]
