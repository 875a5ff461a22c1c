"""Generated objects: the API server and `validate` give the same verdict and blame the same fields.

`DANTARO_TEST_EXAMPLES` sets how many objects each test makes. What differs on purpose is left out:
a start of a name instead of a name. (The server looks at no rule while a type is wrong: verdicts
are compared, and the server may find less, but nothing that `validate` does not.)
"""

import os
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, event, given, settings
from hypothesis import strategies as st

from dantaro_crds.schema.validation import FieldError, validate
from tests.support.cluster import Cluster
from tests.support.generated import changes, damaged_objects, good_objects
from tests.support.verdicts import Judge, ServerVerdict, is_about

EXAMPLES = int(os.environ.get("DANTARO_TEST_EXAMPLES", "300"))

pytestmark = [pytest.mark.apiserver, pytest.mark.timeout(60 + EXAMPLES)]

often = settings(
    max_examples=EXAMPLES,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)


@pytest.fixture(scope="module")
def judge(cluster: Cluster) -> Iterator[Judge]:
    with cluster.namespace() as namespace:
        yield Judge(cluster=cluster, namespace=namespace)


def assert_agreement(verdict: ServerVerdict, findings: list[FieldError]) -> None:
    event("accepted" if verdict.accepted else "refused")
    assert verdict.accepted is (findings == []), (verdict, findings)
    fields = [finding.field for finding in findings]
    unknown = [c for c in verdict.causes if not any(is_about(c[0], field) for field in fields)]
    assert unknown == [], findings


def has_only_the_start_of_a_name(document: dict[str, Any]) -> bool:
    metadata = document.get("metadata")
    return (
        isinstance(metadata, dict)
        and not metadata.get("name")
        and bool(metadata.get("generateName"))
    )


@often
@given(document=good_objects() | damaged_objects())
def test_new_objects(judge: Judge, document: dict[str, Any]) -> None:
    assume(not has_only_the_start_of_a_name(document))
    assert_agreement(judge.judge_new(document), validate(document))


@often
@given(data=st.data(), old=good_objects().filter(lambda document: not validate(document)))
def test_changed_objects(judge: Judge, data: st.DataObject, old: dict[str, Any]) -> None:
    new = data.draw(changes(old))
    assert_agreement(judge.judge_change(old, new), validate(new, old=old))
