"""Plain HTTP/3 on aioquic, for bodies: long ones, such as nobody reads, and such as end before their time.

    h3_bodies.py serve --tls-cert FILE --tls-key FILE
    h3_bodies.py call --target HOST:PORT --tls-ca FILE [--tls-cert FILE --tls-key FILE] [--case NAME]...

Content is a pattern: byte n is n mod 251. `call` runs its cases against our routes, and prints a line of JSON for each;
../README.md says what the routes, and those of `serve`, do.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import pathlib
import sys
import urllib.parse

from aioquic.asyncio import QuicConnectionProtocol, connect, serve
from aioquic.h3.connection import H3_ALPN, H3Connection
from aioquic.h3.events import DataReceived, HeadersReceived
from aioquic.quic.configuration import QuicConfiguration
from aioquic.quic.events import ConnectionTerminated, StopSendingReceived, StreamReset

from stopping import until_told_to_stop

MIB = 1024 * 1024
LONG = 16 * MIB
PIECE = bytes(n % 251 for n in range(251 * 256))
NO_ERROR, INTERNAL_ERROR, REQUEST_CANCELLED, MESSAGE_ERROR = 0x100, 0x102, 0x10C, 0x10E


def pattern(count: int) -> bytes:
    return (PIECE * (count // len(PIECE) + 1))[:count]


class Checker:
    """Counts content, and notes whether it is the pattern."""

    def __init__(self) -> None:
        self.count, self.is_right = 0, True

    def feed(self, data: bytes) -> None:
        start = self.count % 251
        expected = (PIECE * ((len(data) + start) // len(PIECE) + 1))[start : start + len(data)]
        self.is_right = self.is_right and data == expected
        self.count += len(data)

    @property
    def result(self) -> int:
        return self.count if self.is_right else -1


class Message:
    """What has come on one stream."""

    def __init__(self) -> None:
        self.head: dict[bytes, bytes] | None = None
        self.trailers: dict[bytes, bytes] = {}
        self.checker = Checker()
        self.text = b""
        self.began, self.ended = asyncio.Event(), asyncio.Event()
        self.reset: int | None = None
        self.stopped: int | None = None
        self.over = asyncio.Event()


class Peer(QuicConnectionProtocol):
    def __init__(self, *arguments, **options) -> None:
        super().__init__(*arguments, **options)
        self.http = H3Connection(self._quic)
        self.messages: dict[int, Message] = {}

    def message(self, stream: int) -> Message:
        return self.messages.setdefault(stream, Message())

    def began(self, stream: int, message: Message) -> None:
        """The head is there."""

    def quic_event_received(self, event) -> None:
        if isinstance(event, StreamReset):
            message = self.message(event.stream_id)
            message.reset = event.error_code
            message.over.set()
            message.began.set()
            message.ended.set()
        elif isinstance(event, StopSendingReceived):
            message = self.message(event.stream_id)
            message.stopped = event.error_code
            message.over.set()
        elif isinstance(event, ConnectionTerminated):
            for message in self.messages.values():
                for waited in (message.began, message.ended, message.over):
                    waited.set()
        for http in self.http.handle_event(event):
            if not isinstance(http, (HeadersReceived, DataReceived)):
                continue
            message = self.message(http.stream_id)
            if isinstance(http, DataReceived):
                message.checker.feed(http.data)
                message.text = (message.text + http.data)[:1000]
            elif message.head is None:
                message.head = dict(http.headers)
                message.began.set()
                self.began(http.stream_id, message)
            else:
                message.trailers = dict(http.headers)
            if http.stream_ended:
                message.ended.set()

    def sent_bytes(self, stream: int) -> int:
        """How far the stream has come; flow control bounds it."""
        return self._quic._streams[stream].sender.highest_offset


# MARK: The client


class Client(Peer):
    def request(self, method: bytes, path: bytes, fields=(), is_end: bool = True) -> tuple[int, Message]:
        stream = self._quic.get_next_available_stream_id()
        head = [(b":method", method), (b":scheme", b"https"), (b":authority", b"localhost"), (b":path", path)]
        self.http.send_headers(stream, head + list(fields), is_end)
        self.transmit()
        return stream, self.message(stream)

    def send(self, stream: int, data: bytes, is_end: bool) -> None:
        self.http.send_data(stream, data, is_end)
        self.transmit()

    async def get(self, path: bytes) -> Message:
        _, message = self.request(b"GET", path)
        await message.ended.wait()
        return message


def equal(actual, expected, what: str) -> None:
    assert actual == expected, f"{what}: expected {expected!r}, got {actual!r}"


async def up(client: Client) -> None:
    stream, message = client.request(b"PUT", b"/up", is_end=False)
    client.send(stream, pattern(LONG), True)
    await message.ended.wait()
    equal(message.text, f"{LONG} none".encode(), "what arrived")


async def down(client: Client) -> None:
    message = await client.get(f"/down?bytes={LONG}".encode())
    equal(message.checker.result, LONG, "what came")
    equal(message.head[b"content-length"], str(LONG).encode(), "content-length")


async def copy(client: Client) -> None:
    stream, message = client.request(b"POST", b"/copy", is_end=False)
    client.send(stream, pattern(4 * MIB), False)
    client.http.send_headers(stream, [(b"x-asked", b"why")], end_stream=True)
    client.transmit()
    await message.ended.wait()
    equal(message.checker.result, 4 * MIB, "what came back")
    equal(message.trailers.get(b"x-asked"), b"why", "the trailer")


async def unread(client: Client) -> None:
    """The handler does not read until it is told to."""
    stream, message = client.request(b"POST", b"/later", is_end=False)
    client.send(stream, pattern(8 * MIB), True)
    for _ in range(20):
        await client.get(b"/text")
    sent = client.sent_bytes(stream)
    assert sent <= 600_000, f"{sent} bytes went out, and nobody reads"
    await client.get(b"/go")
    await message.ended.wait()
    equal(message.text, str(8 * MIB).encode(), "what arrived")


async def enough(client: Client) -> None:
    """The handler answers, and wants no more."""
    stream, message = client.request(b"POST", b"/enough", is_end=False)
    client.send(stream, pattern(8 * MIB), False)
    await message.ended.wait()
    equal(message.text, b"enough", "the answer")
    await message.over.wait()
    equal((message.stopped, message.reset), (NO_ERROR, None), "STOP_SENDING and RESET_STREAM")


async def stop_reading(client: Client) -> None:
    stream, message = client.request(b"GET", b"/endless")
    await message.began.wait()
    client._quic.stop_stream(stream, REQUEST_CANCELLED)
    client.transmit()
    await message.ended.wait()
    equal(message.reset, REQUEST_CANCELLED, "RESET_STREAM")
    equal((await client.get(b"/stopped")).text, b"stopped", "the handler")


async def stop_writing(client: Client) -> None:
    stream, message = client.request(b"POST", b"/up", is_end=False)
    client.send(stream, pattern(MIB), False)
    await client.get(b"/text")
    client._quic.reset_stream(stream, REQUEST_CANCELLED)
    client.transmit()
    await message.ended.wait()
    equal(message.reset, REQUEST_CANCELLED, "RESET_STREAM")
    equal((await client.get(b"/text")).text, b"content", "another request")


async def wrong_length(client: Client) -> None:
    for length in (b"3", b"30"):
        stream, message = client.request(b"POST", b"/up", [(b"content-length", length)], is_end=False)
        client.send(stream, b"content", True)
        await message.ended.wait()
        equal(message.reset, MESSAGE_ERROR, f"RESET_STREAM for a content-length of {length!r}")


async def no_content(client: Client) -> None:
    message = await client.get(b"/204")
    equal((message.head[b":status"], message.checker.count), (b"204", 0), "status and content")
    assert b"content-length" not in message.head, "204 has a content-length"


async def expectation(client: Client) -> None:
    """The content is sent when the handler asks for it (RFC 9110 10.1.1)."""
    stream, message = client.request(b"POST", b"/up", [(b"expect", b"100-continue")], is_end=False)
    await message.began.wait()
    equal(message.head[b":status"], b"100", "status")
    message.head = None
    client.send(stream, pattern(1000), True)
    await message.ended.wait()
    equal(message.text, b"1000 none", "what arrived")


CASES = {
    case.__name__: case
    for case in (
        up, down, copy, unread, enough, stop_reading, stop_writing, wrong_length, no_content, expectation,
    )
}


async def call(options: argparse.Namespace) -> int:
    configuration = QuicConfiguration(is_client=True, alpn_protocols=H3_ALPN, server_name="localhost")
    configuration.load_verify_locations(cafile=str(options.tls_ca))
    if options.tls_cert:
        configuration.load_cert_chain(options.tls_cert, options.tls_key)
    host, _, port = options.target.rpartition(":")
    failures = 0
    for name in options.case or CASES:
        detail = ""
        try:
            async with asyncio.timeout(90), connect(
                host, int(port), configuration=configuration, create_protocol=Client
            ) as client:
                # What it sends before our settings cannot use them.
                await client.get(b"/text")
                await CASES[name](client)
        except (AssertionError, TimeoutError, ConnectionError) as error:
            failures += 1
            detail = str(error) or type(error).__name__
        print(json.dumps({"case": name, "ok": not detail, "detail": detail}), flush=True)
    return min(failures, 1)


# MARK: The server


class Server(Peer):
    last = -1

    def began(self, stream: int, message: Message) -> None:
        asyncio.create_task(self.serve(stream, message))

    def answer(self, stream: int, text: bytes, fields=(), is_end: bool = True) -> None:
        self.http.send_headers(stream, [(b":status", b"200"), *fields])
        self.http.send_data(stream, text, is_end)
        self.transmit()

    async def serve(self, stream: int, message: Message) -> None:
        url = urllib.parse.urlsplit(message.head[b":path"].decode())
        query = dict(urllib.parse.parse_qsl(url.query))
        name = url.path.removeprefix("/")
        if name not in ("sent", "code"):
            Server.last = stream
        await getattr(self, f"do_{name}")(stream, message, query)

    async def do_down(self, stream: int, message: Message, query: dict[str, str]) -> None:
        self.answer(stream, pattern(int(query["bytes"])))

    async def do_up(self, stream: int, message: Message, query: dict[str, str]) -> None:
        await message.ended.wait()
        length = message.head.get(b"content-length", b"none")
        self.answer(stream, str(message.checker.result).encode() + b" " + length, is_end=False)
        asked = message.trailers.get(b"x-asked", b"nothing")
        self.http.send_headers(stream, [(b"x-answered", asked)], end_stream=True)
        self.transmit()

    async def do_enough(self, stream: int, message: Message, query: dict[str, str]) -> None:
        self.answer(stream, b"enough")
        self._quic.stop_stream(stream, NO_ERROR)
        self.transmit()

    async def do_hold(self, stream: int, message: Message, query: dict[str, str]) -> None:
        """Begins an answer, and never ends it."""
        self.answer(stream, b"first", is_end=False)

    async def do_broken(self, stream: int, message: Message, query: dict[str, str]) -> None:
        self.answer(stream, b"first", is_end=False)
        self._quic.reset_stream(stream, INTERNAL_ERROR)
        self.transmit()

    async def do_length(self, stream: int, message: Message, query: dict[str, str]) -> None:
        self.answer(stream, b"content", [(b"content-length", query["is"].encode())])

    async def do_head(self, stream: int, message: Message, query: dict[str, str]) -> None:
        self.http.send_headers(stream, [(b":status", b"200"), (b"content-length", b"1000")], end_stream=True)
        self.transmit()

    async def do_sent(self, stream: int, message: Message, query: dict[str, str]) -> None:
        """How far the request before has come."""
        self.answer(stream, str(self.sent_bytes(Server.last)).encode())

    async def do_code(self, stream: int, message: Message, query: dict[str, str]) -> None:
        """With which codes the client has given up the request before."""
        other = self.message(Server.last)
        await other.over.wait()
        # Both frames may not come in one packet.
        while query.get("both") and (other.stopped is None or other.reset is None):
            await asyncio.sleep(0.01)
        self.answer(stream, f"{other.stopped} {other.reset}".encode())


async def run_server(options: argparse.Namespace) -> None:
    configuration = QuicConfiguration(is_client=False, alpn_protocols=H3_ALPN)
    configuration.load_cert_chain(options.tls_cert, options.tls_key)
    server = await serve("127.0.0.1", 0, configuration=configuration, create_protocol=Server)
    print(f"LISTENING {server._transport.get_extra_info('sockname')[1]}", flush=True)
    await until_told_to_stop()
    server.close()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("role", choices=["serve", "call"])
    parser.add_argument("--target")
    parser.add_argument("--case", action="append", choices=list(CASES))
    parser.add_argument("--tls-cert", type=pathlib.Path)
    parser.add_argument("--tls-key", type=pathlib.Path)
    parser.add_argument("--tls-ca", type=pathlib.Path)
    options = parser.parse_args()
    if options.role == "call":
        return asyncio.run(call(options))
    asyncio.run(run_server(options))
    return 0


if __name__ == "__main__":
    sys.exit(main())
