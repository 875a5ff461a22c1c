"""The environment of the operator, in a cluster and in local mode, read once."""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, ClassVar, Self, TypeVar

from pydantic import BeforeValidator, Field, ValidationError, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from dantaro_crds.errors import SpecError
from dantaro_crds.values import PositiveDecimalStr
from dantaro_crds.wire.bot_config import RehearsalClock
from dantaro_operator.core.allocation import RiskCaps
from dantaro_operator.core.cluster.rollout import ImageRollout
from dantaro_operator.core.cluster.settings import CENTRAL_KEY_FILE
from dantaro_operator.core.workload import LiveVenue

__all__ = ["LocalSettings", "OperatorSettings", "load_local_settings", "load_settings"]


def _split(value: Any) -> Any:
    return tuple(filter(None, value.split(","))) if isinstance(value, str) else value


def _by_currency(value: Any) -> Any:
    """Return the amounts of a text such as `KRW=5000000,USDT=4000`."""
    if not isinstance(value, str):
        return value
    pairs = [item.partition("=") for item in _split(value)]
    if wrong := [key for key, sign, _ in pairs if not sign or not key.strip().isalnum()]:
        raise ValueError(f"expected amounts such as KRW=5000000,USDT=4000, was {wrong[0]!r}")
    return {key.strip(): amount.strip() for key, _, amount in pairs}


_Amounts = Annotated[dict[str, PositiveDecimalStr], NoDecode, BeforeValidator(_by_currency)]


class CapSettings(BaseSettings):
    """What no bot exceeds, whatever its author writes; default: no caps."""

    model_config: ClassVar[SettingsConfigDict] = SettingsConfigDict(
        env_prefix="DANTARO_OPERATOR_",
        frozen=True,
        extra="forbid",
        use_attribute_docstrings=True,
    )

    max_order_value: _Amounts = Field(default_factory=dict)
    """Value of one order by quote currency, such as KRW=5000000,USDT=4000."""
    max_daily_loss: _Amounts = Field(default_factory=dict)
    """Loss of a day by quote currency, likewise."""
    max_daily_loss_percent: PositiveDecimalStr | None = Field(default=None, le=100)
    """The same, percent of the equity at the start of the day."""
    max_drawdown_percent: PositiveDecimalStr | None = Field(default=None, le=100)
    """Fall of the equity from its peak, percent."""
    max_position_percent: PositiveDecimalStr | None = Field(default=None, le=100)
    """Part of a bot's equity held in coin, percent."""
    max_orders_per_minute: int | None = Field(default=None, ge=1, le=600)
    """Orders placed in a minute."""
    max_price_band_percent: PositiveDecimalStr | None = Field(default=None, le=100)
    """How far a buy may stand above, a sell below the last price, percent."""

    def to_caps(self) -> RiskCaps:
        """Return them as the planner wants them."""
        return RiskCaps(
            max_order_value=self.max_order_value,
            max_daily_loss=self.max_daily_loss,
            max_daily_loss_percent=self.max_daily_loss_percent,
            max_drawdown_percent=self.max_drawdown_percent,
            max_position_percent=self.max_position_percent,
            max_orders_per_minute=self.max_orders_per_minute,
            price_band_percent=self.max_price_band_percent,
        )


class LocalSettings(CapSettings):
    """What local mode and the operator in a cluster have in common."""

    live_trading: bool = False
    """Whether accounts with mode Live are run; without it nobody trades with real money here."""
    exchange_url: str | None = None
    """Root of another server with the exchange's API, for rehearsals: live accounts trade there."""
    exchange_clock: RehearsalClock | None = None
    """JSON {speed, wall, shown}: a clock that runs faster, for an exchange on loopback only."""
    exchange_poll_seconds: float = Field(default=2.0, gt=0, le=60)
    """Pause between two looks of a bot at the exchange."""

    @property
    def is_live_open(self) -> bool:
        """Return whether accounts with mode Live are run, be it as a rehearsal."""
        return self.live_trading or self.exchange_url is not None

    def to_live(self, keys_of: Callable[[str], str]) -> LiveVenue | None:
        """Return how bots reach the exchange; `keys_of` gives the folder of a Secret's keys."""
        if not self.is_live_open:
            return None
        return LiveVenue(
            keys_of=keys_of,
            base_url=self.exchange_url,
            clock=self.exchange_clock,
            poll_seconds=self.exchange_poll_seconds,
        )


