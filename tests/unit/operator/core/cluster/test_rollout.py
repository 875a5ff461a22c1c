from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dantaro_crds.v1alpha1.common import Mode
from dantaro_operator.core.bots import Bot
from dantaro_operator.core.cluster.rollout import (
    FREE,
    Candidate,
    ImageRollout,
    LivePod,
    Rollout,
    Siblings,
    build_wanted,
    decide_rollout,
    decide_rollouts,
    read_live,
)
from dantaro_operator.core.cluster.settings import ClusterSettings
from dantaro_operator.core.cluster.stateful_set import build_stateful_set
from dantaro_operator.core.workload import BotWorkload
from tests.support.bots import make_grid_bot
from tests.support.manifests import IMAGE, make_cluster_settings, make_workload

pytestmark = pytest.mark.unit

HELD, ROLLING = ImageRollout.HELD, ImageRollout.ROLLING
OLD, NEW, NAMED = IMAGE, "registry.example/dantaro-runtime:2", "registry.example/mine:7"
OLD_DEFAULTS = make_cluster_settings(image=OLD)
NEW_DEFAULTS = make_cluster_settings(image=NEW)
OTHER_SETTINGS = make_cluster_settings(image=OLD, priority_class="bots")


def workload_of(bot: Bot) -> BotWorkload:
    return replace(make_workload(bot), image=bot.spec.image)


def live_pod(
    bot: Bot, settings: ClusterSettings, *, ready: bool = True, rolling: bool = False
) -> LivePod:
    template = build_wanted(workload_of(bot), bot, settings, None).template
    return LivePod(template=template, template_version=1, is_ready=ready, is_rolling=rolling)


def decide(
    bot: Bot,
    live: LivePod | None,
    settings: ClusterSettings = NEW_DEFAULTS,
    *,
    policy: ImageRollout = HELD,
    siblings: Siblings = FREE,
    never_ready: bool = False,
) -> Rollout:
    wanted = build_wanted(workload_of(bot), bot, settings, live)
    return decide_rollout(wanted, live, policy=policy, siblings=siblings, never_ready=never_ready)


def test_a_new_bot_gets_the_default() -> None:
    got = decide(make_grid_bot(), None)
    assert (got.image, got.template_version, got.moves, got.behind) == (NEW, 1, False, False)


def test_a_new_bot_gets_the_image_that_it_names() -> None:
    assert decide(make_grid_bot(image=NAMED), None).image == NAMED


def test_a_running_bot_keeps_its_pod_and_says_so() -> None:
    bot = make_grid_bot()
    live = live_pod(bot, OLD_DEFAULTS)
    got = decide(bot, live)
    assert (got.image, got.template, got.moves, got.behind) == (OLD, live.template, False, True)
    assert got.message == (
        "a newer image waits: name it in spec.image, or set the operator's imageRollout to "
        f"Rolling; runs {OLD}, new bots get {NEW}"
    )


def test_new_settings_restart_nothing_while_held() -> None:
    bot = make_grid_bot()
    live = live_pod(bot, OLD_DEFAULTS)
    got = decide(bot, live, OTHER_SETTINGS)
    assert (got.template, got.behind) == (live.template, True)
    assert got.message == (
        "its pod is as older settings of the operator made it: imageRollout Rolling renews it"
    )


def test_a_version_of_the_shape_is_held_with_it() -> None:
    bot = make_grid_bot()
    live = replace(live_pod(bot, OTHER_SETTINGS), template_version=0)
    assert decide(bot, live).template_version == 0
    assert decide(bot, live, policy=ROLLING).template_version == 1


def test_nothing_is_behind_when_nothing_changed() -> None:
    bot = make_grid_bot()
    for policy in ImageRollout:
        got = decide(bot, live_pod(bot, OLD_DEFAULTS), OLD_DEFAULTS, policy=policy)
        assert (got.moves, got.behind, got.message) == (False, False, "")


@pytest.mark.parametrize(
    ("spec", "policy", "want"),
    [
        pytest.param({"image": NAMED}, HELD, NAMED, id="named"),
        pytest.param({}, ROLLING, NEW, id="rolling"),
        pytest.param({"image": NAMED}, ROLLING, NAMED, id="named-and-rolling"),
    ],
)
def test_it_moves_when_nobody_is_in_the_way(
    spec: dict[str, Any], policy: ImageRollout, want: str
) -> None:
    live = live_pod(make_grid_bot(), OLD_DEFAULTS)
    got = decide(make_grid_bot(**spec), live, policy=policy)
    assert (got.image, got.moves, got.behind) == (want, True, False)


