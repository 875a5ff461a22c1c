"""Central alone: start, a replay at full speed, a full page, memory."""

import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx

from tests.support.central_process import CentralClient, central

__all__ = ["measure_central"]


def measure_central(candles: Path) -> dict[str, float]:
    """Return the figures of one `dantaro-central all` over recorded candles.

    Args:
        candles: Folder of a recording.

    Returns:
        `ready` and `replay`: seconds; `pull`: seconds for one client per market to read all pages
        at once; `page`: milliseconds of one full page, nothing else going on; `memory`: MiB at the
        end.
    """
    with tempfile.TemporaryDirectory() as folder:
        began = time.perf_counter()
        options = ("--source", "replay", "--folder", str(candles), "--speed", "max")
        with central(Path(folder), *options) as client:
            ready = time.perf_counter()
            client.wait_until_ended()
            ended = time.perf_counter()
            symbols = client.get("/health").json()["symbols"]
            with ThreadPoolExecutor(len(symbols)) as pool:
                pages = sum(pool.map(lambda symbol: _pull(client, symbol), symbols))
            pulled = time.perf_counter()
            return {
                "ready": ready - began,
                "replay": ended - ready,
                "pull": pulled - ended,
                "pages": float(pages),
                "page": _page_milliseconds(client, symbols[0]),
                "memory": client.run.rss_mib(),
            }


def _pull(client: CentralClient, symbol: str) -> int:
    """Read all pages of a market as a bot does, without looking at them; return how many."""
    with _session(client) as session:
        count, since = 0, ""
        while True:
            query = {"symbol": symbol} | ({"since": since} if since else {})
            candles = session.get("/api/v1/bundle", params=query).json()["candles"]
            count += 1
            if len(candles) < 500:
                return count
            since = candles[-1]["time"]


def _page_milliseconds(client: CentralClient, symbol: str, times: int = 200) -> float:
    with _session(client) as session:
        began = time.perf_counter()
        for _ in range(times):
            session.get("/api/v1/bundle", params={"symbol": symbol})
        return (time.perf_counter() - began) / times * 1000


def _session(client: CentralClient) -> httpx.Client:
    return httpx.Client(base_url=client.url, headers={"Authorization": f"Bearer {client.key}"})


if __name__ == "__main__":
    recording = Path(__file__).parents[2].parent / "shared" / "data" / "candles" / "upbit"
    for name, figure in measure_central(recording).items():
        print(f"{name:8} {figure:8.2f}")
