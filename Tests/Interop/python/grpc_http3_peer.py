"""A peer on aioquic that speaks gRPC over HTTP/3, client and server.

    grpc_http3_peer.py serve --tls-cert FILE --tls-key FILE [--tls-ca FILE]
    grpc_http3_peer.py call --target HOST:PORT --tls-ca FILE [--tls-cert FILE --tls-key FILE] --case NAME

The server echoes /echo.Echo/Unary, sends every message of /echo.Echo/Stream back as it comes, and answers everything else with
UNIMPLEMENTED. With --tls-ca it asks clients for a certificate. The client prints one line of JSON.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import ssl
import struct
import sys

from aioquic.asyncio import QuicConnectionProtocol, connect, serve
from aioquic.h3.connection import H3_ALPN, H3Connection
from aioquic.h3.events import DataReceived, HeadersReceived
from aioquic.quic.configuration import QuicConfiguration
from aioquic.quic.events import ConnectionTerminated, ProtocolNegotiated, StreamReset


def framed(message: bytes) -> bytes:
    return b"\0" + struct.pack(">I", len(message)) + message


def messages(buffer: bytearray) -> list[bytes]:
    """Takes the whole messages from the front of the buffer."""
    found = []
    while len(buffer) >= 5:
        length = struct.unpack(">I", buffer[1:5])[0]
        if len(buffer) < 5 + length:
            break
        found.append(bytes(buffer[5 : 5 + length]))
        del buffer[: 5 + length]
    return found


class Server(QuicConnectionProtocol):
    def __init__(self, *arguments, **options) -> None:
        super().__init__(*arguments, **options)
        self.http: H3Connection | None = None
        self.paths: dict[int, str] = {}
        self.buffers: dict[int, bytearray] = {}

    def quic_event_received(self, event) -> None:
        if isinstance(event, ProtocolNegotiated):
            self.http = H3Connection(self._quic)
        if self.http is None:
            return
        for part in self.http.handle_event(event):
            if isinstance(part, HeadersReceived):
                self.begin(part.stream_id, dict(part.headers))
            elif isinstance(part, DataReceived):
                self.receive(part.stream_id, part.data, part.stream_ended)
        self.transmit()

    def begin(self, stream: int, headers: dict[bytes, bytes]) -> None:
        path = headers[b":path"].decode()
        head = [(b":status", b"200"), (b"content-type", b"application/grpc")]
        if path not in ("/echo.Echo/Unary", "/echo.Echo/Stream"):
            trailers = [(b"grpc-status", b"12"), (b"grpc-message", b"no%20such%20method")]
            self.http.send_headers(stream, head + trailers, end_stream=True)
            return
        self.paths[stream] = path
        self.buffers[stream] = bytearray()
        extra = [(name, value) for name, value in headers.items() if name.startswith(b"x-")]
        self.http.send_headers(stream, head + extra)

    def receive(self, stream: int, data: bytes, is_end: bool) -> None:
        if stream not in self.buffers:
            return
        self.buffers[stream] += data
        for message in messages(self.buffers[stream]):
            self.http.send_data(stream, framed(message), end_stream=False)
        if is_end:
            self.http.send_headers(stream, [(b"grpc-status", b"0"), (b"x-end", b"yes")], end_stream=True)


class Client(QuicConnectionProtocol):
    def __init__(self, *arguments, **options) -> None:
        super().__init__(*arguments, **options)
        self.http = H3Connection(self._quic)
        self.sections: dict[int, list[dict[str, str]]] = {}
        self.buffers: dict[int, bytearray] = {}
        self.ended: dict[int, asyncio.Future] = {}
        self.terminated: ConnectionTerminated | None = None

    def quic_event_received(self, event) -> None:
        if isinstance(event, ConnectionTerminated):
            self.terminated = event
            for future in self.ended.values():
                if not future.done():
                    future.set_exception(ConnectionError(f"{event.error_code:#x} {event.reason_phrase}"))
        if isinstance(event, StreamReset) and event.stream_id in self.ended:
            self.ended[event.stream_id].set_exception(ConnectionError(f"reset {event.error_code:#x}"))
        for part in self.http.handle_event(event):
            if isinstance(part, HeadersReceived):
                fields = {name.decode(): value.decode() for name, value in part.headers}
                self.sections.setdefault(part.stream_id, []).append(fields)
            elif isinstance(part, DataReceived):
                self.buffers.setdefault(part.stream_id, bytearray()).extend(part.data)
            if getattr(part, "stream_ended", False) and not self.ended[part.stream_id].done():
                self.ended[part.stream_id].set_result(None)

    async def call(self, authority: str, path: str, requests: list[bytes], timeout: str = "10S") -> dict:
        stream = self._quic.get_next_available_stream_id()
        self.ended[stream] = asyncio.get_running_loop().create_future()
        self.http.send_headers(
            stream,
            [
                (b":method", b"POST"), (b":scheme", b"https"), (b":path", path.encode()),
                (b":authority", authority.encode()), (b"te", b"trailers"), (b"content-type", b"application/grpc"),
                (b"grpc-timeout", timeout.encode()),
            ],
        )
        for request in requests:
            self.http.send_data(stream, framed(request), end_stream=False)
        self.http.send_data(stream, b"", end_stream=True)
        self.transmit()
        await asyncio.wait_for(self.ended[stream], 20)
        answers = messages(self.buffers.get(stream, bytearray()))
        sections = self.sections[stream]
        return {"head": sections[0], "trailers": sections[-1], "sections": len(sections), "messages": answers}


async def run_case(name: str, client: Client, authority: str) -> None:
    if name == "unary":
        for size in (0, 1, 64, 100_000, 1 << 20):
            answer = await client.call(authority, "/echo.Echo/Unary", [b"x" * size])
            assert answer["head"][":status"] == "200", answer["head"]
            assert answer["head"]["content-type"] == "application/grpc", answer["head"]
            assert answer["trailers"]["grpc-status"] == "0", answer["trailers"]
            assert answer["sections"] == 2, answer
            assert answer["messages"] == [b"x" * size], len(answer["messages"])
    elif name == "server_stream":
        sent = [bytes([index]) * (index * 997) for index in range(50)]
        answer = await client.call(authority, "/echo.Echo/Stream", sent)
        assert answer["messages"] == sent
        assert answer["trailers"]["grpc-status"] == "0", answer["trailers"]
    elif name == "concurrent":
        calls = [client.call(authority, "/echo.Echo/Unary", [b"%d" % index]) for index in range(100)]
        for index, answer in enumerate(await asyncio.gather(*calls)):
            assert answer["messages"] == [b"%d" % index]
    elif name == "unknown_method":
        answer = await client.call(authority, "/echo.Echo/Nothing", [b""])
        assert answer["trailers"]["grpc-status"] == "12", answer["trailers"]
        assert "unknown method" in answer["trailers"]["grpc-message"], answer["trailers"]
    elif name == "deadline":
        answer = await client.call(authority, "/echo.Echo/Wait", [b""], timeout="100m")
        assert answer["trailers"]["grpc-status"] == "4", answer["trailers"]
    else:
        raise ValueError(name)


async def call(options: argparse.Namespace) -> dict:
    host, port = options.target.rsplit(":", 1)
    configuration = QuicConfiguration(is_client=True, alpn_protocols=H3_ALPN, server_name=options.server_name)
    configuration.load_verify_locations(options.tls_ca)
    if options.tls_cert:
        configuration.load_cert_chain(options.tls_cert, options.tls_key)
    client = None
    try:
        async with asyncio.timeout(30):
            async with connect(host, int(port), configuration=configuration, create_protocol=Client) as client:
                await run_case(options.case, client, options.target)
        return {"ok": True}
    except Exception as error:
        code = client.terminated.error_code if client is not None and client.terminated else None
        return {"ok": False, "error": f"{type(error).__name__}: {error}", "code": code}


async def serve_until_end(options: argparse.Namespace) -> None:
    configuration = QuicConfiguration(is_client=False, alpn_protocols=H3_ALPN)
    configuration.load_cert_chain(options.tls_cert, options.tls_key)
    if options.tls_ca:
        configuration.load_verify_locations(options.tls_ca)
        configuration.verify_mode = ssl.CERT_REQUIRED
    server = await serve("127.0.0.1", 0, configuration=configuration, create_protocol=Server)
    print("LISTENING", server._transport.get_extra_info("sockname")[1], flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    server.close()


def main() -> None:
    parser = argparse.ArgumentParser()
    commands = parser.add_subparsers(dest="command", required=True)
    for name in ("serve", "call"):
        command = commands.add_parser(name)
        command.add_argument("--tls-cert")
        command.add_argument("--tls-key")
        command.add_argument("--tls-ca")
        if name == "call":
            command.add_argument("--target", required=True)
            command.add_argument("--case", required=True)
            command.add_argument("--server-name", default="localhost")
    options = parser.parse_args()
    if options.command == "serve":
        asyncio.run(serve_until_end(options))
    else:
        print(json.dumps(asyncio.run(call(options))))


if __name__ == "__main__":
    main()
