"""Whatever a language model's server does, an advice comes out, and the budget holds."""

import hashlib
import json
import logging
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dantaro_central.adapters.analyst.openai import (
    PROMPT_VERSION,
    OpenAiAnalyst,
    load_prompt,
    open_client,
)
from dantaro_central.core.analyst.budget import Budget, Prices
from dantaro_central.core.analyst.decisions import Advice, AdviceAction
from dantaro_central.core.analyst.inputs import inputs_json
from dantaro_crds.kit.clock import SystemClock
from tests.support.analyst import make_inputs
from tests.support.clock import StepClock
from tests.support.openai_server import OpenAiServer, Reply, completion, openai_server, says

pytestmark = pytest.mark.integration

PRICES = Prices(prompt=Decimal(1), answer=Decimal(10))
ZERO = Decimal(0)


@pytest.fixture
def server() -> Iterator[OpenAiServer]:
    with openai_server() as model:
        yield model


class Asking:
    """Makes analysts of the server; closes what they opened."""

    def __init__(self, server: OpenAiServer, stack: AsyncExitStack) -> None:
        self.server = server
        self.stack = stack
        self.clock = StepClock()

    async def ask(
        self,
        *replies: Reply,
        within: float = 5.0,
        budget: Budget | None = None,
        url: str = "",
        key: str = "sk-secret-key",
    ) -> Advice:
        """Return the advice on a rising market."""
        self.server.replies.extend(replies)
        client = open_client(url=url or self.server.url, key=key, timeout=within)
        analyst = OpenAiAnalyst(
            await self.stack.enter_async_context(client),
            model="test-model",
            prices=PRICES,
            budget=budget or Budget(calls=100, dollars=Decimal(10)),
            timeout=within,
            clock=self.clock,
        )
        return await analyst.decide(make_inputs())


@pytest.fixture
async def asking(server: OpenAiServer) -> AsyncIterator[Asking]:
    async with AsyncExitStack() as stack:
        yield Asking(server, stack)


async def test_the_model_is_asked_once_with_the_figures_and_the_schema(asking: Asking) -> None:
    advice = await asking.ask(says("Sell", 0.81234567, "RSI  falls\nbelow 50"))
    assert (advice.action, advice.confidence) == (AdviceAction.SELL, Decimal("0.8123"))
    assert advice.reason == "RSI falls below 50"
    assert advice.cost == Decimal("0.002")  # 1,000 tokens at 1 and 100 at 10 US dollars a million
    (request,) = asking.server.requests
    assert request["temperature"] == 0
    assert request["model"] == "test-model"
    assert request["messages"][0] == {"role": "system", "content": load_prompt()}
    assert request["messages"][1] == {"role": "user", "content": inputs_json(make_inputs())}
    schema = request["response_format"]["json_schema"]
    assert schema["strict"] is True
    assert schema["schema"]["properties"]["action"]["enum"] == ["Buy", "Sell", "Hold"]
    assert asking.server.paths == ["/v1/chat/completions"]
    assert asking.server.keys == ["Bearer sk-secret-key"]


def decision(**changed: Any) -> Reply:
    """Return a decision with a field that is changed, or left out when it is None."""
    said = {"action": "Buy", "confidence": 0.8, "reason": "x"} | changed
    return completion(
        json.dumps({name: value for name, value in said.items() if value is not None})
    )


WRONG_FIELD = "expected action, confidence 0..1 and reason as JSON, {} is wrong"


