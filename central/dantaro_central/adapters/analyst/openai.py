"""Asks a language model behind an OpenAI-compatible API.

Whatever the server does, an advice comes out: without a usable answer it is Hold, and says why.
The key and what is sent or answered never reach a log or an error: reasons are our own sentences,
but for the model's own reason, which is cut and cleaned.
"""

import asyncio
import logging
from decimal import Decimal
from importlib.resources import files
from typing import Annotated, Any

import httpx2
import openai
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from dantaro_central.core.analyst.budget import Budget, Payment, Prices
from dantaro_central.core.analyst.decisions import ZERO, Advice, AdviceAction, hold
from dantaro_central.core.analyst.inputs import Inputs, inputs_json
from dantaro_crds.kit.backoff import Backoff
from dantaro_crds.kit.clock import Clock

__all__ = ["PROMPT_VERSION", "OpenAiAnalyst", "load_prompt", "open_client"]

PROMPT_VERSION = "v1"
"""Version of the prompt, part of its file's name; a changed text gets a new one."""

_TRIES = 3
_MOST_ANSWER_TOKENS = 400
_MOST_ANSWER_BYTES = 256 * 1024
_MOST_REASON = 300
_FRAME_TOKENS = 500
"""Room for what the API adds to the messages: roles, and the schema of the answer."""

_PLACES = Decimal("0.0001")

_SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "action": {"type": "string", "enum": [action.value for action in AdviceAction]},
        "confidence": {"type": "number", "description": "From 0 to 1."},
        "reason": {"type": "string", "description": "One sentence."},
    },
    "required": ["action", "confidence", "reason"],
    "additionalProperties": False,
}


