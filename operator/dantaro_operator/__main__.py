"""`python -m dantaro_operator` is `dantaro`."""

from dantaro_operator.cli import main

if __name__ == "__main__":
    main()
