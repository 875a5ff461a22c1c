from dantaro_operator.services.compact import compact
from tests.support.bots import make_report


def test_models_that_were_set_alike_share_their_sets_of_field_names() -> None:
    one, other = compact(make_report(uid="1")), compact(make_report(uid="2"))

    assert one.model_fields_set is other.model_fields_set
    assert one.pnl.model_fields_set is other.pnl.model_fields_set


def test_models_stay_as_they_were() -> None:
    report, same = make_report(), make_report()
    told, fields = report.model_dump(exclude_unset=True), set(report.model_fields_set)

    compact(report)

    assert report == same
    assert report.model_dump(exclude_unset=True) == told
    assert report.model_fields_set == fields


def test_a_changed_copy_leaves_the_shared_sets_alone() -> None:
    report = compact(make_report())
    before = set(report.model_fields_set)

    report.model_copy(update={"message": "changed", "last_trade_time": None})

    assert set(report.model_fields_set) == before
