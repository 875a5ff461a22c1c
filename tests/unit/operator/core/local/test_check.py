from typing import Any

import pytest

from dantaro_operator.core.local.check import check_scan
from dantaro_operator.core.local.documents import FolderScan
from tests.support.bots import NOW, make_scan, share
from tests.support.documents import allocation_document, grid_bot_document, trading_bot_document

pytestmark = pytest.mark.unit

SHARES = [share("GridBot", "grid"), share("TradingBot", "staged", 50)]
LIVE: dict[str, Any] = {
    "mode": "Live",
    "exchange": {"name": "upbit"},
    "credentialsSecretRef": {"name": "k"},
    "acknowledgeLiveTrading": True,
}
OTHER_SPACE = trading_bot_document() | {"metadata": {"name": "staged", "namespace": "other"}}


def test_good_files_are_fine() -> None:
    scan = make_scan(a=[allocation_document(shares=SHARES)], b=[grid_bot_document()])
    result = check_scan(scan, is_whole=True, now=NOW)
    assert result.is_fine
    assert result.fine == ("a.yaml:1: Allocation/main", "b.yaml:1: GridBot/grid")


def test_a_bot_that_leaves_its_market_open_is_fine() -> None:
    bot = trading_bot_document(symbol="auto")
    scan = make_scan(a=[allocation_document(shares=SHARES)], b=[grid_bot_document(), bot])
    result = check_scan(scan, is_whole=True, now=NOW)
    assert (result.findings, len(result.fine)) == ((), 3)


