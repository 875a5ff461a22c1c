"""`python -m tests.bench.fleet_server`: answers the status pages of thousands of bots.

It stands in for the pods. One bot in ten has other figures in each period.
"""

import argparse
import asyncio
import json
import time
from pathlib import Path

from aiohttp import web

from tests.support.bots import make_report

PERIOD_SECONDS = 30


def main() -> None:
    """Serve until killed."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--bots", type=Path, required=True, help="JSON: uid by NAMESPACE/POD")
    parser.add_argument("--port-file", type=Path, required=True)
    options = parser.parse_args()
    uids: dict[str, str] = json.loads(options.bots.read_text())
    numbers = {key: number for number, key in enumerate(uids)}

    async def status(request: web.Request) -> web.Response:
        key = f"{request.match_info['namespace']}/{request.match_info['pod']}"
        period = int(time.monotonic() / PERIOD_SECONDS)
        filled = (period - numbers[key] % 10) // 10
        report = make_report(
            uid=uids[key], orders={"open": 10, "filled": 1000 + filled, "rejected": 0}
        )
        return web.Response(
            body=report.model_dump_json(by_alias=True), content_type="application/json"
        )

    app = web.Application()
    app.router.add_get("/{namespace}/{pod}/status", status)

    async def serve() -> None:
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        options.port_file.write_text(str(runner.addresses[0][1]))
        await asyncio.Event().wait()

    asyncio.run(serve())


if __name__ == "__main__":
    main()
