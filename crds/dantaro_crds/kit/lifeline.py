"""Ends a child process when the process that started it is gone, even by kill -9.

The parent keeps the write end of the child's standard input open. When the parent dies, whatever
the reason, the kernel closes it and the child reads the end of the file.
"""

import asyncio
import sys

__all__ = ["wait_for_parent_exit"]


async def wait_for_parent_exit() -> None:
    """Return when standard input reaches its end, that is when the parent is gone."""
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader()
    transport, _ = await loop.connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), sys.stdin
    )
    try:
        while await reader.read(1024):
            pass
    finally:
        transport.close()
