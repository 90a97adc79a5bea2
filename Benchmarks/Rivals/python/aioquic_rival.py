"""Raw QUIC streams and HTTP/3 requests on aioquic. The command line stands in ../../README.md; this program knows
besides `--messages N` of one client or server stream."""

from __future__ import annotations

import asyncio
import collections
import dataclasses

import aioquic
from aioquic.asyncio import QuicConnectionProtocol, connect, serve as serve_quic
from aioquic.h3.connection import H3_ALPN, H3Connection
from aioquic.h3.events import DataReceived, HeadersReceived
from aioquic.quic.configuration import QuicConfiguration
from aioquic.quic.events import (
    ConnectionTerminated, DatagramFrameReceived, HandshakeCompleted, StreamDataReceived, StreamReset,
)
from aioquic.tls import CipherSuite
from measurement import Measurement, Options, main, serving

SCENARIOS = ["unary", "client-stream", "server-stream", "ping-pong", "handshake", "bulk"]
PAIRS = [*(f"quic:{scenario}" for scenario in [*SCENARIOS, "resume", "datagram"]), *(f"h3:{s}" for s in SCENARIOS)]
# How much of all bulk streams may wait to be sent: the library itself sets no bound.
QUEUED_BYTES = 1 << 20


def configuration(wire: str, is_client: bool) -> QuicConfiguration:
    return QuicConfiguration(
        is_client=is_client,
        alpn_protocols=H3_ALPN if wire == "h3" else ["bench"],
        server_name="localhost" if is_client else None,
        max_datagram_frame_size=65536,
        max_datagram_size=1452,
        max_data=32 << 20,
        max_stream_data=8 << 20,
        cipher_suites=[CipherSuite.AES_128_GCM_SHA256, CipherSuite.AES_256_GCM_SHA384],
    )


# MARK: - Server


class Exchange:
    """One stream at the server; what its first byte, or its path, says is done with the rest."""

    def __init__(self, mode: bytes, send) -> None:
        self.mode, self.send = mode, send
        self.count, self.request = 0, b""

    def received(self, data: bytes, is_last: bool) -> None:
        if self.mode in b"EP":
            self.send(data, is_last)
        elif self.mode == b"C":
            self.count += len(data)
            if is_last:
                self.send(self.count.to_bytes(8, "big"), True)
        else:
            self.request += data
            if is_last:
                self.send(self.request[4:] * int.from_bytes(self.request[:4], "big"), True)


class Server(QuicConnectionProtocol):
    def __init__(self, *arguments, **options) -> None:
        super().__init__(*arguments, **options)
        self.exchanges: dict[int, Exchange] = {}

    def quic_event_received(self, event) -> None:
        if isinstance(event, StreamDataReceived):
            stream, data = event.stream_id, event.data
            exchange = self.exchanges.get(stream)
            if exchange is None:
                if not data:
                    return
                exchange = Exchange(data[:1], lambda data, end: self._quic.send_stream_data(stream, data, end))
                self.exchanges[stream] = exchange
                data = data[1:]
            exchange.received(data, event.end_stream)
            if event.end_stream:
                del self.exchanges[stream]
        elif isinstance(event, DatagramFrameReceived):
            self._quic.send_datagram_frame(event.data)


class HTTPServer(QuicConnectionProtocol):
    def __init__(self, *arguments, **options) -> None:
        super().__init__(*arguments, **options)
        self.http = H3Connection(self._quic)
        self.exchanges: dict[int, Exchange] = {}

    def quic_event_received(self, event) -> None:
        for part in self.http.handle_event(event):
            stream = part.stream_id
            if isinstance(part, HeadersReceived):
                path = dict(part.headers)[b":path"]
                self.http.send_headers(stream, [(b":status", b"200")])
                self.exchanges[stream] = Exchange(path[1:2], lambda data, end, s=stream: self.http.send_data(s, data, end))
            elif isinstance(part, DataReceived):
                self.exchanges[stream].received(part.data, part.stream_ended)
            if part.stream_ended:
                self.exchanges.pop(stream, None)


class Tickets:
    """The sessions that clients may resume, a bounded number."""

    def __init__(self) -> None:
        self.tickets = collections.OrderedDict()

    def add(self, ticket) -> None:
        self.tickets[ticket.ticket] = ticket
        if len(self.tickets) > 1024:
            self.tickets.popitem(last=False)

    def pop(self, label: bytes):
        return self.tickets.pop(label, None)