@pytest.mark.parametrize(
    ("spec", "policy", "siblings", "want_moves"),
    [
        pytest.param({}, ROLLING, Siblings(rolling=("GridBot/b",)), False, id="rolling-sibling"),
        pytest.param({}, ROLLING, Siblings(unready=("GridBot/b",)), False, id="unready-sibling"),
        pytest.param(
            {"image": NAMED}, HELD, Siblings(rolling=("GridBot/b",)), False, id="wish-waits-too"
        ),
        pytest.param(
            {"image": NAMED}, HELD, Siblings(unready=("GridBot/b",)), True, id="wish-but-unready"
        ),
    ],
)
def test_one_of_an_account_at_a_time(
    spec: dict[str, Any], policy: ImageRollout, siblings: Siblings, want_moves: bool
) -> None:
    got = decide(
        make_grid_bot(**spec),
        live_pod(make_grid_bot(), OLD_DEFAULTS),
        policy=policy,
        siblings=siblings,
    )
    assert (got.moves, got.behind) == (want_moves, not want_moves)
    if not want_moves:
        assert (got.image, got.message) == (
            OLD,
            "its new pod waits until GridBot/b is ready: one bot of an account at a time",
        )


def test_a_bot_that_is_down_anyway_does_not_wait_for_others_that_are_down() -> None:
    bot = make_grid_bot()
    down = live_pod(bot, OLD_DEFAULTS, ready=False)
    unready, rolling = Siblings(unready=("GridBot/b",)), Siblings(rolling=("GridBot/b",))
    assert decide(bot, down, policy=ROLLING, siblings=unready).moves
    assert not decide(bot, down, policy=ROLLING, siblings=rolling).moves


@pytest.mark.parametrize("policy", ImageRollout)
def test_a_bot_that_was_never_ready_moves_at_once(policy: ImageRollout) -> None:
    bot = make_grid_bot()
    broken = live_pod(bot, OLD_DEFAULTS, ready=False)
    busy = Siblings(rolling=("GridBot/b",), unready=("GridBot/c",))
    got = decide(bot, broken, policy=policy, siblings=busy, never_ready=True)
    assert (got.image, got.moves) == (NEW, True)


def test_a_bot_on_its_way_to_a_broken_image_moves_on_at_once() -> None:
    broken = live_pod(make_grid_bot(image="broken"), OLD_DEFAULTS, ready=False, rolling=True)
    busy = Siblings(rolling=("GridBot/b",))
    got = decide(make_grid_bot(image=NAMED), broken, siblings=busy)
    assert (got.image, got.moves) == (NAMED, True)


def test_amounts_of_its_own_restart_a_bot_on_the_image_that_it_has() -> None:
    live = live_pod(make_grid_bot(), OLD_DEFAULTS)
    asked = make_grid_bot(resources={"requests": {"cpu": "1"}})
    got = decide(asked, live)
    (container,) = got.template["spec"]["containers"]
    assert (got.image, got.moves, got.behind) == (OLD, True, True)
    assert container["resources"]["requests"] == {"cpu": "1", "memory": "64Mi"}
    after = replace(live, template=got.template)
    assert decide(asked, after).moves is False


def test_a_new_secret_restarts_a_live_bot_and_a_missing_one_does_not() -> None:
    bot = make_grid_bot()

    def wanted(secret: str | None, mode: Mode, live: LivePod | None = None) -> Any:
        workload = workload_of(bot)
        config = workload.config.model_copy(update={"mode": mode})
        changed = replace(workload, config=config, secret_name=secret)
        return build_wanted(changed, bot, OLD_DEFAULTS, live)

    template = wanted("keys", Mode.LIVE).template
    live = LivePod(template=template, template_version=1, is_ready=True, is_rolling=False)
    got = [
        decide_rollout(wanted(secret, mode, live), live, policy=HELD)
        for secret, mode in (
            ("keys", Mode.LIVE),
            ("others", Mode.LIVE),
            (None, Mode.LIVE),
            (None, Mode.PAPER),
        )
    ]
    assert [one.moves for one in got] == [False, True, False, True]


def stored(bot: Bot, settings: ClusterSettings, **status: Any) -> dict[str, Any]:
    built = build_stateful_set(
        workload_of(bot), bot, settings, image=settings.image, template_version=1
    )
    revisions = {"currentRevision": "a", "updateRevision": "a", "readyReplicas": 1}
    built["metadata"]["generation"] = 2
    return {**built, "status": {"observedGeneration": 2} | revisions | status}


