"""Builders for the tests of what the operator makes in a cluster."""

from typing import Any

from dantaro_crds.v1alpha1.allocation import Allocation
from dantaro_crds.wire.bot_config import CentralConfig
from dantaro_operator.core.allocation import build_part
from dantaro_operator.core.bots import Bot
from dantaro_operator.core.cluster.pod_template import CURRENT_VERSION
from dantaro_operator.core.cluster.settings import (
    CENTRAL_KEY_FILE,
    ClusterSettings,
    cluster_places,
)
from dantaro_operator.core.cluster.stateful_set import build_stateful_set
from dantaro_operator.core.workload import BotWorkload, PlanSettings, build_workload
from tests.support.bots import make_allocation, share

__all__ = ["IMAGE", "make_cluster_settings", "make_stateful_set", "make_workload"]

IMAGE = "registry.example/dantaro-runtime:1"
"""The default image of the tests."""


def make_cluster_settings(**values: Any) -> ClusterSettings:
    """Return the settings of an installation that says little."""
    return ClusterSettings(**({"image": IMAGE} | values))


def make_workload(bot: Bot, allocation: Allocation | None = None) -> BotWorkload:
    """Return the workload of a bot in a cluster; without an account one with half for it."""
    account = allocation or make_allocation(shares=[share(bot.kind, bot.metadata.name)])
    found = account.spec.share_of(bot.kind, bot.metadata.name)
    assert found is not None
    central = CentralConfig(
        url="http://dantaro-central.dantaro.svc:8000", key_file=CENTRAL_KEY_FILE
    )
    settings = PlanSettings(central=central, places_of=cluster_places, image=IMAGE)
    part = build_part(account, found)
    return build_workload(bot, account, part, settings=settings, start_time=None)


def make_stateful_set(
    bot: Bot, settings: ClusterSettings | None = None, **options: Any
) -> dict[str, Any]:
    """Return the StatefulSet of a bot on paper, as a new one unless options say otherwise."""
    least: dict[str, Any] = {"image": IMAGE, "template_version": CURRENT_VERSION}
    workload = make_workload(bot)
    return build_stateful_set(
        workload, bot, settings or make_cluster_settings(), **(least | options)
    )
