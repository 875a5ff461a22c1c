"""A real API server over the corpus of good and bad objects: the verdicts of `validate`.

`pytest tests/apiserver/test_corpus.py -s` prints the counts at its end.
"""

from collections import Counter
from collections.abc import Iterator

import pytest

from dantaro_crds.v1alpha1.kinds import KINDS, parse
from tests.support.cluster import Cluster
from tests.support.corpus import CORPUS, Case, part_of
from tests.support.verdicts import Judge, is_about

pytestmark = pytest.mark.apiserver


@pytest.fixture(scope="module")
def judge(cluster: Cluster) -> Iterator[Judge]:
    with cluster.namespace() as namespace:
        yield Judge(cluster=cluster, namespace=namespace)


@pytest.fixture(scope="module")
def tally() -> Iterator[Counter[str]]:
    """Counts of verdicts, printed at the end."""
    counts: Counter[str] = Counter()
    yield counts
    print(f"\ncorpus: {sum(counts.values())} objects: ", end="")
    print(", ".join(f"{count} {what}" for what, count in counts.most_common()))


def agreement(by_server: bool, by_validate: bool) -> str:
    match by_server, by_validate:
        case True, True:
            return "accepted by both"
        case False, False:
            return "refused by both"
        case True, False:
            return "refused by validate alone"
        case _:
            return "refused by the server alone"


@pytest.mark.parametrize("case", [c for c in CORPUS if c.refused], ids=lambda case: case.id)
def test_the_server_refuses_what_validate_refuses_and_says_why(
    judge: Judge, tally: Counter[str], case: Case
) -> None:
    verdict = judge.judge(case)
    tally[agreement(verdict.accepted, not case.findings())] += 1
    assert verdict.accepted is bool(case.stricter), verdict
    wanted = [wrong for wrong in case.refused if wrong.server is not None]
    assert [wrong for wrong in wanted if not verdict.says(wrong)] == [], verdict
    fields = [wrong.field for wrong in case.refused]
    assert [c for c in verdict.causes if not any(is_about(c[0], field) for field in fields)] == []


@pytest.mark.parametrize("case", [c for c in CORPUS if not c.refused], ids=lambda case: case.id)
def test_the_server_accepts_what_validate_accepts_and_keeps_what_the_models_read(
    judge: Judge, tally: Counter[str], case: Case
) -> None:
    verdict = judge.judge(case)
    tally[agreement(verdict.accepted, not case.findings())] += 1
    assert verdict.accepted, verdict
    kind = KINDS[case.document["kind"]]
    assert parse(kind, verdict.kept).spec == parse(kind, {**case.document, "status": {}}).spec
    assert part_of(case.becomes, verdict.kept) == case.becomes
