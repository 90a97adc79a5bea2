"""Runs cases against a server of echo.Echo over HTTP/3, on aioquic, and prints a line of JSON for each.

The contract is in ../README.md. Beside those of gRPC there are cases of QUIC and of HTTP/3 itself.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import pathlib
import struct
import sys
import time
import uuid
from collections.abc import Awaitable, Callable

from aioquic.asyncio import QuicConnectionProtocol, connect
from aioquic.h3.connection import H3_ALPN, H3Connection
from aioquic.h3.events import DataReceived, HeadersReceived
from aioquic.quic.configuration import QuicConfiguration
from aioquic.quic.events import ConnectionTerminated, HandshakeCompleted, StreamReset
from aioquic.quic.logger import QuicLogger
from aioquic.tls import SessionTicket

import grpc_h3

MIB = 1024 * 1024
CASE_LIMIT_SECONDS = 100

Case = Callable[["Client"], Awaitable[str | None]]
CASES: dict[str, Case] = {}
# They ask for a server that does something special, and run by name alone.
SPECIAL: dict[str, Case] = {}


class Failed(Exception):
    """A case did not give what the contract says."""


def case(function: Case) -> Case:
    """Enters a function as a case. It returns what is worth telling, if anything, and raises when it fails."""
    CASES[function.__name__] = function
    return function


def special(function: Case) -> Case:
    SPECIAL[function.__name__] = function
    return function


def expect(condition: bool, what: str) -> None:
    if not condition:
        raise Failed(what)


def equal(actual: object, expected: object, what: str) -> None:
    if actual != expected:
        raise Failed(f"{what}: expected {str(expected)[:200]}, got {repr(actual)[:200]}")


class Response:
    """What comes back on one stream."""

    def __init__(self) -> None:
        self.head: asyncio.Future[grpc_h3.Fields] = asyncio.get_running_loop().create_future()
        self.chunks: asyncio.Queue[bytes | None] = asyncio.Queue()
        self.trailers: grpc_h3.Fields = []
        self.error: str | None = None

    def field(self, name: bytes) -> bytes | None:
        """Of the trailers, or of the head where an answer is nothing else."""
        head = self.head.result() if self.head.done() else []
        return dict(self.trailers).get(name, dict(head).get(name))

    def fail(self, reason: str) -> None:
        self.error = self.error or reason
        if not self.head.done():
            self.head.set_result([])
        self.chunks.put_nowait(None)


class Connection(QuicConnectionProtocol):
    def __init__(self, *arguments, **options) -> None:
        super().__init__(*arguments, **options)
        self.http = H3Connection(self._quic)
        self.responses: dict[int, Response] = {}
        self.completed: HandshakeCompleted | None = None
        self.terminated: asyncio.Future[ConnectionTerminated] = asyncio.get_running_loop().create_future()

    def quic_event_received(self, event) -> None:
        if isinstance(event, HandshakeCompleted):
            self.completed = event
        elif isinstance(event, ConnectionTerminated):
            if not self.terminated.done():
                self.terminated.set_result(event)
            for response in self.responses.values():
                response.fail(f"the connection ended: {event.error_code:#x} {event.reason_phrase}")
        elif isinstance(event, StreamReset) and event.stream_id in self.responses:
            self.responses[event.stream_id].fail(f"the stream was reset: {event.error_code:#x}")
        for event in self.http.handle_event(event):
            response = self.responses.get(getattr(event, "stream_id", None))
            if response is None:
                continue
            if isinstance(event, HeadersReceived):
                if response.head.done():
                    response.trailers = event.headers
                else:
                    response.head.set_result(event.headers)
            elif isinstance(event, DataReceived):
                response.chunks.put_nowait(event.data)
            if event.stream_ended:
                response.chunks.put_nowait(None)

    def close(self, error_code: int = grpc_h3.NO_ERROR, reason_phrase: str = "") -> None:
        super().close(error_code, reason_phrase)

    def request(self, fields: grpc_h3.Fields, end_stream: bool = False) -> int:
        stream = self._quic.get_next_available_stream_id()
        self.responses[stream] = Response()
        self.http.send_headers(stream, fields, end_stream)
        return stream


class Call:
    def __init__(self, connection: Connection, path: str, **options) -> None:
        metadata = options.get("metadata", [])
        timeout = options.get("timeout", "90S")
        self.connection = connection
        self.messages = grpc_h3.Messages()
        self.waiting: list[bytes] = []
        fields = [
            (b":method", b"POST"), (b":scheme", b"https"), (b":authority", b"localhost"), (b":path", path.encode()),
            (b"te", b"trailers"), (b"content-type", b"application/grpc"), (b"user-agent", b"aioquic"),
        ]  # fmt: skip
        if timeout:
            fields.append((b"grpc-timeout", timeout.encode()))
        fields += options.get("fields", [])
        self.stream = connection.request(fields + grpc_h3.encode_metadata(metadata))
        self.response = connection.responses[self.stream]

    def write(self, message: bytes, is_last: bool = False) -> None:
        self.connection.http.send_data(self.stream, grpc_h3.frame(message), is_last)
        self.connection.transmit()

    def done_writing(self) -> None:
        self.connection.http.send_data(self.stream, b"", True)
        self.connection.transmit()

    async def read(self) -> bytes | None:
        """The next message; None when the answer is complete."""
        while not self.waiting:
            chunk = await self.response.chunks.get()
            if chunk is None:
                self.response.chunks.put_nowait(None)
                return None
            self.waiting = self.messages.feed(chunk)
        return self.waiting.pop(0)

    async def initial_metadata(self) -> grpc_h3.Metadata:
        self.connection.transmit()
        return grpc_h3.decode_metadata([f for f in await self.response.head if f[0].startswith(b"x-")])

    def trailing_metadata(self) -> grpc_h3.Metadata:
        source = self.response.trailers or self.response.head.result()
        return grpc_h3.decode_metadata([f for f in source if f[0].startswith(b"x-")])

    async def status(self) -> tuple[str, str]:
        """Reads to the end."""
        self.connection.transmit()
        while await self.read() is not None:
            pass
        code = self.response.field(b"grpc-status")
        if code is None:
            raise Failed(self.response.error or "no grpc-status came")
        return grpc_h3.CODES[int(code)], grpc_h3.decode_message(self.response.field(b"grpc-message") or b"")

    async def expect(self, code: str) -> str:
        status, message = await self.status()
        expect(status == code, f"expected {code}, got {status}: {message}")
        return message

    def cancel(self) -> None:
        self.connection._quic.reset_stream(self.stream, grpc_h3.REQUEST_CANCELLED)
        self.connection._quic.stop_stream(self.stream, grpc_h3.REQUEST_CANCELLED)
        self.connection.transmit()


class Client:
    def __init__(self, options: argparse.Namespace) -> None:
        self.options = options
        host, _, port = options.target.rpartition(":")
        self.host, self.port = host, int(port)
        self.connection: Connection

    def configuration(self, **more) -> QuicConfiguration:
        configuration = QuicConfiguration(
            is_client=True, alpn_protocols=H3_ALPN, server_name=self.options.tls_name or self.host, **more
        )
        configuration.load_verify_locations(cafile=str(self.options.tls_ca))
        if self.options.tls_cert:
            configuration.load_cert_chain(self.options.tls_cert, self.options.tls_key)
        return configuration

    def connect(self, configuration: QuicConfiguration | None = None, **more):
        configuration = configuration or self.configuration()
        return connect(self.host, self.port, configuration=configuration, create_protocol=Connection, **more)

    def call(self, method: str, **options) -> Call:
        return Call(options.pop("connection", None) or self.connection, f"/echo.Echo/{method}", **options)

    async def unary(self, method: str, request: bytes, **options) -> bytes:
        call = self.call(method, **options)
        call.write(request, True)
        response = await call.read()
        await call.expect("OK")
        if response is None:
            raise Failed("OK without a message")
        return response

    async def failure(self, method: str, request: bytes, code: str, **options) -> tuple[Call, str]:
        call = self.call(method, **options)
        call.write(request, True)
        return call, await call.expect(code)

    def server_stream(self, count: int, payload: bytes) -> Call:
        call = self.call("ServerStream")
        call.write(struct.pack(">I", count) + payload, True)
        return call


# The four shapes


@case
async def unary(client: Client) -> None:
    equal(await client.unary("Unary", b"hello"), b"hello", "response")
    equal(await client.unary("Unary", b""), b"", "response")


@case
async def unary_every_size(client: Client) -> None:
    for size in [1, 4, 5, 6, 63, 64, 1199, 1200, 1452, 16383, 16384, 65535, 65536, 131072]:
        payload = os.urandom(size)
        expect(await client.unary("Unary", payload) == payload, f"{size} bytes came back changed")


@case
async def unary_4mib(client: Client) -> None:
    payload = os.urandom(grpc_h3.MAX_MESSAGE_BYTES)
    expect(await client.unary("Unary", payload) == payload, "4 MiB came back changed")


@case
async def over_limit(client: Client) -> str:
    _, message = await client.failure("Unary", bytes(grpc_h3.MAX_MESSAGE_BYTES + 1), "RESOURCE_EXHAUSTED")
    equal(await client.unary("Unary", b"next"), b"next", "the call after it")
    return message


@case
async def server_stream(client: Client) -> None:
    payload = os.urandom(1000)
    call = client.server_stream(100, payload)
    for number in range(100):
        equal(await call.read(), payload, f"message {number}")
    await call.expect("OK")
    empty = client.server_stream(0, b"unused")
    equal(await empty.read(), None, "messages")
    await empty.expect("OK")


@case
async def server_stream_8mib(client: Client) -> None:
    payload = os.urandom(256 * 1024)
    call = client.server_stream(32, payload)
    for number in range(32):
        expect(await call.read() == payload, f"message {number} came changed")
    await call.expect("OK")


@case
async def server_stream_malformed(client: Client) -> None:
    await client.failure("ServerStream", b"abc", "INVALID_ARGUMENT")


@case
async def client_stream(client: Client) -> None:
    sizes = [0, 1, 1000, 70_000] * 10
    call = client.call("ClientStream")
    for size in sizes:
        call.write(bytes(size))
    call.done_writing()
    equal(struct.unpack(">QQ", await call.read() or b""), (sum(sizes), len(sizes)), "total and count")
    await call.expect("OK")
    none = client.call("ClientStream")
    none.done_writing()
    equal(struct.unpack(">QQ", await none.read() or b""), (0, 0), "total and count")


@case
async def bidi_in_turns(client: Client) -> None:
    call = client.call("Bidi")
    for number in range(50):
        message = b"%d" % number * (number + 1)
        call.write(message)
        equal(await call.read(), message, f"message {number}")
    call.done_writing()
    equal(await call.read(), None, "end")
    await call.expect("OK")


@case
async def bidi_at_once(client: Client) -> None:
    messages = [os.urandom(10_000) for _ in range(100)]
    call = client.call("Bidi")
    for message in messages:
        call.write(message)
    call.done_writing()
    equal([await call.read() for _ in messages], messages, "messages")
    await call.expect("OK")


# Metadata and errors


@case
async def metadata(client: Client) -> None:
    sent: grpc_h3.Metadata = [
        ("x-one", "plain value"), ("x-two", "first"), ("x-two", "second, with a comma"),
        ("x-all-bin", bytes(range(256))), ("x-short-bin", b"\xff"), ("x-empty-bin", b""), ("x-long", "v" * 4000),
    ]  # fmt: skip
    call = client.call("Metadata", metadata=[*sent, ("not-echoed", "value")])
    call.write(b"body", True)
    equal(await call.read(), b"body", "response")
    await call.expect("OK")
    for name, received in [("initial", await call.initial_metadata()), ("trailing", call.trailing_metadata())]:
        equal(sorted(received, key=str), sorted(sent, key=str), f"{name} metadata")
        equal([v for k, v in received if k == "x-two"], ["first", "second, with a comma"], f"{name}: order of values")


@case
async def errors(client: Client) -> None:
    for code in grpc_h3.CODES[1:]:
        for message in ["plain", "", "größer als 日本 🚉", "100 % \n\r\t \x01", "a" * 1000]:
            request = f"{code}:{message}".encode()
            call, got = await client.failure("Fail", request, code)
            equal(got, message, f"message of {code}")
            equal(call.trailing_metadata(), [("x-fail-bin", request)], f"trailers of {code}")


@case
async def unknown_method_and_service(client: Client) -> str:
    _, message = await client.failure("NoSuchMethod", b"x", "UNIMPLEMENTED")
    call = Call(client.connection, "/no.Such/Method")
    call.write(b"x", True)
    await call.expect("UNIMPLEMENTED")
    return message


@case
async def gzip_request(client: Client) -> str:
    _, message = await client.failure("Unary", b"x", "UNIMPLEMENTED", fields=[(b"grpc-encoding", b"gzip")])
    expect("gzip" in message, f"the message does not say that gzip is not understood: {message!r}")
    return message


# Deadlines and cancellation


@case
async def deadline_ends_the_handler(client: Client) -> str:
    for milliseconds in [300, 3_000, 30_000]:
        key = uuid.uuid4().bytes
        began = time.monotonic()
        call = client.call("Slow", timeout=f"{milliseconds}m")
        call.write(key, True)
        told = dict(await call.initial_metadata())
        await call.expect("DEADLINE_EXCEEDED")
        elapsed = time.monotonic() - began
        expect(elapsed > milliseconds / 1500, f"it took {elapsed:.3f} s")
        # On a busy machine the deadline may have passed before the handler began.
        if "x-deadline-ms" in told:
            equal(await client.unary("WasCancelled", key), b"cancelled", "state of the handler")
            return f"after {elapsed * 1000:.0f} ms"
    raise Failed("no handler began before its deadline")


@case
async def deadline_is_seen(client: Client) -> str:
    told = []
    for timeout in ["90S", "90000m", "90000000u", "3M", None]:
        call = client.call("Slow", timeout=timeout)
        call.write(uuid.uuid4().bytes, True)
        told.append(dict(await call.initial_metadata()).get("x-deadline-ms"))
        call.cancel()
    for left in told[:3]:
        expect(left is not None and 50_000 < int(left) <= 90_000, f"x-deadline-ms of 90 s is {left}")
    expect(told[3] is not None and 120_000 < int(told[3]) <= 180_000, f"x-deadline-ms of 3 minutes is {told[3]}")
    equal(told[4], None, "x-deadline-ms without a deadline")
    return f"{told[0]} ms of 90 s are left"


@case
async def cancellation(client: Client) -> None:
    key = uuid.uuid4().bytes
    call = client.call("Slow")
    call.write(key, True)
    await call.initial_metadata()  # Now the handler runs.
    call.cancel()
    equal(await client.unary("WasCancelled", key), b"cancelled", "state of the handler")
    equal(await client.unary("WasCancelled", b"another key"), b"unknown", "state of a call that never was")


@case
async def cancelled_stream(client: Client) -> None:
    call = client.server_stream(1_000_000, bytes(1000))
    for _ in range(3):
        await call.read()
    call.cancel()
    equal(await client.unary("Unary", b"next"), b"next", "the call after it")


@case
async def lost_connection_ends_the_handler(client: Client) -> None:
    key = uuid.uuid4().bytes
    async with client.connect() as other:
        call = client.call("Slow", connection=other)
        call.write(key, True)
        await call.initial_metadata()
    equal(await client.unary("WasCancelled", key), b"cancelled", "state of the handler")


# Load


@case
async def concurrent_1000(client: Client) -> str:
    began = time.monotonic()
    payloads = [b"%d" % number for number in range(1000)]
    responses = await asyncio.gather(*(client.unary("Unary", payload) for payload in payloads))
    expect(list(responses) == payloads, "responses came changed or to the wrong call")
    return f"{time.monotonic() - began:.2f} s"


@case
async def many_connections(client: Client) -> None:
    async def one(number: int) -> None:
        async with client.connect() as connection:
            request = b"%d" % number
            equal(await client.unary("Unary", request, connection=connection), request, "response")

    await asyncio.gather(*(one(number) for number in range(10)))


# HTTP/3 without gRPC


async def plain(client: Client, fields: grpc_h3.Fields, body: bytes | None = None) -> tuple[str, str]:
    """The HTTP status and the text of an answer; with 405 the methods that are allowed must be told."""
    head = [(b":scheme", b"https"), (b":authority", b"localhost"), (b":path", b"/index.html")]
    stream = client.connection.request([*head, *fields], end_stream=body is None)
    if body is not None:
        client.connection.http.send_data(stream, body, True)
    client.connection.transmit()
    response = client.connection.responses[stream]
    fields = await response.head
    text = b""
    while (chunk := await response.chunks.get()) is not None:
        text += chunk
    expect(response.error is None or response.error.endswith("0x100"), str(response.error))
    status = dict(fields).get(b":status", b"none").decode()
    equal(dict(fields).get(b"allow"), b"POST" if status == "405" else None, "allow")
    return status, text.decode()


@case
async def get(client: Client) -> str:
    status, text = await plain(client, [(b":method", b"GET")])
    equal(status, "405", "status")
    equal(await client.unary("Unary", b"next"), b"next", "the call after it")
    return f"{status} {text}"


@case
async def head(client: Client) -> str:
    status, text = await plain(client, [(b":method", b"HEAD")])
    equal((status, text), ("405", ""), "status and content")
    equal(await client.unary("Unary", b"next"), b"next", "the call after it")
    return status


@case
async def post_of_something_else(client: Client) -> str:
    fields = [(b":method", b"POST"), (b"content-type", b"text/plain")]
    status, text = await plain(client, fields, b"body" * 1000)
    equal(status, "415", "status")
    equal(await client.unary("Unary", b"next"), b"next", "the call after it")
    return f"{status} {text}"


# QUIC


@case
async def key_update(client: Client) -> None:
    for number in range(3):
        request = b"update %d" % number
        client.connection.request_key_update()
        equal(await client.unary("Unary", request), request, "response")


@case
async def key_update_under_way(client: Client) -> None:
    payload = os.urandom(1000)
    call = client.server_stream(2000, payload)
    for number in range(2000):
        if number == 500:
            client.connection.request_key_update()
        expect(await call.read() == payload, f"message {number} came changed")
    await call.expect("OK")


@case
async def connection_id(client: Client) -> None:
    for number in range(3):
        client.connection.change_connection_id()
        request = b"connection ID %d" % number
        equal(await client.unary("Unary", request), request, "response")


async def move(connection: Connection) -> None:
    """From here on the client is at another port."""
    connection._transport.close()
    loop = asyncio.get_running_loop()
    await loop.create_datagram_endpoint(lambda: connection, local_addr=("::ffff:127.0.0.1", 0))


@case
async def rebinding(client: Client) -> None:
    for number in range(3):
        await move(client.connection)
        request = b"port %d" % number
        equal(await client.unary("Unary", request), request, "response")


@case
async def migration(client: Client) -> None:
    """Unlike the rebinding of a NAT, also the connection ID is new."""
    call = client.call("Bidi")
    for number in range(4):
        if number == 1:
            await move(client.connection)
            client.connection.change_connection_id()
        message = os.urandom(100_000)
        call.write(message)
        received = await call.read()
        expect(received is not None, call.response.error or "the answer ended")
        expect(received == message, f"message {number} came changed")
    call.done_writing()
    await call.expect("OK")


@case
async def version_negotiation(client: Client) -> None:
    configuration = client.configuration()
    configuration.supported_versions = [0x1A2A3A4A, 0x00000001]
    configuration.original_version = 0x1A2A3A4A
    async with client.connect(configuration) as connection:
        equal(await client.unary("Unary", b"hello", connection=connection), b"hello", "response")


@case
async def unknown_protocol(client: Client) -> str:
    configuration = client.configuration()
    configuration.alpn_protocols = ["hq-interop"]
    try:
        async with client.connect(configuration) as connection:
            await connection.terminated
    except ConnectionError as error:
        return str(error)
    raise Failed("the server took a protocol that it does not speak")


@case
async def datagrams(client: Client) -> str:
    """Unasked datagrams do no harm (RFC 9221; RFC 9297 is not spoken)."""
    async with client.connect(client.configuration(max_datagram_frame_size=65536)) as connection:
        limit = connection._quic._remote_max_datagram_frame_size
        if limit:
            for _ in range(10):
                connection._quic.send_datagram_frame(b"\x00ping")
        equal(await client.unary("Unary", b"hello", connection=connection), b"hello", "response")
        return f"the server takes datagrams of {limit} bytes" if limit else "the server takes none"


# By name alone


@special
async def retry(client: Client) -> None:
    """The server has each client prove its address."""
    log = QuicLogger()
    async with client.connect(client.configuration(quic_logger=log)) as connection:
        equal(await client.unary("Unary", b"hello", connection=connection), b"hello", "response")
    events = [event for trace in log.to_dict()["traces"] for event in trace["events"]]
    expect(any(e["data"].get("header", {}).get("packet_type") == "retry" for e in events), "no Retry came")


async def ticket(client: Client) -> SessionTicket:
    tickets: asyncio.Queue[SessionTicket] = asyncio.Queue()
    async with client.connect(session_ticket_handler=tickets.put_nowait) as connection:
        equal(await client.unary("Unary", b"first", connection=connection), b"first", "response")
        return await tickets.get()


@special
async def resumption(client: Client) -> None:
    session = await ticket(client)
    async with client.connect(client.configuration(session_ticket=session)) as connection:
        equal(await client.unary("Unary", b"second", connection=connection), b"second", "response")
        expect(connection.completed is not None and connection.completed.session_resumed, "not resumed")


@special
async def early_data(client: Client) -> str:
    """A request could be replayed: the server offers no early data, and takes none."""
    session = await ticket(client)
    equal(session.max_early_data_size, None, "early data on offer")
    session.max_early_data_size = 0xFFFF_FFFF
    async with client.connect(client.configuration(session_ticket=session), wait_connected=False) as connection:
        equal(await client.unary("Unary", b"early", connection=connection), b"early", "response")
        expect(connection.completed is not None and not connection.completed.early_data_accepted, "it was taken")
    return "not on offer, and refused"


@special
async def early_calls(client: Client) -> None:
    """The server answers an idempotent call in its first flight, and holds another until the handshake is over.

    A request that is not gRPC is too early (RFC 8470 §5.2).
    """
    session = await ticket(client)
    equal(session.max_early_data_size, 0xFFFF_FFFF, "early data on offer")
    async with client.connect(client.configuration(session_ticket=session), wait_connected=False) as connection:
        early = client.call("Unary", connection=connection)
        early.write(b"early", True)
        held = client.call("Metadata", connection=connection)
        held.write(b"held", True)
        plain = connection.request(
            [(b":method", b"GET"), (b":scheme", b"https"), (b":authority", b"localhost"), (b":path", b"/")], True
        )
        connection.transmit()
        # From here on the server hears nothing: it has the first flight, and not the end of the handshake.
        transport = connection._transport
        sendto, transport.sendto = transport.sendto, lambda *_: None
        equal(await early.read(), b"early", "the early response")
        await early.expect("OK")
        expect(connection.completed is not None and connection.completed.early_data_accepted, "it was not taken")
        equal(dict(await connection.responses[plain].head).get(b":status"), b"425", "status of a plain request")
        expect(not held.response.head.done(), "a call that is not idempotent was answered early")
        transport.sendto = sendto
        equal(await held.read(), b"held", "the response that was held")
        await held.expect("OK")


@special
async def no_ticket(client: Client) -> None:
    """A ticket would have come before the answer, which takes a round trip more."""
    tickets: list[SessionTicket] = []
    async with client.connect(session_ticket_handler=tickets.append) as connection:
        for _ in range(3):
            equal(await client.unary("Unary", b"hello", connection=connection), b"hello", "response")
    equal(tickets, [], "tickets")


@special
async def refused(client: Client) -> str:
    """The server must not let this client in; the alert is told."""
    try:
        async with client.connect() as connection:
            # In TLS 1.3 the client is done before the server has seen its certificate.
            call = client.call("Unary", connection=connection)
            call.write(b"x", True)
            end = await asyncio.wait_for(connection.terminated, 60)
            expect(call.response.field(b"grpc-status") is None, "the call was answered")
            code = end.error_code
    except ConnectionError:
        raise Failed("the handshake failed before the client's certificate could be judged") from None
    expect(0x100 <= code <= 0x1FF, f"closed with {code:#x}, which is no alert of TLS")
    return f"alert {code - 0x100}"


async def run(name: str, options: argparse.Namespace) -> bool:
    """Runs a case on a connection of its own and prints its line."""
    began = time.monotonic()
    client = Client(options)
    try:
        async with asyncio.timeout(CASE_LIMIT_SECONDS):
            if name in SPECIAL:
                detail = await SPECIAL[name](client)
            else:
                async with client.connect() as client.connection:
                    detail = await CASES[name](client)
        ok, detail = True, detail or ""
    except TimeoutError:
        ok, detail = False, f"not done after {CASE_LIMIT_SECONDS} s"
    except Failed as failure:
        ok, detail = False, str(failure)
    except ConnectionError as error:
        ok, detail = False, f"no connection: {error}"
    seconds = round(time.monotonic() - began, 3)
    print(json.dumps({"case": name, "ok": ok, "detail": detail, "seconds": seconds}, ensure_ascii=False), flush=True)
    return ok


async def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--target", required=True, help="HOST:PORT")
    parser.add_argument("--tls-ca", type=pathlib.Path, required=True)
    parser.add_argument("--tls-cert", type=pathlib.Path)
    parser.add_argument("--tls-key", type=pathlib.Path)
    parser.add_argument("--tls-name", help="the name in the server's certificate, where it is not the host")
    parser.add_argument("--case", action="append", choices=[*CASES, *SPECIAL], help="this one alone; repeatable")
    options = parser.parse_args()
    return 0 if all([await run(name, options) for name in options.case or CASES]) else 1


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