class OperatorSettings(LocalSettings):
    """Settings of the operator; each may be given as `DANTARO_OPERATOR_<NAME>`."""

    bot_image: str = Field(min_length=1)
    """Runtime image of new bots, by digest or tag. There is no default: a release names its own."""
    image_rollout: ImageRollout = ImageRollout.HELD
    """Held: a new bot_image serves new bots only. Rolling: those that run move, one at a time per
    account."""
    image_pull_policy: str = "IfNotPresent"
    """When kubelet asks the registry. The default lets bots start again while it is down."""
    image_pull_secrets: Annotated[tuple[str, ...], NoDecode, BeforeValidator(_split)] = ()
    """Secrets in the namespaces of bots that open the registry, separated by commas."""
    storage_class: str | None = None
    """Of the volumes of new bots. Default: the cluster's own."""
    namespaces: Annotated[tuple[str, ...], NoDecode, BeforeValidator(_split)] = ()
    """Namespaces whose bots are looked after, separated by commas. Default: all."""
    namespace: str = "dantaro"
    """Namespace of the operator itself: its Lease is there."""
    pod: str = "operator"
    """Name of this process in the Lease and in Events; the pod's name in a cluster."""
    kubeconfig: Path | None = None
    """Kubeconfig to log in with. Default: the service account of the pod."""
    context: str | None = None
    """Context of the kubeconfig. Default: its current one."""
    central_url: str = "http://dantaro-central.dantaro.svc:8000"
    """Root of central's API as bots reach it."""
    central_namespace: str = "dantaro"
    """Namespace of central's pods, which the bots' NetworkPolicy lets them reach."""
    central_secret: str | None = "dantaro-central-key"  # noqa: S105  # a name
    """Secret in each namespace of bots whose key `key` opens central."""
    central_key_file: Path = Path(CENTRAL_KEY_FILE)
    """File with the operator's own key for central, asked for the markets of bots with symbol auto.
    Without it these keep what they have, and new ones wait."""
    bot_status_url: str = "http://{pod}.{service}.{namespace}.svc:8080/status"
    """Where a bot serves its status; {pod}, {service}, {namespace}, {name} and {kind} are filled
    in."""
    collect_seconds: float = Field(default=30.0, gt=0, le=3600)
    """A bot is asked for its status this often: a table that is half a minute old will do."""
    collect_concurrency: int = Field(default=50, ge=1, le=1000)
    """So many bots are asked at a time."""
    collect_timeout_seconds: float = Field(default=5.0, gt=0, le=60)
    """Seconds that a bot may take to answer."""
    silent_seconds: float = Field(default=90.0, gt=0)
    """Seconds in vain after which a bot counts as silent: three times of asking."""
    resync_seconds: float = Field(default=600.0, ge=1)
    """Everything is looked at again this often, whatever the watches say."""
    workers: int = Field(default=20, ge=1, le=1000)
    """So many accounts are worked on at a time."""
    connections: int = Field(default=20, ge=1, le=1000)
    """So many calls of the API server are under way at a time."""
    lease: str = "dantaro-operator"
    """Name of the Lease that decides which of several operators works."""
    lease_duration_seconds: float = Field(default=15.0, gt=0)
    """A candidate takes a Lease over that nobody renewed for so long."""
    lease_renew_deadline_seconds: float = Field(default=10.0, gt=0)
    """The holder stops writing when it could not renew for so long; below the duration."""
    lease_retry_seconds: float = Field(default=2.0, gt=0)
    """Pause between two tries."""
    host: str = "0.0.0.0"  # noqa: S104
    """Address of /healthz, /readyz and /metrics; kubelet asks from outside of the pod."""
    port: int = Field(default=8081, ge=0, le=65535)
    """Their port; 0 takes a free one."""
    port_file: Path | None = None
    """File that the real port is written to, for port 0."""
    log_level: str = "INFO"
    """Lowest level that is logged."""

    @model_validator(mode="after")
    def _deadline_before_duration(self) -> Self:
        if self.lease_renew_deadline_seconds >= self.lease_duration_seconds:
            raise ValueError(
                "lease_renew_deadline_seconds must be < lease_duration_seconds, were "
                f"{self.lease_renew_deadline_seconds:g} and {self.lease_duration_seconds:g}"
            )
        return self


_Settings = TypeVar("_Settings", bound=CapSettings)


def load_settings() -> OperatorSettings:
    """Read the environment.

    Raises:
        SpecError: A value is missing or wrong; the message names the variable.
    """
    return _load(OperatorSettings)


def load_local_settings() -> LocalSettings:
    """Read what local mode has in common with the operator.

    Raises:
        SpecError: A value is wrong; the message names the variable.
    """
    return _load(LocalSettings)


def _load(kind: type[_Settings]) -> _Settings:
    try:
        return kind()
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False)[0]
        field, *parts = first["loc"] or ("",)
        where = "".join(f"{part}: " for part in parts)
        text = first["msg"].removeprefix("Value error, ")
        name = f"DANTARO_OPERATOR_{field}: ".upper() if field else ""
        raise SpecError(f"{name}{where}{text}") from error