async def serve(options: Options, wire: str) -> None:
    quic = configuration(wire, is_client=False)
    quic.load_cert_chain(options.text("cert"), options.text("key"))
    tickets = Tickets()
    server = await serve_quic(
        "127.0.0.1", int(options.number("port", 0)), configuration=quic,
        create_protocol=HTTPServer if wire == "h3" else Server,
        session_ticket_fetcher=tickets.pop, session_ticket_handler=tickets.add,
    )  # fmt: skip
    await serving(server._transport.get_extra_info("sockname")[1])


# MARK: - Client


class Stream:
    """What has come on a stream."""

    def __init__(self) -> None:
        self.data, self.is_ended = bytearray(), False
        self.waiter: asyncio.Future | None = None

    def received(self, data: bytes, is_last: bool) -> None:
        self.data += data
        self.is_ended |= is_last
        if self.waiter is not None and not self.waiter.done():
            self.waiter.set_result(None)

    async def take(self, count: int | None) -> bytes:
        """`count` bytes; with None all to the end."""
        while not self.is_ended and (count is None or len(self.data) < count):
            self.waiter = asyncio.get_running_loop().create_future()
            await self.waiter
        count = len(self.data) if count is None else count
        data = bytes(self.data[:count])
        del self.data[:count]
        return data


class Client(QuicConnectionProtocol):
    """Raw streams."""

    def __init__(self, *arguments, **options) -> None:
        super().__init__(*arguments, **options)
        self.streams: dict[int, Stream] = {}
        self.datagrams: dict[bytes, asyncio.Future] = {}
        self.is_resumed = False

    def quic_event_received(self, event) -> None:
        if isinstance(event, StreamDataReceived):
            self.streams[event.stream_id].received(event.data, event.end_stream)
        elif isinstance(event, DatagramFrameReceived):
            if (waiter := self.datagrams.pop(event.data[:8], None)) and not waiter.done():
                waiter.set_result(None)
        elif isinstance(event, HandshakeCompleted):
            self.is_resumed = event.session_resumed
        elif isinstance(event, (ConnectionTerminated, StreamReset)):
            for stream in self.streams.values():
                stream.received(b"", True)

    def open(self, mode: bytes) -> tuple[int, Stream]:
        number = self._quic.get_next_available_stream_id()
        self.streams[number] = stream = Stream()
        # Registers the stream; nothing goes out before transmit().
        self._quic.send_stream_data(number, b"E" if mode == b"P" else mode, False)
        return number, stream

    def queue(self, number: int, data: bytes, is_last: bool) -> None:
        self._quic.send_stream_data(number, data, is_last)

    def send(self, number: int, data: bytes, is_last: bool) -> None:
        self.queue(number, data, is_last)
        self.transmit()

    def queued(self, number: int) -> int:
        sender = self._quic._streams[number].sender
        return len(sender._buffer)

    def done(self, number: int) -> None:
        del self.streams[number]


class HTTPClient(Client):
    """HTTP/3 requests."""

    def __init__(self, *arguments, **options) -> None:
        super().__init__(*arguments, **options)
        self.http = H3Connection(self._quic)

    def quic_event_received(self, event) -> None:
        for part in self.http.handle_event(event):
            if isinstance(part, DataReceived):
                self.streams[part.stream_id].received(part.data, part.stream_ended)
            elif part.stream_ended:
                self.streams[part.stream_id].received(b"", True)
        if not isinstance(event, (StreamDataReceived, DatagramFrameReceived)):
            super().quic_event_received(event)

    def open(self, mode: bytes) -> tuple[int, Stream]:
        number = self._quic.get_next_available_stream_id()
        self.streams[number] = stream = Stream()
        head = [(b":method", b"POST"), (b":scheme", b"https"), (b":authority", b"localhost"), (b":path", b"/" + mode)]
        self.http.send_headers(number, head)
        return number, stream

    def queue(self, number: int, data: bytes, is_last: bool) -> None:
        self.http.send_data(number, data, is_last)