@pytest.mark.parametrize(
    ("reply", "want"),
    [
        pytest.param(completion("Buy! Buy now!"), WRONG_FIELD.format("the JSON"), id="prose"),
        pytest.param(completion('{"action":"Buy",'), WRONG_FIELD.format("the JSON"), id="cut-json"),
        pytest.param(completion("[]"), WRONG_FIELD.format("the JSON"), id="a-list"),
        pytest.param(decision(action="Strong Buy"), WRONG_FIELD.format("action"), id="action"),
        pytest.param(decision(action=None), WRONG_FIELD.format("action"), id="no-action"),
        pytest.param(decision(confidence=1.2), WRONG_FIELD.format("confidence"), id="too-sure"),
        pytest.param(decision(confidence=-0.1), WRONG_FIELD.format("confidence"), id="negative"),
        pytest.param(decision(confidence=float("nan")), WRONG_FIELD.format("confidence"), id="nan"),
        pytest.param(decision(confidence="high"), WRONG_FIELD.format("confidence"), id="a-word"),
        pytest.param(decision(reason=None), WRONG_FIELD.format("reason"), id="no-reason"),
        pytest.param(decision(size="all"), WRONG_FIELD.format("size"), id="one-field-more"),
        pytest.param(completion(None), "its answer is empty", id="no-content"),
        pytest.param(completion(""), "its answer is empty", id="empty-content"),
        pytest.param(completion(None, refusal="I cannot"), "it refused to answer", id="refusal"),
        pytest.param(Reply(body=b'{"choices":[]}'), "its answer holds no choice", id="no-choice"),
        pytest.param(Reply(body=b"{}"), "its answer is no chat completion", id="empty-object"),
        pytest.param(Reply(body=b""), "its answer is no chat completion", id="nothing"),
        pytest.param(
            Reply(body=b"<html>\xff\xfe</html>"), "its answer is no chat completion", id="html"
        ),
        pytest.param(
            Reply(body=b'data: {"choices":[{"delta":{}}]}\n\ndata: [DONE]\n\n'),
            "its answer is no chat completion",
            id="a-stream",
        ),
        pytest.param(
            Reply(body=b"[" * 200_000), "its answer is no chat completion", id="deep-nesting"
        ),
        pytest.param(Reply(status=400), "the server answered 400", id="bad-request"),
        pytest.param(Reply(status=401), "the server answered 401; check the key", id="wrong-key"),
        pytest.param(
            Reply(status=404),
            "the server answered 404; check the model and the URL",
            id="unknown-model",
        ),
        pytest.param(
            Reply(status=302, headers={"Location": "http://127.0.0.1:1/"}),
            "the server answered 302",
            id="redirect",
        ),
    ],
)
async def test_a_wrong_answer_is_hold_with_the_reason_and_not_asked_again(
    asking: Asking, reply: Reply, want: str
) -> None:
    advice = await asking.ask(reply)
    assert (advice.action, advice.confidence) == (AdviceAction.HOLD, Decimal(0))
    assert advice.reason == f"no advice of test-model: {want}"
    assert len(asking.server.requests) == 1


@pytest.mark.parametrize(
    "reply",
    [
        pytest.param(Reply(body=b'{"choices":[{"mess', sent=10), id="in-the-body"),
        pytest.param(Reply(body=b"x" * 100, sent=0), id="before-the-body"),
        pytest.param(
            Reply(body=b"no gzip", headers={"Content-Encoding": "gzip"}), id="wrong-encoding"
        ),
    ],
)
async def test_a_cut_connection_is_hold_and_counts_as_paid(asking: Asking, reply: Reply) -> None:
    advice = await asking.ask(reply)
    assert advice.action is AdviceAction.HOLD
    assert "the connection failed" in advice.reason
    assert advice.cost > ZERO
    assert len(asking.server.requests) == 1


async def test_a_server_that_is_not_there_is_hold(asking: Asking) -> None:
    advice = await asking.ask(url="http://127.0.0.1:1/v1")
    assert "the connection failed (APIConnectionError)" in advice.reason


@pytest.mark.parametrize("held", [Reply(is_held=True), Reply(body=b"x", is_endless=True)])
async def test_a_slow_or_endless_answer_ends(asking: Asking, held: Reply) -> None:
    advice = await asking.ask(held, within=0.3)
    assert advice.action is AdviceAction.HOLD
    assert "within 0.3 s" in advice.reason or "longer than" in advice.reason


async def test_a_busy_server_is_asked_again_after_the_pause_it_asks_for(asking: Asking) -> None:
    busy = Reply(status=429, headers={"Retry-After": "3"})
    advice = await asking.ask(busy, Reply(status=503), says("Buy", 0.9), within=10)
    assert (advice.action, advice.confidence) == (AdviceAction.BUY, Decimal("0.9"))
    assert len(asking.server.requests) == 3
    assert asking.clock.seconds >= 3
    assert advice.cost == Decimal("0.002")  # what is refused costs nothing


async def test_a_server_that_stays_busy_is_asked_three_times(asking: Asking) -> None:
    advice = await asking.ask(*[Reply(status=500)] * 5)
    assert advice.reason == "no advice of test-model: the server answered 500 to 3 tries"
    assert len(asking.server.requests) == 3


