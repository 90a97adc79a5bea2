"""What the rivals in Python share: the command line, when a run is warm, what it counts, and the line that it prints.

../../README.md describes the convention.
"""

from __future__ import annotations

import asyncio
import resource
import signal
import sys
import threading
import time
from collections.abc import Awaitable, Callable

BITS = 7


def fail(why: object) -> None:
    print(f"error: {why}", file=sys.stderr)
    sys.exit(2)


def unsupported(what: str) -> None:
    """What was asked for is not something that this program does."""
    print(f"unsupported: {what}", file=sys.stderr)
    sys.exit(64)


class Options:
    """`--name value` pairs."""

    def __init__(self, words: list[str]) -> None:
        if len(words) % 2 or any(not word.startswith("--") for word in words[::2]):
            fail(f"expected --name value, got {' '.join(words)}")
        self.values = {name[2:]: value for name, value in zip(words[::2], words[1::2], strict=True)}

    def text(self, name: str, otherwise: str = "") -> str:
        return self.values.get(name, otherwise)

    def number(self, name: str, otherwise: float) -> float:
        try:
            return float(self.values.get(name, otherwise))
        except ValueError:
            fail(f"--{name} must be a number")

    def count(self, name: str, otherwise: int) -> int:
        return max(1, int(self.number(name, otherwise)))

    def file(self, name: str) -> bytes:
        try:
            with open(self.text(name), "rb") as file:
                return file.read()
        except OSError as error:
            fail(f"--{name}: {error}")


class Histogram:
    """Latencies in buckets that are at most 1/128 of their value wide, so that any percentile is exact to 0.8 %."""

    def __init__(self) -> None:
        self.counts: dict[int, int] = {}
        self.total = 0
        self.maximum = 0

    def add(self, nanoseconds: int) -> None:
        shift = nanoseconds.bit_length() - 1 - BITS
        index = nanoseconds if shift <= 0 else (shift << BITS) + (nanoseconds >> shift)
        self.counts[index] = self.counts.get(index, 0) + 1
        self.total += 1
        self.maximum = max(self.maximum, nanoseconds)

    @staticmethod
    def middle(index: int) -> float:
        if index < 2 << BITS:
            return index
        shift = (index >> BITS) - 1
        return ((index - (shift << BITS)) << shift) + (1 << shift) / 2

    def us(self, share: float) -> float:
        """The latency that `share` of all are no greater than."""
        wanted, seen = int(share * self.total), 0
        for index in sorted(self.counts):
            seen += self.counts[index]
            if seen > wanted:
                return self.middle(index) / 1000
        return self.maximum / 1000

    def write(self, path: str) -> None:
        """A line for each bucket that has something: the latency in µs, and the percentile that it completes."""
        seen = 0
        with open(path, "w", encoding="ascii") as file:
            for index in sorted(self.counts):
                seen += self.counts[index]
                file.write(f"{self.middle(index) / 1000:.3f} {100 * seen / self.total:.6f}\n")


