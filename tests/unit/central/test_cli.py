"""The command itself."""

import pytest

from dantaro_central.cli import report
from dantaro_crds.errors import ConflictError, DantaroError, SafetyError, TransientError

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("error", "want"),
    [
        pytest.param(ConflictError("m"), 78, id="settings"),
        pytest.param(TransientError("m"), 75, id="later"),
        pytest.param(SafetyError("m"), 70, id="invariant"),
        pytest.param(RuntimeError("m"), 70, id="bug"),
        pytest.param(KeyboardInterrupt(), 130, id="interrupted"),
    ],
)
def test_the_exit_code_says_whose_move_it_is(
    error: BaseException, want: int, capsys: pytest.CaptureFixture[str]
) -> None:
    assert report(error) == want
    assert ("dantaro-central: m" in capsys.readouterr().err) == isinstance(error, DantaroError)
