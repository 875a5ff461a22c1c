"""`python -m dantaro_central` is `dantaro-central`."""

import sys

from dantaro_central.cli import main

__all__: list[str] = []

sys.exit(main())