@pytest.mark.parametrize(
    ("status", "want"),
    [
        pytest.param({}, (True, False), id="settled"),
        pytest.param({"readyReplicas": 0}, (False, False), id="unready"),
        pytest.param({"updateRevision": "b", "readyReplicas": 0}, (False, True), id="rolling"),
        pytest.param({"observedGeneration": 1}, (True, True), id="not-seen-yet"),
    ],
)
def test_the_state_of_a_stateful_set_is_read(
    status: dict[str, Any], want: tuple[bool, bool]
) -> None:
    bot = make_grid_bot()
    live = stored(bot, OLD_DEFAULTS, **status)
    found = read_live(live, live["spec"]["template"])
    assert (found.is_ready, found.is_rolling) == want


def test_an_image_edited_by_hand_is_put_back() -> None:
    bot = make_grid_bot()
    live = stored(bot, OLD_DEFAULTS)
    live["spec"]["template"]["spec"]["containers"][0]["image"] = "edited"
    found = read_live(live, build_wanted(workload_of(bot), bot, NEW_DEFAULTS, None).template)
    assert decide(bot, found).image == OLD


@pytest.mark.parametrize("mark", [None, "", "{}", "[]", "null", "no json", '{"spec": 1}'])
def test_a_lost_mark_is_found_again_from_the_pod_itself(mark: str | None) -> None:
    bot = make_grid_bot()
    live = stored(bot, OLD_DEFAULTS)
    intact = read_live(live, live["spec"]["template"])
    del live["metadata"]["annotations"]["dantaro.io/pod-template"]
    if mark is not None:
        live["metadata"]["annotations"]["dantaro.io/pod-template"] = mark
    guess = build_wanted(workload_of(bot), bot, NEW_DEFAULTS, None).template
    assert read_live(live, guess) == intact


def test_without_a_mark_a_pod_of_other_settings_counts_as_new() -> None:
    bot = make_grid_bot()
    live = stored(bot, make_cluster_settings(image=OLD, termination_grace_seconds=5))
    live["metadata"]["annotations"] = {}
    guess = build_wanted(workload_of(bot), bot, NEW_DEFAULTS, None).template
    assert read_live(live, guess).template == guess
    assert read_live({**live, "spec": {}}, guess).template == guess


@dataclass
class Account:
    """An account whose pods get ready, or crash, when the test says so."""

    pods: dict[str, LivePod]
    spec: dict[str, str] = field(default_factory=dict)
    down: set[str] = field(default_factory=set)

    def turn(self, policy: ImageRollout, settings: ClusterSettings) -> None:
        candidates = []
        for label, live in self.pods.items():
            bot = self.bot(label)
            wanted = build_wanted(workload_of(bot), bot, settings, live)
            candidates.append(Candidate(label=label, wanted=wanted, live=live))
        for label, rollout in decide_rollouts(candidates, policy=policy).items():
            if rollout.moves:
                if self.pods[label].is_ready:
                    self.down.add(label)
                self.pods[label] = LivePod(
                    template=rollout.template,
                    template_version=rollout.template_version,
                    is_ready=False,
                    is_rolling=True,
                )

    def bot(self, label: str) -> Bot:
        return make_grid_bot(label, image=self.spec.get(label))

    def get_ready(self, label: str) -> None:
        self.down.discard(label)
        self.pods[label] = replace(self.pods[label], is_ready=True, is_rolling=False)

    def crash(self, label: str) -> None:
        self.pods[label] = replace(self.pods[label], is_ready=False)


EVENTS = st.lists(
    st.tuples(st.sampled_from(["turn", "ready", "crash", "name"]), st.integers(0, 3)), max_size=25
)


@given(EVENTS, st.sampled_from(ImageRollout), st.integers(1, 4))
def test_we_never_take_down_two_and_all_arrive(
    events: list[tuple[str, int]], policy: ImageRollout, count: int
) -> None:
    labels = [f"bot{n}" for n in range(count)]
    account = Account({label: live_pod(make_grid_bot(label), OLD_DEFAULTS) for label in labels})
    for event, number in events:
        label = labels[number % count]
        match event:
            case "ready":
                account.get_ready(label)
            case "crash":
                account.crash(label)
            case "name":
                account.spec[label] = NAMED
            case _:
                account.turn(policy, NEW_DEFAULTS)
        assert len(account.down) <= 1
    for _ in range(count + 1):
        for label in labels:
            account.get_ready(label)
        account.turn(policy, NEW_DEFAULTS)
        assert len(account.down) <= 1
    default = NEW if policy is ROLLING else OLD
    want = {label: account.spec.get(label, default) for label in labels}
    assert {label: pod.image for label, pod in account.pods.items()} == want
