"""Types and reasons of conditions, and how a list of them changes over time.

A bot may report a reason that is not listed here (a newer runtime, a venue's own code): `Condition`
takes any text, the enums are what our own code writes.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from enum import StrEnum

from dantaro_crds.v1alpha1.common import Condition, ConditionStatus

__all__ = [
    "AllocationConditionType",
    "ConditionType",
    "Phase",
    "Reason",
    "condition_of",
    "make_condition",
    "merge_conditions",
]


class Phase(StrEnum):
    """What a bot is doing, in one word."""

    PENDING = "Pending"
    """Nothing runs yet; the conditions say what is missing."""
    STARTING = "Starting"
    """Its process was started and has not reported yet, or is catching up."""
    RUNNING = "Running"
    """It trades."""
    STOPPING = "Stopping"
    """It is cancelling its orders."""
    STOPPED = "Stopped"
    """It is asked not to trade, or its grid came to its end."""
    ERROR = "Error"
    """It gave up; only a reset leads out of this."""


class ConditionType(StrEnum):
    """Aspects of a bot."""

    READY = "Ready"
    """The summary: it does what it was asked to."""
    RECONCILING = "Reconciling"
    """Work towards the spec is under way; present only while true."""
    STALLED = "Stalled"
    """Work towards the spec cannot go on without a person; present only while true."""
    ALLOCATED = "Allocated"
    """An Allocation gives it money and no other bot stands in its way."""
    WORKLOAD_READY = "WorkloadReady"
    """Its process runs and answers."""
    CENTRAL_REACHABLE = "CentralReachable"
    """Central answers with fresh data."""
    EXCHANGE_REACHABLE = "ExchangeReachable"
    """The exchange answers."""
    ORDERS_RECONCILED = "OrdersReconciled"
    """Every order on the exchange is explained."""
    TRADING_HALTED = "TradingHalted"
    """A limit or a switch stops new entries."""


class AllocationConditionType(StrEnum):
    """Aspects of an Allocation."""

    READY = "Ready"
    """Its bots may trade."""
    HALTED = "Halted"
    """Its kill switch is on, or it is being deleted."""


class Reason(StrEnum):
    """Causes of a condition's status."""

    # Fine.
    RUNNING = "Running"
    """It trades."""
    STOPPED = "Stopped"
    """`state: Stopped` is carried out."""
    ACCEPTED = "Accepted"
    """The object is right and has what it needs."""
    NOT_HALTED = "NotHalted"
    """Nothing stops new entries."""

    # Time's move.
    PENDING = "Pending"
    """Not looked at yet."""
    STARTING = "Starting"
    """Its process was started and has not reported yet."""
    STOPPING = "Stopping"
    """It is cancelling its orders."""
    RESTARTING = "Restarting"
    """Its process ended and is started again after a pause."""
    DRAINING = "Draining"
    """Its deletion policy is being carried out."""
    IMAGE_BEHIND = "ImageBehind"
    """It runs an older image than new bots get."""
    WAITING_FOR_RECOMMENDATION = "WaitingForRecommendation"
    """With symbol auto: central recommends no market that is free."""
    CENTRAL_UNREACHABLE = "CentralUnreachable"
    """Central does not answer."""
    NOT_ASKED_YET = "NotAskedYet"
    """The other side was not asked since the start."""
    ORDERS_COMPARED = "Reconciling"
    """Its orders are being compared with the venue's."""
    VENUE_UNREACHABLE = "VenueUnreachable"
    """The exchange does not answer; orders are left as they are."""
    VENUE_OFFLINE = "VenueOffline"
    """The exchange takes no orders on this market now, as under maintenance."""
    BANNED = "Banned"
    """The exchange wants no calls for a while: too many were made."""
    ORDER_UNKNOWN = "OrderUnknown"
    """The exchange does not say what became of an order; it is looked up before anything else."""
    CANCEL_UNCONFIRMED = "CancelUnconfirmed"
    """The exchange does not say that an order has ended; it counts as resting."""
    EXECUTIONS_MISSING = "ExecutionsMissing"
    """The exchange does not tell all executions of an order; it is read again."""
    STORE_FULL = "StoreFull"
    """The bot's volume is full: nothing is sent until there is room."""
    STORE_LOCKED = "StoreLocked"
    """Another program holds the bot's store: nothing is sent until it lets go."""
    STORE_UNREACHABLE = "StoreUnreachable"
    """The server of the bot's store does not answer: nothing is sent until it does."""
    RATE_LIMITED = "RateLimited"
    """The exchange asks for fewer calls."""
    NOT_REPORTING = "NotReporting"
    """Its process runs and does not answer."""
    UNSCHEDULABLE = "Unschedulable"
    """No node has room for its pod."""
    POD_MISSING = "PodMissing"
    """Its StatefulSet has no pod."""

    # The author's move.
    SPEC_INVALID = "SpecInvalid"
    """The spec breaks a rule; the message names the field."""
    ALLOCATION_NOT_FOUND = "AllocationNotFound"
    """There is no Allocation of that name in the namespace."""
    ALLOCATION_INVALID = "AllocationInvalid"
    """The Allocation itself breaks a rule."""
    ALLOCATION_DELETED = "AllocationDeleted"
    """The Allocation is being deleted and acts as halted."""
    NO_SHARE = "NoShare"
    """The Allocation has no share for this bot."""
    SYMBOL_TAKEN = "SymbolTaken"
    """An older bot of the account trades this market."""
    ACCOUNT_TAKEN = "AccountTaken"
    """An older live Allocation uses the same Secret."""
    QUOTE_MISMATCH = "QuoteMismatch"
    """The market is not quoted in the Allocation's currency."""
    BUDGET_TOO_SMALL = "BudgetTooSmall"
    """The budget does not reach the venue's smallest order; the message says what would."""
    LIMITS_CAPPED = "LimitsCapped"
    """The operator's caps hold instead of wider limits; the message names them."""
    BUDGET_BOUND = "BudgetBound"
    """A lowered share takes effect as orders and coin free it."""
    PLAN_REFUSED = "PlanRefused"
    """The grid or the stages cannot be placed as asked; the message says why."""
    SYMBOL_UNKNOWN = "SymbolUnknown"
    """Central does not know this market."""
    LEVERAGE_UNSUPPORTED = "LeverageUnsupported"
    """The venue's adapter trades spot only."""
    VENUE_UNSUPPORTED = "VenueUnsupported"
    """This runtime has no adapter for the exchange."""
    LIVE_UNAVAILABLE = "LiveUnavailable"
    """Whoever runs Dantaro has not opened trading with real money."""
    SECRET_MISSING = "SecretMissing"  # noqa: S105  # a reason, no password
    """The Secret or one of its keys is not there."""
    AUTHENTICATION = "Authentication"
    """The exchange or central refused the key."""
    LIVE_NOT_ACKNOWLEDGED = "LiveNotAcknowledged"
    """Nobody has said that real money may be lost."""
    MARKET_GONE = "MarketGone"
    """The exchange does not list the market, or no longer."""
    BOTS_REMAIN = "BotsRemain"
    """The Allocation waits for the bots that still refer to it."""

    # The person on duty's move.
    HALTED = "Halted"
    """The Allocation's kill switch is on."""
    DELETED = "Deleted"
    """The object is gone or being deleted."""
    DAILY_LOSS = "DailyLoss"
    """The daily loss limit tripped; it ends with the day."""
    MAX_DRAWDOWN = "MaxDrawdown"
    """The drawdown limit tripped; a reset ends it."""
    ORDER_FAILURES = "OrderFailures"
    """Too many orders in a row were refused."""
    ACCOUNT_SHORT = "AccountShort"
    """The account holds less than the bot's books say."""
    UNKNOWN_OWN_ORDER = "UnknownOwnOrder"
    """An order under the bot's ids is not in its books: they are older than it."""
    ID_TAKEN = "IdTaken"
    """Another program's order stands under an id of the bot."""
    REUSED_ID = "ReusedId"
    """An order of an older life of the bot stands under an id that it needs."""
    LATE_FILL = "LateFill"
    """An order of a cycle that is over was executed after it had ended."""
    FEE_CURRENCY = "FeeCurrency"
    """The exchange takes fees in a currency that the books do not count."""
    STORE_DAMAGED = "StoreDamaged"
    """The bot's store is damaged: bring back a backup."""
    STORE_MISSING = "StoreMissing"
    """The bot's store is not there any more."""
    STORE_READ_ONLY = "StoreReadOnly"
    """The bot's store cannot be written."""
    STORE_REFUSED = "StoreRefused"
    """The server of the bot's store refuses its user."""
    STORE_SCHEMA = "StoreSchema"
    """The bot's store was written by a newer version."""
    DRAIN_FAILED = "DrainFailed"
    """The deletion policy could not be carried out; the force-delete annotation lets go."""
    ENGINE_ERROR = "EngineError"
    """The bot is in state ERROR; the message says why, a reset leads out."""
    CRASH_LOOP = "CrashLoop"
    """Its process ends again and again."""
    IMAGE_PULL_BACK_OFF = "ImagePullBackOff"
    """Its image cannot be pulled."""
    CREATE_CONTAINER_CONFIG_ERROR = "CreateContainerConfigError"
    """Its container cannot be made: something that its pod names is missing or wrong."""
    OOM_KILLED = "OOMKilled"
    """Its process was ended since it needed more memory than its limit."""
    SAFETY = "Safety"
    """An invariant broke; no more trading until a person looked."""


