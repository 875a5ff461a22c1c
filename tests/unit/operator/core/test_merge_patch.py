"""Merge patches against their definition."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dantaro_operator.core.merge_patch import build_merge_patch

pytestmark = pytest.mark.unit

LEAVES = st.one_of(st.integers(0, 3), st.sampled_from("abc"), st.lists(st.integers(0, 2)))
DOCUMENTS = st.recursive(
    st.dictionaries(st.sampled_from("abc"), LEAVES, max_size=3),
    lambda inner: st.dictionaries(st.sampled_from("abc"), st.one_of(LEAVES, inner), max_size=3),
)


def applied(target: Any, patch: Any) -> Any:
    """Section 2 of RFC 7386."""
    if not isinstance(patch, dict):
        return patch
    result = dict(target) if isinstance(target, dict) else {}
    for key, value in patch.items():
        if value is None:
            result.pop(key, None)
        else:
            result[key] = applied(result.get(key), value)
    return result


@given(DOCUMENTS, DOCUMENTS)
def test_a_patch_makes_the_new_document_of_the_old_one(old: Any, new: Any) -> None:
    assert applied(old, build_merge_patch(old, new)) == new


@given(DOCUMENTS)
def test_equal_documents_need_no_patch(document: Any) -> None:
    assert build_merge_patch(document, document) == {}


def test_only_what_changed_stands_in_it() -> None:
    old = {"phase": "Starting", "pnl": {"total": "1", "today": "1"}, "gone": 1}
    new = {"phase": "Running", "pnl": {"total": "2", "today": "1"}}
    assert build_merge_patch(old, new) == {"phase": "Running", "pnl": {"total": "2"}, "gone": None}
