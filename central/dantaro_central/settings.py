"""The environment and the command line, read once."""

from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import BeforeValidator, Field, SecretStr, ValidationError, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from dantaro_crds.errors import SpecError
from dantaro_crds.values import Interval, Symbol, UtcTime

__all__ = ["OPENAI_URL", "AnalystName", "CentralSettings", "SourceName", "load_settings"]

OPENAI_URL = "https://api.openai.com/v1"
"""Root of OpenAI's own API."""

_SHORTEST_DECIDED = Interval.M15
"""An answer is seen up to 5 minutes later: shorter candles would be over by then."""

_SIMULATED_SPEED = 60.0


class SourceName(StrEnum):
    """Where candles come from."""

    SIMULATED = "simulated"
    REPLAY = "replay"
    UPBIT = "upbit"


class AnalystName(StrEnum):
    """Who decides."""

    RULES = "rules"
    OPENAI = "openai"
    NONE = "none"


def _split(value: Any) -> Any:
    return tuple(filter(None, value.split(","))) if isinstance(value, str) else value


class CentralSettings(BaseSettings):
    """Settings of central; each may be given as `DANTARO_CENTRAL_<NAME>` in the environment."""

    model_config: ClassVar[SettingsConfigDict] = SettingsConfigDict(
        env_prefix="DANTARO_CENTRAL_",
        frozen=True,
        extra="forbid",
        use_attribute_docstrings=True,
    )

    source: SourceName = SourceName.SIMULATED
    """simulated, replay or upbit. The default needs neither network nor files."""
    folder: Path | None = None
    """Folder of recorded candles, for replay."""
    symbols: Annotated[tuple[Symbol, ...], NoDecode, BeforeValidator(_split)] = ()
    """Markets to trade, separated by commas. Default: all of the source."""
    traded: Annotated[tuple[Symbol, ...], NoDecode, BeforeValidator(_split)] = ()
    """Markets of source upbit with 1-minute candles from the start, separated by commas; the others
    of `symbols`, or all others in KRW, are analysed by 60-minute candles until a bot asks for them.
    Default: those of `symbols`."""
    start: UtcTime | None = None
    """Market time of the first 1-minute candle (--from). Default: of a replay the latest first
    candle of a traded market, of a simulated market the minute of the first start."""
    speed: Annotated[float, Field(gt=0, le=1_000_000)] | Literal["max"] | None = None
    """How many times faster than wall time market time goes, or max. Default: 60 for simulated,
    else 1."""
    seed: int = Field(default=1, ge=0)
    """Seed of the simulated market; another seed is another history."""
    upbit_url: str = "https://api.upbit.com/v1"
    """Root of Upbit's public REST API; the default is Korea, where the KRW markets are."""
    upbit_calls_per_second: float = Field(default=8.0, gt=0)
    """Most calls of one group; Upbit allows 10 for an address, which several processes share."""
    fear_greed_url: str | None = None
    """Whole address of a public fear-and-greed index in the shape of alternative.me, asked every
    hour by source upbit and told in place of central's own index while it is less than 26 hours
    old. Default: none."""
    minutes_kept_days: int = Field(default=14, ge=2, le=400)
    """How long 1-minute candles of a live source are kept; a bot that was away longer misses some.
    Longer candles stay 400 days, analyses 7, decisions 90. Replay and simulated keep everything."""
    standby: bool = False
    """Wait as long as another worker holds the database, then take over; else give up after 10
    seconds."""
    database_url: str = "sqlite:///dantaro-central.db"
    """SQLAlchemy URL. The default is a file in the current folder."""
    host: str = "127.0.0.1"
    """Address of the API. The default is reached from this machine only."""
    port: int = Field(default=8000, ge=0, le=65535)
    """Port of the API; 0 takes a free one."""
    port_file: Path | None = None
    """File that the API writes its port to once it accepts connections."""
    key_file: Path | None = None
    """File with the API key; made with a random key when it does not exist."""
    limit_requests: int = Field(default=100, ge=1)
    """Most requests of one key in a window of the limit; keys made with --unlimited have none."""
    limit_seconds: int = Field(default=60, ge=1, le=3600)
    """Length of a window of the limit, seconds."""
    redis_url: SecretStr | None = None
    """Redis that all processes of the API count requests in, so that they hold one limit; without
    it, and while it is gone, each process holds the limit alone."""
    analyst: AnalystName = AnalystName.RULES
    """rules, openai or none: who decides for bots with strategy `ai`."""
    analyst_symbols: Annotated[tuple[Symbol, ...], NoDecode, BeforeValidator(_split)] = ()
    """Markets that the analyst decides on, separated by commas. Default: the traded ones."""
    analyst_interval: Interval = Interval.M60
    """Length of the candles that the analyst decides on, 15m or longer: one decision for each."""
    analyst_model: str = Field(default="", max_length=100)
    """Name of the language model, for openai."""
    analyst_url: str = OPENAI_URL
    """Root of an OpenAI-compatible API, for openai."""
    analyst_key_file: Path | None = None
    """File with the key of that API; a server of your own may need none."""
    analyst_timeout_seconds: float = Field(default=30.0, gt=0, le=600)
    """Most seconds for a decision, tries and pauses included; then it is Hold."""
    analyst_calls_per_hour: int = Field(default=60, ge=1)
    """Most calls of the API in any hour; then decisions are Hold."""
    analyst_usd_per_hour: Decimal = Field(default=Decimal(1), ge=0, max_digits=12)
    """Most US dollars in any hour, by the prices below; then decisions are Hold."""
    analyst_usd_per_million_prompt: Decimal | None = Field(default=None, ge=0, max_digits=12)
    """Price of a million tokens that are sent, US dollars; 0 for a server of your own."""
    analyst_usd_per_million_answer: Decimal | None = Field(default=None, ge=0, max_digits=12)
    """Price of a million tokens that are answered, US dollars; 0 for a server of your own."""
    exit_with_parent: bool = False
    """Stop when standard input ends, that is when the process that started this one is gone."""
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    """Lowest level that is logged."""

    @property
    def pace(self) -> float | Literal["max"]:
        """The speed, with the default of the source."""
        if self.speed is not None:
            return self.speed
        return _SIMULATED_SPEED if self.source is SourceName.SIMULATED else 1.0

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        for is_wrong, message in (
            (
                self.speed == "max" and self.source is not SourceName.REPLAY,
                f"speed max is for a replay: a market of source {self.source} has no end",
            ),
            (
                self.source is SourceName.UPBIT and self.pace != 1.0,
                "speed must be 1 for source upbit: market time is wall time",
            ),
            (
                self.source is SourceName.UPBIT and self.start is not None,
                "from is for replay and simulated: market time of source upbit is wall time",
            ),
            (
                self.source is not SourceName.UPBIT and bool(self.traded),
                f"traded is for source upbit: {self.source} has 1-minute candles of all symbols",
            ),
            (
                self.source is SourceName.REPLAY and self.folder is None,
                "source replay needs a folder of recorded candles",
            ),
            (
                self.fear_greed_url is not None and self.source is not SourceName.UPBIT,
                f"fear_greed_url is for source upbit: a {self.source} market is of its own data",
            ),
            (
                not (self.fear_greed_url or "https://").startswith(("http://", "https://")),
                f"fear_greed_url must begin with https:// or http://, was {self.fear_greed_url}",
            ),
            (
                _is_off_minute(self.start),
                "from must be a whole minute",
            ),
            (
                self.analyst_interval.span < _SHORTEST_DECIDED.span,
                f"analyst_interval must be 15m or longer, was {self.analyst_interval}",
            ),
            *self._wrong_model(),
        ):
            if is_wrong:
                raise ValueError(message)
        return self

    def _wrong_model(self) -> list[tuple[bool, str]]:
        prices = (self.analyst_usd_per_million_prompt, self.analyst_usd_per_million_answer)
        checks = [
            (
                self.source is not SourceName.UPBIT,
                (
                    f"analyst openai is for source upbit: a {self.source} market is the same in "
                    "every run, and a language model does not answer the same twice; take rules"
                ),
            ),
            (not self.analyst_model, "analyst openai needs analyst_model, the name of a model"),
            (
                not self.analyst_url.startswith(("http://", "https://")),
                f"analyst_url must begin with https:// or http://, was {self.analyst_url}",
            ),
            (
                self.analyst_url == OPENAI_URL and self.analyst_key_file is None,
                f"analyst openai needs analyst_key_file: {OPENAI_URL} asks for a key",
            ),
            (
                None in prices,
                (
                    "analyst openai needs analyst_usd_per_million_prompt and "
                    "analyst_usd_per_million_answer, the prices that its budget is kept by; "
                    "0 for a server of your own"
                ),
            ),
        ]
        return checks if self.analyst is AnalystName.OPENAI else []


def _is_off_minute(time: datetime | None) -> bool:
    return time is not None and (time.second, time.microsecond) != (0, 0)


def load_settings(given: dict[str, Any]) -> CentralSettings:
    """Return the settings: `given` counts before the environment, that before the defaults.

    Raises:
        SpecError: Names the setting, what was expected and what was found.
    """
    try:
        return CentralSettings(**given)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"][:1])
        message = str(first["msg"]).removeprefix("Value error, ")
        found = f", found {first['input']!r}" if place else ""
        raise SpecError(f"{place}: {message}{found}" if place else message, field=place) from error