@pytest.mark.parametrize("pause", ["60", "9" * 400])
async def test_a_pause_beyond_the_time_limit_is_not_waited_for(asking: Asking, pause: str) -> None:
    advice = await asking.ask(Reply(status=429, headers={"Retry-After": pause}))
    assert advice.reason == "no advice of test-model: the server answered 429"
    assert asking.clock.seconds == 0


@pytest.mark.parametrize(
    ("budget", "want"),
    [
        pytest.param(Budget(calls=2, dollars=Decimal(1)), "2 calls an hour is used up", id="calls"),
        pytest.param(
            Budget(calls=9, dollars=Decimal("0.012")), "US dollars an hour is used up", id="dollars"
        ),
    ],
)
async def test_beyond_the_budget_nobody_is_asked(asking: Asking, budget: Budget, want: str) -> None:
    asking.server.usual = completion(
        '{"action":"Buy","confidence":0.8,"reason":"x"}', completion_tokens=400
    )
    said = [await asking.ask(budget=budget) for _ in range(4)]
    assert [advice.action for advice in said[:2]] == ["Buy", "Buy"]
    assert all(want in advice.reason for advice in said[2:])
    assert len(asking.server.requests) == 2
    assert sum(advice.cost for advice in said) <= Decimal("0.012")


async def test_tries_count_as_calls_of_the_budget(asking: Asking) -> None:
    advice = await asking.ask(*[Reply(status=503)] * 3, budget=Budget(calls=2, dollars=Decimal(1)))
    assert "2 calls an hour is used up" in advice.reason
    assert len(asking.server.requests) == 2


async def test_a_long_or_unprintable_reason_is_cut_and_cleaned(asking: Asking) -> None:
    advice = await asking.ask(says("Hold", 0.5, "a\x00\x1b[31m\u202eb " + "x" * 1000))
    assert advice.reason.isprintable()
    assert len(advice.reason) == 300
    assert advice.reason.startswith("a [31m b xxx")


async def test_neither_key_nor_prompt_is_logged(
    asking: Asking, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    advice = await asking.ask(Reply(status=401, body=b'{"error":"key sk-secret-key is wrong"}'))
    await asking.ask(Reply(body=b"{}", sent=1))
    text = caplog.text + advice.reason
    assert "sk-secret-key" not in text
    assert "supportLevels" not in text


def test_the_text_of_a_prompt_never_changes_without_its_version() -> None:
    known = {"v1": "310b1bddc88df57803ec60acb4403986b2456d9f995b5af44e36df7e59a19fdc"}
    assert hashlib.sha256(load_prompt().encode()).hexdigest() == known[PROMPT_VERSION], (
        "the prompt's text changed: give it a new file and version, and add its hash here"
    )


ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["choices", "message", "content", "usage", "action", "confidence", "reason", "x"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)
ANY_REPLY = st.builds(
    Reply,
    status=st.sampled_from([200, 200, 200, 204, 301, 400, 403, 418, 429, 500, 599]),
    body=st.one_of(
        st.binary(max_size=200),
        ANY_JSON.map(lambda value: json.dumps(value).encode()),
        ANY_JSON.map(lambda value: completion(json.dumps(value)).body),
    ),
    sent=st.none() | st.integers(0, 50),
)


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(st.lists(ANY_REPLY, min_size=1, max_size=3))
async def test_whatever_the_server_answers_an_advice_comes_out(
    server: OpenAiServer, replies: list[Reply]
) -> None:
    server.replies.clear()
    server.usual = Reply(status=500)
    async with AsyncExitStack() as stack:
        advice = await Asking(server, stack).ask(*replies)
    assert 0 <= advice.confidence <= 1
    assert advice.reason
    assert advice.action in set(AdviceAction)


async def test_the_real_clock_measures_how_long_it_took(server: OpenAiServer) -> None:
    async with open_client(url=server.url, key="", timeout=5) as client:
        analyst = OpenAiAnalyst(
            client,
            model="m",
            prices=PRICES,
            budget=Budget(calls=9, dollars=Decimal(1)),
            timeout=5,
            clock=SystemClock(),
        )
        advice = await analyst.decide(make_inputs())
    assert 0 < advice.latency_ms < 5000
    assert server.keys == ["Bearer none"]