class _Said(BaseModel):
    """What the model must answer."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    action: AdviceAction
    confidence: Annotated[Decimal, Field(ge=0, le=1, allow_inf_nan=False)]
    reason: Annotated[str, Field(min_length=1)]


class _Message(BaseModel):
    content: str | None = None
    refusal: str | None = None


class _Choice(BaseModel):
    message: _Message
    finish_reason: str | None = None


class _Usage(BaseModel):
    prompt_tokens: Annotated[int, Field(ge=0, le=100_000_000)]
    completion_tokens: Annotated[int, Field(ge=0, le=100_000_000)]


class _Completion(BaseModel):
    choices: list[_Choice]
    usage: _Usage | None = None


class _NoAdviceError(Exception):
    """There is no usable answer; the message says why, half a sentence."""


def load_prompt() -> str:
    """Return the prompt of `PROMPT_VERSION`."""
    return (
        files("dantaro_central.adapters.analyst")
        .joinpath(f"prompt_{PROMPT_VERSION}.txt")
        .read_text(encoding="utf-8")
    )


def open_client(*, url: str, key: str, timeout: float) -> openai.AsyncOpenAI:
    """Return a client of a server; its owner closes it.

    Args:
        url: Root of the API, such as `https://api.openai.com/v1`.
        key: Bearer key; empty for a server that asks for none.
        timeout: Most seconds for a call.
    """
    # The library writes prompts to its log when a variable of the environment asks for it.
    logging.getLogger("openai").setLevel(logging.WARNING)
    return openai.AsyncOpenAI(
        api_key=key or "none",
        base_url=url,
        timeout=timeout,
        max_retries=0,
        http_client=openai.DefaultAsyncHttpxClient(follow_redirects=False, timeout=timeout),
    )


class OpenAiAnalyst:
    """Asks one model."""

    def __init__(
        self,
        client: openai.AsyncOpenAI,
        *,
        model: str,
        prices: Prices,
        budget: Budget,
        timeout: float,
        clock: Clock,
    ) -> None:
        """Choose a model.

        Args:
            client: Of a server; closed by its owner.
            model: Name of the model.
            prices: What its tokens cost.
            budget: What may be spent in an hour.
            timeout: Most seconds for an advice, tries and pauses included.
            clock: Wall time and waiting.
        """
        self.model = model
        self.prompt = PROMPT_VERSION
        self._client = client
        self._prices = prices
        self._budget = budget
        self._timeout = timeout
        self._clock = clock
        self._system = load_prompt()

    async def decide(self, inputs: Inputs) -> Advice:
        """Return what the model advises; Hold with the reason when it gives no usable answer."""
        began = self._clock.monotonic()
        paid: list[Payment] = []
        said: _Said | None = None
        reason = ""
        try:
            async with asyncio.timeout(self._timeout):
                said = await self._ask(inputs_json(inputs), paid, give_up=began + self._timeout)
        except TimeoutError:
            reason = f"it gave no answer within {self._timeout:g} s"
        except _NoAdviceError as error:
            reason = str(error)
        latency = round((self._clock.monotonic() - began) * 1000)
        cost = sum((payment.cost for payment in paid), ZERO)
        if said is None:
            return hold(f"no advice of {self.model}: {reason}", latency_ms=latency, cost=cost)
        return Advice(
            action=said.action,
            confidence=said.confidence.quantize(_PLACES),
            reason=_cleaned(said.reason) or "no reason was given",
            latency_ms=latency,
            cost=cost,
        )

    async def _ask(self, text: str, paid: list[Payment], *, give_up: float) -> _Said:
        # A token is at least one byte, so a call cannot cost more than this.
        tokens = len(self._system.encode()) + len(text.encode()) + _FRAME_TOKENS
        most = self._prices.cost(prompt=tokens, answer=_MOST_ANSWER_TOKENS)
        backoff = Backoff(first=0.5, longest=8.0)
        while True:
            if why_not := self._budget.why_not(self._clock.now(), most):
                raise _NoAdviceError(why_not)
            payment = self._budget.pay(self._clock.now(), most)
            paid.append(payment)
            try:
                body = await self._post(text)
            except openai.APIStatusError as error:
                payment.cost = ZERO
                pause = max(backoff.next(), _asked_pause(error))
                in_time = self._clock.monotonic() + pause < give_up
                if not (_is_passing(error.status_code) and len(paid) < _TRIES and in_time):
                    raise _NoAdviceError(_status_reason(error, len(paid))) from None
                await self._clock.sleep(pause)
            except (openai.OpenAIError, httpx2.HTTPError, httpx2.StreamError) as error:
                raise _NoAdviceError(
                    f"the connection failed ({type(error).__name__}); check the URL and the server"
                ) from None
            else:
                completion = _parsed(body)
                if (usage := completion.usage) is not None:
                    payment.cost = self._prices.cost(
                        prompt=usage.prompt_tokens, answer=usage.completion_tokens
                    )
                return _said(completion)

    async def _post(self, text: str) -> bytes:
        async with self._client.chat.completions.with_streaming_response.create(
            model=self.model,
            messages=[
                {"role": "system", "content": self._system},
                {"role": "user", "content": text},
            ],
            response_format={
                "type": "json_schema",
                "json_schema": {"name": "decision", "strict": True, "schema": _SCHEMA},
            },
            temperature=0,
            max_completion_tokens=_MOST_ANSWER_TOKENS,
        ) as response:
            body = bytearray()
            async for chunk in response.iter_bytes():
                body += chunk
                if len(body) > _MOST_ANSWER_BYTES:
                    raise _NoAdviceError(f"its answer is longer than {_MOST_ANSWER_BYTES} bytes")
            return bytes(body)


def _is_passing(status: int) -> bool:
    return status == 429 or status >= 500


def _asked_pause(error: openai.APIStatusError) -> float:
    """Return the seconds of `Retry-After`; 0 without one, or with a date."""
    text = error.response.headers.get("Retry-After", "")
    return float(text) if text.isascii() and text.isdigit() else 0.0


def _status_reason(error: openai.APIStatusError, tries: int) -> str:
    hints = {401: "; check the key", 403: "; check the key", 404: "; check the model and the URL"}
    tried = f" to {tries} tries" if tries > 1 else ""
    return f"the server answered {error.status_code}{tried}{hints.get(error.status_code, '')}"


def _parsed(body: bytes) -> _Completion:
    try:
        return _Completion.model_validate_json(body)
    except ValidationError:
        raise _NoAdviceError("its answer is no chat completion") from None


def _said(completion: _Completion) -> _Said:
    if not completion.choices:
        raise _NoAdviceError("its answer holds no choice")
    choice = completion.choices[0]
    if choice.message.refusal or choice.finish_reason == "content_filter":
        raise _NoAdviceError("it refused to answer")
    if choice.finish_reason == "length":
        raise _NoAdviceError("its answer was cut off")
    if not choice.message.content:
        raise _NoAdviceError("its answer is empty")
    try:
        return _Said.model_validate_json(choice.message.content)
    except ValidationError as error:
        place = ".".join(map(str, error.errors(include_input=False)[0]["loc"])) or "the JSON"
        raise _NoAdviceError(
            f"expected action, confidence 0..1 and reason as JSON, {place[:40]} is wrong"
        ) from None


def _cleaned(text: str) -> str:
    """Return a text on one line, without signs that cannot be shown, and not too long."""
    line = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return line if len(line) <= _MOST_REASON else line[: _MOST_REASON - 1] + "…"