class Measurement:
    """A fifth of the time goes before what is measured. What ends within the time after that counts."""

    def __init__(self, options: Options) -> None:
        self.seconds = max(0.01, options.number("seconds", 3))
        self.rate = options.number("rate", 0)
        self.path = options.text("histogram")
        self.histogram = Histogram()
        self.bytes = self.errors = self.lost = 0
        self.due: asyncio.Queue | None = None
        self.processor_us = 0.0

    def begin(self) -> None:
        """Times begin now."""
        self.start_ns = time.perf_counter_ns()
        self.begin_ns = self.start_ns + int(self.seconds / 5 * 1e9)
        self.end_ns = self.begin_ns + int(self.seconds * 1e9)
        if self.rate > 0:
            self.due = asyncio.Queue()
            threading.Thread(target=self._pace, args=[asyncio.get_running_loop()], daemon=True).start()

    def _pace(self, loop: asyncio.AbstractEventLoop) -> None:
        """With a rate, latencies count from when a call was to start. The loop's own timers are too coarse for that."""
        number = 0
        while (intended := self.start_ns + int(number / self.rate * 1e9)) < self.end_ns:
            if (wait := intended - time.perf_counter_ns()) > 0:
                time.sleep(wait / 1e9)
            loop.call_soon_threadsafe(self.due.put_nowait, intended)
            number += 1

    async def next(self) -> int | None:
        """When the next call is to start, or was; None after the end."""
        now = time.perf_counter_ns()
        if now >= self.end_ns or self.errors > 1000:
            return None
        if self.due is None:
            return now
        try:
            return await asyncio.wait_for(self.due.get(), (self.end_ns - now) / 1e9)
        except asyncio.TimeoutError:
            return None

    def record(self, intended: int, payload_bytes: int) -> None:
        now = time.perf_counter_ns()
        if self.begin_ns <= now < self.end_ns:
            self.histogram.add(now - intended)
            self.bytes += payload_bytes

    def error(self, why: object) -> None:
        if self.errors == 0:
            print(f"error: {why or repr(why)}", file=sys.stderr)
        self.errors += 1

    async def run(self, tasks: list[Callable[[], Awaitable[None]]]) -> None:
        """Runs the tasks through the time."""
        self.begin()
        running = [asyncio.ensure_future(self._guarded(task)) for task in tasks]
        await asyncio.sleep((self.begin_ns - time.perf_counter_ns()) / 1e9)
        before = time.process_time_ns()
        await asyncio.sleep((self.end_ns - time.perf_counter_ns()) / 1e9)
        self.processor_us = (time.process_time_ns() - before) / 1e3
        _, left = await asyncio.wait(running, timeout=10)
        if left:
            self.error(f"{len(left)} calls did not end")

    async def _guarded(self, task: Callable[[], Awaitable[None]]) -> None:
        try:
            await task()
        except Exception as error:
            self.error(error if str(error) else repr(error))

    def report(self, counts_losses: bool = False) -> int:
        """Prints the line; the status to exit with."""
        h = self.histogram
        more = f" lost={self.lost}" if counts_losses else ""
        if self.due is not None:
            more += f" behind={self.due.qsize()}"
        print(
            f"calls_per_second={h.total / self.seconds:.1f} mb_per_second={self.bytes / 1e6 / self.seconds:.2f} "
            f"p50_us={h.us(0.5):.2f} p90_us={h.us(0.9):.2f} p99_us={h.us(0.99):.2f} p999_us={h.us(0.999):.2f} "
            f"max_us={h.maximum / 1000:.2f} cpu_us_per_call={self.processor_us / max(1, h.total):.3f} "
            f"peak_rss_kib={resource.getrusage(resource.RUSAGE_SELF).ru_maxrss} calls={h.total} errors={self.errors}{more}",
            flush=True,
        )
        if self.path and h.total:
            h.write(self.path)
        return int(self.errors > 0 or h.total == 0)


async def serving(port: int) -> None:
    """Says where the server listens, and waits for SIGTERM."""
    terminated = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, terminated.set)
    print(f"LISTENING {port}", flush=True)
    await terminated.wait()


def main(
    version: str,
    pairs: list[str],
    serve: Callable[[Options, str], Awaitable[None]],
    call: Callable[[Options, str, str, Measurement], Awaitable[None]],
) -> None:
    """The program: `serve` runs until SIGTERM, `call` measures."""
    verb = sys.argv[1] if len(sys.argv) > 1 else ""
    options = Options(sys.argv[2:])
    wire, scenario = options.text("wire", pairs[0].split(":")[0]), options.text("scenario", "unary")
    # The faster loop, where it is installed.
    try:
        import uvloop

        run = uvloop.run
    except ImportError:
        run = asyncio.run
    if verb == "scenarios":
        print("\n".join(pairs))
    elif verb == "version":
        print(version)
    elif verb == "serve":
        if not any(pair.startswith(f"{wire}:") for pair in pairs):
            unsupported(f"the wire '{wire}'")
        run(serve(options, wire))
    elif verb == "call":
        if f"{wire}:{scenario}" not in pairs:
            unsupported(f"{wire}:{scenario}")
        measurement = Measurement(options)
        run(call(options, wire, scenario, measurement))
        sys.exit(measurement.report(scenario == "datagram"))
    else:
        fail("usage: serve|call|scenarios|version; Benchmarks/README.md has the options")
