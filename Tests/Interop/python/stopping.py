"""How a server of the tests ends."""

from __future__ import annotations

import asyncio
import signal
import sys
import threading


async def until_told_to_stop() -> None:
    """Returns when standard input closes or on SIGTERM."""
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, stop.set)

    def watch_standard_input() -> None:
        while sys.stdin.buffer.raw.read(4096):
            pass
        loop.call_soon_threadsafe(stop.set)

    threading.Thread(target=watch_standard_input, daemon=True).start()
    await stop.wait()
