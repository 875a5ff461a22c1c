"""`python -m dantaro_central` is `dantaro-central`."""

from dantaro_central.cli import main

main()