class Calls:
    def __init__(self, options: Options, wire: str, scenario: str, measurement: Measurement) -> None:
        self.measurement = measurement
        self.scenario = scenario
        self.size = int(options.number("size", 65536 if scenario == "bulk" else 64))
        self.queued_bytes = QUEUED_BYTES // options.count("concurrency", 1)
        self.messages = options.count("messages", 100)
        self.chunk = b"x" * self.size
        host, _, port = options.text("to").rpartition(":")
        self.address = host, int(port)
        self.configuration = configuration(wire, is_client=True)
        self.configuration.load_verify_locations(cafile=options.text("ca"))
        self.ending: set[asyncio.Future] = set()
        self.tickets = collections.deque(maxlen=1024)
        self.protocol = HTTPClient if wire == "h3" else Client

    def connect(self):
        configuration = self.configuration
        if self.tickets:
            # The server takes a ticket once.
            configuration = dataclasses.replace(configuration, session_ticket=self.tickets.pop())
        return connect(
            *self.address, configuration=configuration, create_protocol=self.protocol,
            session_ticket_handler=self.keep if self.scenario == "resume" else None, local_port=0,
        )  # fmt: skip

    def keep(self, ticket) -> None:
        self.tickets.append(ticket)

    async def exchange(self, client: Client, mode: bytes, parts: list[bytes]) -> bytes:
        number, stream = client.open(mode)
        # What is queued goes out together.
        for part in parts[:-1]:
            client.queue(number, part, False)
        client.send(number, parts[-1], True)
        answer = await stream.take(None)
        client.done(number)
        return answer

    async def unary(self, client: Client) -> None:
        while (intended := await self.measurement.next()) is not None:
            self.check(len(await self.exchange(client, b"E", [self.chunk])), self.size)
            self.measurement.record(intended, self.size)

    async def client_stream(self, client: Client) -> None:
        total = self.size * self.messages
        while (intended := await self.measurement.next()) is not None:
            answer = await self.exchange(client, b"C", [self.chunk] * self.messages)
            self.check(int.from_bytes(answer, "big"), total)
            self.measurement.record(intended, total)

    async def server_stream(self, client: Client) -> None:
        request, total = self.messages.to_bytes(4, "big") + self.chunk, self.size * self.messages
        while (intended := await self.measurement.next()) is not None:
            self.check(len(await self.exchange(client, b"S", [request])), total)
            self.measurement.record(intended, total)

    async def ping_pong(self, client: Client) -> None:
        """One stream for all round trips."""
        number, stream = client.open(b"P")
        while (intended := await self.measurement.next()) is not None:
            client.send(number, self.chunk, False)
            self.check(len(await stream.take(self.size)), self.size)
            self.measurement.record(intended, self.size)
        client.send(number, b"", True)

    async def bulk(self, client: Client) -> None:
        """One stream, as many bytes as it takes; the server counts them."""
        number, stream = client.open(b"C")
        total = 0
        while (intended := await self.measurement.next()) is not None:
            client.send(number, self.chunk, False)
            total += self.size
            while client.queued(number) > self.queued_bytes:
                await asyncio.sleep(0)
            self.measurement.record(intended, self.size)
        client.send(number, b"", True)
        self.check(int.from_bytes(await stream.take(None), "big"), total)

    async def handshake(self, _) -> None:
        """A connection, one echo, and the end."""
        count = 0
        while (intended := await self.measurement.next()) is not None:
            context = self.connect()
            client = await context.__aenter__()
            self.check(len(await self.exchange(client, b"E", [self.chunk])), self.size)
            if self.scenario == "resume" and count > 0 and not client.is_resumed:
                raise ValueError("the session was not resumed")
            self.measurement.record(intended, self.size)
            count += 1
            # The library waits some round trips before it lets go of a connection; nobody waits for that.
            client.close()
            ending = asyncio.ensure_future(context.__aexit__(None, None, None))
            self.ending.add(ending)
            ending.add_done_callback(self.ending.discard)

    resume = handshake

    async def datagram(self, client: Client) -> None:
        loop = asyncio.get_running_loop()
        number = (id(asyncio.current_task()) & 0xFFFFFF) << 36
        padding = b"x" * max(0, self.size - 8)
        while (intended := await self.measurement.next()) is not None:
            number += 1
            name = number.to_bytes(8, "big")
            client.datagrams[name] = waiter = loop.create_future()
            client._quic.send_datagram_frame(name + padding)
            client.transmit()
            # Datagrams may get lost.
            await asyncio.wait([waiter], timeout=0.2)
            if waiter.done():
                self.measurement.record(intended, self.size)
            else:
                self.measurement.lost += 1
                client.datagrams.pop(name, None)

    @staticmethod
    def check(count: int, expected: int) -> None:
        if count != expected:
            raise ValueError(f"{count} bytes instead of {expected}")


async def call(options: Options, wire: str, scenario: str, measurement: Measurement) -> None:
    calls = Calls(options, wire, scenario, measurement)
    contexts = [] if scenario in ("handshake", "resume") else [calls.connect() for _ in range(options.count("connections", 1))]
    clients = [await context.__aenter__() for context in contexts] or [None]
    work = getattr(calls, scenario.replace("-", "_"))
    concurrency = max(options.count("concurrency", 1), len(clients))
    await measurement.run([lambda i=i: work(clients[i % len(clients)]) for i in range(concurrency)])
    for client in filter(None, clients):
        client.close()


if __name__ == "__main__":
    main(f"aioquic {aioquic.__version__}", PAIRS, serve, call)