def test_a_warning_alone_is_fine() -> None:
    scan = make_scan(a=[{"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "x"}}])
    assert check_scan(scan, is_whole=True, now=NOW).is_fine


@pytest.mark.parametrize(("is_whole", "want"), [(True, False), (False, True)])
def test_a_single_bot_may_have_its_account_elsewhere(is_whole: bool, want: bool) -> None:
    scan = make_scan(a=[grid_bot_document()])
    assert check_scan(scan, is_whole=is_whole, now=NOW).is_fine is want


@pytest.mark.parametrize(
    ("scan", "want"),
    [
        pytest.param(
            make_scan(a=[allocation_document(shares=SHARES)], b=[grid_bot_document("other")]),
            "b.yaml:1: GridBot/other: spec.allocationRef.name: expected a share",
            id="no-share",
        ),
        pytest.param(
            make_scan(
                a=[allocation_document(shares=SHARES)],
                b=[grid_bot_document(), trading_bot_document(symbol="KRW-BTC")],
            ),
            "b.yaml:11: TradingBot/staged: spec.symbol: expected a market of its own",
            id="two-bots-on-one-market",
        ),
        pytest.param(
            make_scan(
                a=[allocation_document(shares=SHARES, budget="40000")], b=[grid_bot_document()]
            ),
            "b.yaml:1: GridBot/grid: spec.allocationRef: the budget of 10 grids",
            id="budget-too-small",
        ),
        pytest.param(
            make_scan(a=[allocation_document(**LIVE)]),
            "a.yaml:1: Allocation/main: spec.mode: expected Paper, was Live",
            id="live",
        ),
        pytest.param(
            make_scan(a=[allocation_document(shares=SHARES)], b=[grid_bot_document(), OTHER_SPACE]),
            "b.yaml:11: TradingBot/staged: spec.allocationRef.name: expected the name of an "
            "Allocation in namespace other, found none named main: create it",
            id="account-in-another-namespace",
        ),
        pytest.param(
            make_scan(a=[allocation_document(budget="none")], b=[grid_bot_document()]),
            "b.yaml:1: GridBot/grid: spec.allocationRef.name: Allocation/main is wrong (a.yaml:1): "
            "mend it",
            id="account-is-wrong",
        ),
        pytest.param(
            make_scan(a=[allocation_document("a", **LIVE)], b=[allocation_document("b", **LIVE)]),
            "b.yaml:1: Allocation/b: spec.credentialsSecretRef.name: expected a Secret of its own, "
            "but k is used by the older Allocation/a: put the bots into that one",
            id="two-live-accounts-on-one-secret",
        ),
        pytest.param(
            make_scan(
                a=[allocation_document(shares=SHARES), grid_bot_document()], b=[grid_bot_document()]
            ),
            "b.yaml:1: GridBot/grid: metadata.name: expected each object once, but it stands in "
            "a.yaml:11 already: remove or rename one",
            id="one-object-in-two-files",
        ),
        pytest.param(
            make_scan(a=[grid_bot_document() | {"kind": "GridBott"}]),
            "a.yaml:1: GridBott/grid: kind: expected one of Allocation, TradingBot, GridBot, was "
            '"GridBott", did you mean GridBot?',
            id="kind-misspelt",
        ),
        pytest.param(
            make_scan(a=[grid_bot_document() | {"apiVersion": "v1alpha1"}]),
            'a.yaml:1: GridBot/grid: apiVersion: expected dantaro.io/v1alpha1, was "v1alpha1"',
            id="version-without-its-group",
        ),
    ],
)
def test_what_only_all_files_together_show_is_found(scan: FolderScan, want: str) -> None:
    result = check_scan(scan, is_whole=True, now=NOW)
    assert not result.is_fine
    assert any(finding.text.startswith(want) for finding in result.findings), result.findings


@pytest.mark.parametrize(("is_whole", "want"), [(True, 1), (False, 0)])
def test_a_share_without_a_bot_is_a_warning(is_whole: bool, want: int) -> None:
    scan = make_scan(a=[allocation_document(shares=SHARES)], b=[grid_bot_document()])
    result = check_scan(scan, is_whole=is_whole, now=NOW)
    idle = [f.text for f in result.findings if "lie idle" in f.text]
    assert (len(idle), result.is_fine) == (want, True)


def test_a_share_of_a_bot_of_another_account_is_a_warning() -> None:
    scan = make_scan(
        a=[allocation_document(shares=SHARES), trading_bot_document()],
        b=[allocation_document("other", shares=SHARES[:1])],
        c=[grid_bot_document(allocationRef={"name": "other"})],
    )
    result = check_scan(scan, is_whole=True, now=NOW)
    assert result.is_fine
    assert [finding.text for finding in result.findings] == [
        (
            "a.yaml:1: Allocation/main: spec.shares[0].name: GridBot/grid belongs to "
            "Allocation/other: its 50 % lie idle"
        )
    ]


def test_an_empty_namespace_is_the_default_one() -> None:
    spaceless = grid_bot_document() | {"metadata": {"name": "grid", "namespace": ""}}
    scan = make_scan(a=[allocation_document(shares=SHARES[:1])], b=[spaceless])
    result = check_scan(scan, is_whole=True, now=NOW)
    assert (result.findings, len(result.fine)) == ((), 2)


def test_every_finding_is_told_at_once() -> None:
    broken: list[dict[str, Any]] = [grid_bot_document("a", grids=0), grid_bot_document("b", x=1)]
    result = check_scan(make_scan(a=broken), is_whole=False, now=NOW)
    assert {finding.object for finding in result.findings} == {"GridBot/a", "GridBot/b"}


def test_an_acceptance_of_no_day_is_found_at_its_place() -> None:
    bot = grid_bot_document()
    bot["metadata"]["annotations"] = {"dantaro.io/accept-loss": "2026-02-30"}
    scan = make_scan(a=[allocation_document(shares=[share("GridBot", "grid")])], b=[bot])
    result = check_scan(scan, is_whole=True, now=NOW)
    assert [finding.field for finding in result.findings] == [
        "metadata.annotations[dantaro.io/accept-loss]"
    ]
    assert result.findings[0].message == (
        "expected a day such as 2026-01-31, was '2026-02-30': name the trading day (Asia/Seoul) "
        "whose loss is accepted"
    )
