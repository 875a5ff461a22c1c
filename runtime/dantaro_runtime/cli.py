"""`dantaro-bot`: one bot, from one configuration file."""

import argparse
import decimal
import sys
from pathlib import Path

from dantaro_crds import __version__
from dantaro_runtime.left_out import leave_out

__all__ = ["main"]

EXIT_BUG = 70
"""Something of ours is wrong; the process is started again."""

EXIT_CONFIG = 78
"""The configuration cannot be used; starting again cannot help before it changes."""


def main() -> None:
    """Run one bot, or show what its store holds; the exit status says whose move it is."""
    if sys.argv[1:2] == ["inspect"]:
        from dantaro_runtime.commands.inspect import inspect  # noqa: PLC0415

        sys.exit(inspect(sys.argv[2:]))
    parser = argparse.ArgumentParser(
        prog="dantaro-bot",
        description="Trade one bot. It serves /healthz, /readyz, /status and /metrics.",
        epilog="Exit status: 0 stopped as told, 70 a bug or the store, 78 the configuration. "
        "`dantaro-bot inspect --help` tells how to read a bot's records.",
    )
    parser.add_argument("--config", type=Path, required=True, metavar="FILE", help="JSON file")
    parser.add_argument(
        "--exit-with-parent", action="store_true", help="stop when standard input ends"
    )
    parser.add_argument("--log-level", default="INFO", help="DEBUG, INFO, WARNING or ERROR")
    parser.add_argument("--version", action="version", version=f"dantaro {__version__}")
    options = parser.parse_args()
    leave_out()
    set_decimal_context()
    sys.exit(_run(options))


def set_decimal_context() -> None:
    """Make every sum and product of money exact: 60 digits hold any of them."""
    for context in (decimal.DefaultContext, decimal.getcontext()):
        context.prec = 60


def _run(options: argparse.Namespace) -> int:
    # Imported late, after main() has left out what a bot does without.
    import asyncio  # noqa: PLC0415

    import structlog  # noqa: PLC0415

    from dantaro_crds.errors import DantaroError, SpecError  # noqa: PLC0415
    from dantaro_crds.kit.logs import configure_logs  # noqa: PLC0415
    from dantaro_runtime.bootstrap import run_bot  # noqa: PLC0415
    from dantaro_runtime.errors import (  # noqa: PLC0415
        ConfigError,
        FencedOffError,
        RestartNeededError,
    )

    configure_logs(options.log_level)
    log = structlog.get_logger()
    try:
        asyncio.run(run_bot(options.config, exit_with_parent=options.exit_with_parent))
    except (ConfigError, SpecError) as error:
        log.error("configuration refused", reason=error.code, message=str(error))  # noqa: TRY400
        return EXIT_CONFIG
    except RestartNeededError as error:
        log.info("ends to start anew", message=error.message)
        return 0
    except FencedOffError as error:
        log.error("another process took over", message=str(error))  # noqa: TRY400
        return 0
    except DantaroError as error:
        log.error("cannot run", reason=error.code, message=str(error))  # noqa: TRY400
        return EXIT_BUG
    except Exception:
        log.exception("a bug")
        return EXIT_BUG
    return 0


if __name__ == "__main__":
    main()