def make_condition(
    kind: ConditionType | AllocationConditionType,
    *,
    status: bool | None,
    reason: str,
    message: str,
    generation: int,
    now: datetime,
) -> Condition:
    """Return a condition.

    Args:
        kind: The aspect.
        status: None is Unknown.
        reason: PascalCase code.
        message: One sentence; a longer one than 256 signs is cut.
        generation: Generation of the object that this was derived from.
        now: Aware; cut to full seconds, as the API conventions want it.
    """
    return Condition(
        type=kind.value,
        status=ConditionStatus.UNKNOWN if status is None else ConditionStatus(str(status)),
        observed_generation=generation,
        last_transition_time=now.replace(microsecond=0),
        reason=reason,
        message=message,
    )


def merge_conditions(old: Iterable[Condition], new: Iterable[Condition]) -> list[Condition]:
    """Return `new`, each keeping its transition time from `old` where its status did not change.

    Doing it again with the result changes nothing.
    """
    before = {condition.type: condition for condition in old}
    merged = []
    for condition in new:
        known = before.get(condition.type)
        if known is not None and known.status == condition.status:
            time = known.last_transition_time
            condition = condition.model_copy(update={"last_transition_time": time})  # noqa: PLW2901
        merged.append(condition)
    return merged


def condition_of(conditions: Sequence[Condition], kind: str) -> Condition | None:
    """Return the condition of a type, or None."""
    return next((condition for condition in conditions if condition.type == kind), None)
