"""`python -m tests.support.exchange`: runs an exchange on loopback until its parent lets go."""

import argparse
import asyncio
import gc
import sys
from datetime import datetime
from pathlib import Path
from typing import Any

from aiohttp import web

from tests.support.exchange.config import ClockConfig, ExchangeConfig
from tests.support.exchange.server import Server
from tests.support.exchange.world import World


def main() -> None:
    """Read the command line and serve."""
    parser = argparse.ArgumentParser(prog="exchange", description=__doc__)
    parser.add_argument("--config", type=Path, help="JSON file; see config.py")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--port-file", type=Path, required=True)
    parser.add_argument("--wall", type=datetime.fromisoformat, help="wall clock's anchor")
    parser.add_argument("--market", type=datetime.fromisoformat, help="market time's anchor")
    parser.add_argument("--speed", type=float, help="market seconds in a second")
    given = parser.parse_args()
    config = ExchangeConfig()
    if given.config:
        config = ExchangeConfig.model_validate_json(given.config.read_bytes())
    asyncio.run(_serve(_with_clock(config, given), port=given.port, port_file=given.port_file))


def _with_clock(config: ExchangeConfig, given: argparse.Namespace) -> ExchangeConfig:
    anchors: dict[str, Any] = {
        name: value
        for name in ("wall", "market", "speed")
        if (value := getattr(given, name)) is not None
    }
    if not anchors:
        return config
    clock = ClockConfig.model_validate(config.clock.model_dump() | {"mode": "replay"} | anchors)
    return config.model_copy(update={"clock": clock})


async def _serve(config: ExchangeConfig, *, port: int, port_file: Path) -> None:
    server = Server(World(config))
    gc.freeze()  # the recorded candles live as long as the process
    runner = web.ServerRunner(
        web.Server(server.handle, access_log=None, handler_cancellation=False)
    )
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", port, shutdown_timeout=0.1, backlog=1024)
    await site.start()
    bound: int = runner.addresses[0][1]
    partial = port_file.with_suffix(".tmp")
    partial.write_text(str(bound))
    partial.rename(port_file)
    try:
        # The parent holds the other end of the pipe; it ends with the parent.
        await asyncio.get_running_loop().run_in_executor(None, sys.stdin.buffer.read)
    finally:
        await runner.cleanup()


main()
