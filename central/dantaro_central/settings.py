"""The environment and the command line, read once."""

from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import BeforeValidator, Field, ValidationError, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from dantaro_crds.errors import SpecError
from dantaro_crds.values import Symbol, UtcTime

__all__ = ["CentralSettings", "SourceName", "load_settings"]

_SIMULATED_SPEED = 60.0


class SourceName(StrEnum):
    """Where candles come from."""

    SIMULATED = "simulated"
    REPLAY = "replay"
    UPBIT = "upbit"


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
    """Markets to trade, separated by commas. Default: all of the source; upbit needs one."""
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
                self.source is SourceName.UPBIT and not self.symbols,
                "source upbit needs symbols, such as KRW-BTC,KRW-ETH",
            ),
            (
                self.source is SourceName.REPLAY and self.folder is None,
                "source replay needs a folder of recorded candles",
            ),
            (
                _is_off_minute(self.start),
                "from must be a whole minute",
            ),
        ):
            if is_wrong:
                raise ValueError(message)
        return self


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
