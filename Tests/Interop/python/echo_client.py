"""Runs cases against a server of echo.Echo and prints a line of JSON for each. The contract is in ../README.md."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import struct
import sys
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable

import grpc

import tls

MIB = 1024 * 1024
MAX_MESSAGE_BYTES = 4 * MIB
CASE_LIMIT_SECONDS = 100

Case = Callable[["Client"], Awaitable[str | None]]
CASES: dict[str, Case] = {}


class Failed(Exception):
    """A case did not give what the contract says."""


def case(function: Case) -> Case:
    """Enters a function as a case. It returns what is worth telling, if anything, and raises when it fails."""
    CASES[function.__name__] = function
    return function


def expect(condition: bool, what: str) -> None:
    if not condition:
        raise Failed(what)


def equal(actual: object, expected: object, what: str) -> None:
    if actual != expected:
        shown = repr(actual)
        raise Failed(f"{what}: expected {str(expected)[:200]}, got {shown[:200]}")


class Client:
    def __init__(self, options: argparse.Namespace) -> None:
        self.options = options
        self.channel = self.connect()

    def connect(self, **extra) -> grpc.aio.Channel:
        settings = [
            ("grpc.max_receive_message_length", MAX_MESSAGE_BYTES),
            ("grpc.max_send_message_length", -1),
            ("grpc.use_local_subchannel_pool", 1),
            ("grpc.enable_http_proxy", 0),
        ]
        if self.options.tls_name:
            settings.append(("grpc.ssl_target_name_override", self.options.tls_name))
        if credentials := tls.channel_credentials(self.options):
            return grpc.aio.secure_channel(self.options.target, credentials, options=settings, **extra)
        return grpc.aio.insecure_channel(self.options.target, options=settings, **extra)

    def unary(self, method: str, request: bytes, **extra) -> grpc.aio.UnaryUnaryCall:
        return self.channel.unary_unary(f"/echo.Echo/{method}")(request, **{"timeout": 90, **extra})

    def server_stream(self, count: int, payload: bytes) -> grpc.aio.UnaryStreamCall:
        request = struct.pack(">I", count) + payload
        return self.channel.unary_stream("/echo.Echo/ServerStream")(request, timeout=90)

    def client_stream(self, requests: AsyncIterator[bytes] | None = None) -> grpc.aio.StreamUnaryCall:
        return self.channel.stream_unary("/echo.Echo/ClientStream")(requests, timeout=90)

    def bidi(self) -> grpc.aio.StreamStreamCall:
        return self.channel.stream_stream("/echo.Echo/Bidi")(timeout=90)

    def slow(self, key: bytes, timeout: float | None) -> grpc.aio.UnaryStreamCall:
        """On the wire the same as a unary call, but grpcio shows its initial metadata before it ends."""
        return self.channel.unary_stream("/echo.Echo/Slow")(key, timeout=timeout)

    async def failure(self, call: grpc.aio.Call) -> grpc.aio.AioRpcError:
        try:
            response = await call
        except grpc.aio.AioRpcError as error:
            return error
        raise Failed(f"the call must fail, and answered {len(response)} bytes")

    async def failure_of(self, call: grpc.aio.Call, code: grpc.StatusCode) -> grpc.aio.AioRpcError:
        error = await self.failure(call)
        expect(error.code() == code, f"expected {code.name}, got {error.code().name}: {error.details()}")
        return error


# The four shapes


@case
async def unary(client: Client) -> None:
    equal(await client.unary("Unary", b"hello"), b"hello", "response")


@case
async def unary_empty(client: Client) -> None:
    equal(await client.unary("Unary", b""), b"", "response")


@case
async def unary_every_size(client: Client) -> None:
    # Around the boundaries of the 5-byte prefix, of a frame and of the initial windows.
    for size in [1, 4, 5, 6, 16379, 16380, 16384, 16385, 65530, 65535, 65536, 131072]:
        payload = os.urandom(size)
        expect(await client.unary("Unary", payload) == payload, f"{size} bytes came back changed")


@case
async def unary_1mib(client: Client) -> None:
    payload = os.urandom(MIB)
    expect(await client.unary("Unary", payload) == payload, "1 MiB came back changed")


@case
async def unary_4mib(client: Client) -> None:
    payload = os.urandom(MAX_MESSAGE_BYTES)
    expect(await client.unary("Unary", payload) == payload, "4 MiB came back changed")


@case
async def over_limit(client: Client) -> str:
    call = client.unary("Unary", bytes(MAX_MESSAGE_BYTES + 1))
    error = await client.failure_of(call, grpc.StatusCode.RESOURCE_EXHAUSTED)
    equal(await client.unary("Unary", b"next"), b"next", "the call after it")
    return error.details()


@case
async def server_stream(client: Client) -> None:
    payload = os.urandom(1000)
    received = [message async for message in client.server_stream(100, payload)]
    equal(len(received), 100, "number of messages")
    expect(all(message == payload for message in received), "a message came changed")


@case
async def server_stream_none(client: Client) -> None:
    call = client.server_stream(0, b"unused")
    equal([message async for message in call], [], "messages")
    equal(await call.code(), grpc.StatusCode.OK, "status")


@case
async def server_stream_empty_messages(client: Client) -> None:
    equal([message async for message in client.server_stream(10, b"")], [b""] * 10, "messages")


@case
async def server_stream_32mib(client: Client) -> None:
    payload = os.urandom(256 * 1024)
    count = 0
    async for message in client.server_stream(128, payload):
        expect(message == payload, f"message {count} came changed")
        count += 1
    equal(count, 128, "number of messages")


@case
async def server_stream_malformed(client: Client) -> None:
    call = client.channel.unary_stream("/echo.Echo/ServerStream")(b"abc", timeout=90)
    try:
        async for _ in call:
            raise Failed("a message came")
    except grpc.aio.AioRpcError as error:
        equal(error.code(), grpc.StatusCode.INVALID_ARGUMENT, "status")


@case
async def client_stream(client: Client) -> None:
    sizes = [0, 1, 1000, 70_000] * 25

    async def requests() -> AsyncIterator[bytes]:
        for size in sizes:
            yield bytes(size)

    response = await client.client_stream(requests())
    equal(struct.unpack(">QQ", response), (sum(sizes), len(sizes)), "total and count")


@case
async def client_stream_none(client: Client) -> None:
    call = client.client_stream()
    await call.done_writing()
    equal(struct.unpack(">QQ", await call), (0, 0), "total and count")


@case
async def bidi_in_turns(client: Client) -> None:
    call = client.bidi()
    for number in range(50):
        message = b"%d" % number * (number + 1)
        await call.write(message)
        equal(await call.read(), message, f"message {number}")
    await call.done_writing()
    equal(await call.read(), grpc.aio.EOF, "end")
    equal(await call.code(), grpc.StatusCode.OK, "status")


@case
async def bidi_at_once(client: Client) -> None:
    messages = [os.urandom(10_000) for _ in range(200)]
    call = client.bidi()

    async def write() -> None:
        for message in messages:
            await call.write(message)
        await call.done_writing()

    writing = asyncio.create_task(write())
    received = [message async for message in call]
    await writing
    expect(received == messages, "messages came changed, missing or out of order")


@case
async def bidi_none(client: Client) -> None:
    call = client.bidi()
    await call.done_writing()
    equal([message async for message in call], [], "messages")
    equal(await call.code(), grpc.StatusCode.OK, "status")


# Metadata and errors


@case
async def metadata(client: Client) -> None:
    sent = [
        ("x-one", "plain value"),
        ("x-two", "first"),
        ("x-two", "second, with a comma"),
        ("x-all-bin", bytes(range(256))),
        ("x-short-bin", b"\xff"),
        ("x-empty-bin", b""),
        ("x-long", "v" * 4000),
    ]
    call = client.unary("Metadata", b"body", metadata=(*sent, ("not-echoed", "value")))
    equal(await call, b"body", "response")
    for name, received in [
        ("initial", await call.initial_metadata()),
        ("trailing", await call.trailing_metadata()),
    ]:
        echoed = sorted((key, value) for key, value in received if key.startswith("x-"))
        # Names may come in any order; values of one name may not.
        equal(echoed, sorted(sent), f"{name} metadata")
        equal([v for k, v in received if k == "x-two"], ["first", "second, with a comma"], f"{name}: order of values")
        expect(all(key != "not-echoed" for key, _ in received), f"{name} metadata has what was not asked for")


@case
async def errors(client: Client) -> None:
    messages = ["plain", "", "größer als 日本 🚉", "100 % \n\r\t \x01", "a" * 1000]
    for code in grpc.StatusCode:
        if code == grpc.StatusCode.OK:
            continue
        for message in messages:
            request = f"{code.name}:{message}".encode()
            error = await client.failure_of(client.unary("Fail", request), code)
            equal(error.details(), message, f"message of {code.name}")
            equal(dict(error.trailing_metadata()).get("x-fail-bin"), request, f"x-fail-bin of {code.name}")


@case
async def unknown_method(client: Client) -> str:
    error = await client.failure_of(client.unary("NoSuchMethod", b"x"), grpc.StatusCode.UNIMPLEMENTED)
    return error.details()


@case
async def unknown_service(client: Client) -> str:
    call = client.channel.unary_unary("/no.Such/Method")(b"x", timeout=90)
    return (await client.failure_of(call, grpc.StatusCode.UNIMPLEMENTED)).details()


# Deadlines and cancellation


@case
async def deadline_exceeded(client: Client) -> str:
    began = time.monotonic()
    await client.failure_of(client.unary("Slow", b"", timeout=0.5), grpc.StatusCode.DEADLINE_EXCEEDED)
    elapsed = time.monotonic() - began
    expect(elapsed > 0.4, f"it took {elapsed:.3f} s")
    return f"after {elapsed * 1000:.0f} ms"


@case
async def deadline_ends_the_handler(client: Client) -> None:
    for seconds in [0.3, 3, 30]:
        key = uuid.uuid4().bytes
        call = client.slow(key, timeout=seconds)
        told = dict(await call.initial_metadata() or ())
        equal(await call.code(), grpc.StatusCode.DEADLINE_EXCEEDED, "status")
        # On a busy machine the deadline may have passed before the handler began.
        if "x-deadline-ms" in told:
            return equal(await client.unary("WasCancelled", key), b"cancelled", "state of the handler")
    raise Failed("no handler began before its deadline")


@case
async def deadline_is_seen(client: Client) -> str:
    call = client.slow(uuid.uuid4().bytes, timeout=90)
    remaining = dict(await call.initial_metadata()).get("x-deadline-ms")
    call.cancel()
    # grpcio rounds time-outs up by as much as 1 %.
    expect(remaining is not None and 50_000 < int(remaining) <= 90_900, f"x-deadline-ms is {remaining}")
    return f"{remaining} ms of 90 s are left"


@case
async def no_deadline_is_seen(client: Client) -> None:
    call = client.slow(uuid.uuid4().bytes, timeout=None)
    remaining = dict(await call.initial_metadata()).get("x-deadline-ms")
    call.cancel()
    equal(remaining, None, "x-deadline-ms")


@case
async def cancellation(client: Client) -> None:
    key = uuid.uuid4().bytes
    call = client.slow(key, timeout=90)
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


# Load and compression


@case
async def concurrent_1000(client: Client) -> str:
    began = time.monotonic()
    payloads = [b"%d" % number for number in range(1000)]
    responses = await asyncio.gather(*(client.unary("Unary", payload) for payload in payloads))
    expect(list(responses) == payloads, "responses came changed or to the wrong call")
    return f"{time.monotonic() - began:.2f} s"


@case
async def concurrent_streams(client: Client) -> None:
    async def one(number: int) -> None:
        payload = b"%d" % number * 1000
        received = [message async for message in client.server_stream(20, payload)]
        expect(received == [payload] * 20, f"stream {number} came changed")

    await asyncio.gather(*(one(number) for number in range(50)))


@case
async def many_connections(client: Client) -> None:
    async def one(number: int) -> None:
        async with client.connect() as channel:
            request = b"%d" % number
            equal(await channel.unary_unary("/echo.Echo/Unary")(request, timeout=90), request, "response")

    await asyncio.gather(*(one(number) for number in range(20)))


@case
async def gzip_request(client: Client) -> str:
    request = b"compress me " * 1000
    async with client.connect(compression=grpc.Compression.Gzip) as channel:
        try:
            response = await channel.unary_unary("/echo.Echo/Unary")(request, timeout=90)
        except grpc.aio.AioRpcError as error:
            equal(error.code(), grpc.StatusCode.UNIMPLEMENTED, "status")
            details = error.details() or ""
            expect("gzip" in details.lower(), f"the message does not say that gzip is not understood: {details!r}")
            return f"refused: {details}"
    equal(response, request, "response")
    return "understood"


async def refused(client: Client) -> str:
    """Not among the cases that run by themselves: the server must not let this client in."""
    error = await client.failure_of(client.unary("Unary", b"x", timeout=60), grpc.StatusCode.UNAVAILABLE)
    return error.details()


async def run(name: str, options: argparse.Namespace) -> bool:
    """Runs a case on a connection of its own and prints its line."""
    began = time.monotonic()
    client = Client(options)
    try:
        async with asyncio.timeout(CASE_LIMIT_SECONDS):
            detail = await (refused if name == "refused" else CASES[name])(client) or ""
        ok = True
    except TimeoutError:
        ok, detail = False, f"not done after {CASE_LIMIT_SECONDS} s"
    except Failed as failure:
        ok, detail = False, str(failure)
    except grpc.aio.AioRpcError as error:
        ok, detail = False, f"{error.code().name}: {error.details()}"
    finally:
        await client.channel.close()
    seconds = round(time.monotonic() - began, 3)
    print(json.dumps({"case": name, "ok": ok, "detail": detail, "seconds": seconds}, ensure_ascii=False), flush=True)
    return ok


async def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--target", help="HOST:PORT")
    parser.add_argument("--case", action="append", choices=[*CASES, "refused"], help="run this one alone; repeatable")
    parser.add_argument("--list", action="store_true", help="print the names of the cases")
    parser.add_argument("--tls-name", help="the name to look for in the server's certificate")
    tls.add_options(parser)
    options = parser.parse_args()
    if options.list:
        print("\n".join(CASES))
        return 0
    if not options.target:
        parser.error("--target is needed")
    results = [await run(name, options) for name in options.case or CASES]
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
