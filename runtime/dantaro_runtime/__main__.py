"""`python -m dantaro_runtime` is `dantaro-bot`."""

from dantaro_runtime.cli import main

main()
