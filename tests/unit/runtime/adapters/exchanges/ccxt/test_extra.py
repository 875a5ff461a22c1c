"""ccxt is an extra: loaded when it is asked for, and missed in words."""

import pytest

from tests.unit.runtime.test_import_weight import in_fresh_interpreter

pytestmark = pytest.mark.unit

VENUE = "from dantaro_runtime.adapters.exchanges.ccxt.venue import find_profile\n"


def test_nothing_of_ccxt_is_loaded_before_an_exchange_is_opened() -> None:
    assert in_fresh_interpreter(f"import sys\n{VENUE}print('ccxt' in sys.modules)") == "False"


def test_a_bot_that_left_tls_out_can_load_it() -> None:
    code = (
        "from dantaro_runtime.left_out import leave_out; leave_out()\n"
        f"import dantaro_runtime.bootstrap\n{VENUE}print(find_profile('kucoin').title)"
    )
    assert in_fresh_interpreter(code) == "KuCoin"


def test_without_the_extra_the_error_says_how_to_get_it() -> None:
    code = (
        "import sys; sys.modules['ccxt'] = None\n"
        f"{VENUE}from dantaro_runtime.errors import ConfigError\n"
        "try: find_profile('kucoin')\n"
        "except ConfigError as error: print(error.code, 'dantaro[ccxt]' in error.message)"
    )
    assert in_fresh_interpreter(code) == "ExtraMissing True"
