"""A peer on aioquic that speaks raw QUIC with the application protocol "echo".

Every bidirectional stream comes back as it was sent, and so does every datagram. The server answers one that says
"TLS KeyUpdate, please" with that message, which QUIC forbids.

    quic_peer.py serve --tls-cert FILE --tls-key FILE [--retry]
    quic_peer.py call --target HOST:PORT --tls-ca FILE [--case NAME]...
"""

from __future__ import annotations

import argparse
import asyncio
import json
import pathlib
import signal
import sys
import time

from aioquic.asyncio import QuicConnectionProtocol, connect, serve
from aioquic.quic.configuration import QuicConfiguration
from aioquic.quic.events import (
    ConnectionTerminated,
    DatagramFrameReceived,
    HandshakeCompleted,
    StopSendingReceived,
    StreamDataReceived,
    StreamReset,
)
from aioquic.quic.logger import QuicLogger
from aioquic.tls import Epoch

ALPN = "echo"


def send_tls_key_update(peer: QuicConnectionProtocol) -> None:
    peer._quic._crypto_streams[Epoch.ONE_RTT].sender.write(bytes([24, 0, 0, 1, 0]))
    peer.transmit()


class EchoServer(QuicConnectionProtocol):
    def quic_event_received(self, event) -> None:
        if isinstance(event, StreamDataReceived) and event.data == b"TLS KeyUpdate, please":
            send_tls_key_update(self)
        elif isinstance(event, StreamDataReceived) and event.stream_id % 4 in (0, 1):
            self._quic.send_stream_data(event.stream_id, event.data, event.end_stream)
        elif isinstance(event, DatagramFrameReceived):
            self._quic.send_datagram_frame(event.data)
        self.transmit()


class Client(QuicConnectionProtocol):
    def __init__(self, *arguments, **options) -> None:
        super().__init__(*arguments, **options)
        self.received: dict[int, bytearray] = {}
        self.ended: dict[int, asyncio.Event] = {}
        self.resets: dict[int, int] = {}
        self.datagrams: asyncio.Queue = asyncio.Queue()
        self.resumed = False
        self.early = False
        self.terminated: ConnectionTerminated | None = None
        self.over = asyncio.Event()

    def quic_event_received(self, event) -> None:
        if isinstance(event, StreamDataReceived):
            self.received.setdefault(event.stream_id, bytearray()).extend(event.data)
            if event.end_stream:
                self.ended.setdefault(event.stream_id, asyncio.Event()).set()
        elif isinstance(event, StreamReset):
            self.resets[event.stream_id] = event.error_code
            self.ended.setdefault(event.stream_id, asyncio.Event()).set()
        elif isinstance(event, DatagramFrameReceived):
            self.datagrams.put_nowait(event.data)
        elif isinstance(event, HandshakeCompleted):
            self.resumed = event.session_resumed
            self.early = event.early_data_accepted
        elif isinstance(event, ConnectionTerminated):
            self.terminated = event
            self.over.set()
            for ended in self.ended.values():
                ended.set()

    async def echo(self, data: bytes) -> bytes:
        stream = self._quic.get_next_available_stream_id()
        ended = self.ended.setdefault(stream, asyncio.Event())
        self._quic.send_stream_data(stream, data, True)
        self.transmit()
        await ended.wait()
        return bytes(self.received.get(stream, b""))


class Cases:
    def __init__(self, host: str, port: int, authority: pathlib.Path) -> None:
        self.host, self.port, self.authority = host, port, authority
        self.ticket = None

    def configuration(self, **more) -> QuicConfiguration:
        configuration = QuicConfiguration(
            is_client=True, alpn_protocols=[ALPN], max_datagram_frame_size=65536, server_name="localhost", **more
        )
        configuration.load_verify_locations(cafile=str(self.authority))
        return configuration

    def connect(self, configuration: QuicConfiguration | None = None, **more):
        return connect(
            self.host, self.port, configuration=configuration or self.configuration(), create_protocol=Client, **more
        )

    async def echo(self) -> None:
        async with self.connect() as client:
            assert await client.echo(b"hello") == b"hello"

    async def big(self) -> None:
        data = bytes(i * 7 & 255 for i in range(1 << 20))
        async with self.connect() as client:
            assert await client.echo(data) == data

    async def streams(self) -> None:
        async with self.connect() as client:
            answers = await asyncio.gather(*(client.echo(f"call {i}".encode()) for i in range(200)))
            assert answers == [f"call {i}".encode() for i in range(200)]

    async def datagrams(self) -> None:
        async with self.connect() as client:
            client._quic.send_datagram_frame(b"ping")
            client.transmit()
            assert await client.datagrams.get() == b"ping"

    async def key_update(self) -> None:
        async with self.connect() as client:
            assert await client.echo(b"before") == b"before"
            client.request_key_update()
            assert await client.echo(b"after") == b"after"

    async def connection_id(self) -> None:
        async with self.connect() as client:
            assert await client.echo(b"before") == b"before"
            client.change_connection_id()
            assert await client.echo(b"after") == b"after"

    async def rebinding(self) -> None:
        async with self.connect() as client:
            assert await client.echo(b"before") == b"before"
            client._transport.close()
            loop = asyncio.get_running_loop()
            # From here on the client is at another port, and does not say so.
            await loop.create_datagram_endpoint(lambda: client, local_addr=("::ffff:127.0.0.1", 0))
            assert await client.echo(b"after") == b"after"

    async def resumption(self) -> None:
        tickets = []
        async with self.connect(session_ticket_handler=tickets.append) as client:
            await client.echo(b"first")
            while not tickets:
                await asyncio.sleep(0.01)
        assert tickets, "no ticket"
        async with self.connect(self.configuration(session_ticket=tickets[-1])) as client:
            assert await client.echo(b"second") == b"second"
            assert client.resumed

    async def early_data(self) -> None:
        tickets = []
        async with self.connect(session_ticket_handler=tickets.append) as client:
            await client.echo(b"first")
            while not tickets:
                await asyncio.sleep(0.01)
        async with self.connect(self.configuration(session_ticket=tickets[-1]), wait_connected=False) as client:
            assert await client.echo(b"early") == b"early"
            assert client.early

    async def version_negotiation(self) -> None:
        configuration = self.configuration()
        configuration.supported_versions = [0x1A2A3A4A, 0x00000001]
        configuration.original_version = 0x1A2A3A4A
        async with self.connect(configuration) as client:
            assert await client.echo(b"hello") == b"hello"

    async def alpn_mismatch(self) -> None:
        configuration = self.configuration()
        configuration.alpn_protocols = ["other"]
        try:
            async with self.connect(configuration) as client:
                await client.echo(b"hello")
        except ConnectionError:
            return
        raise AssertionError("the server took a protocol that it does not speak")

    async def tls_key_update(self) -> None:
        """A TLS message that QUIC forbids (RFC 9001 section 6)."""
        async with self.connect() as client:
            assert await client.echo(b"before") == b"before"
            send_tls_key_update(client)
            await client.over.wait()
            assert client.terminated.error_code == 0x10A, client.terminated
        async with self.connect() as client:
            assert await client.echo(b"another") == b"another"

    async def retry(self) -> None:
        log = QuicLogger()
        async with self.connect(self.configuration(quic_logger=log)) as client:
            assert await client.echo(b"hello") == b"hello"
        events = [event for trace in log.to_dict()["traces"] for event in trace["events"]]
        assert any(event["data"].get("header", {}).get("packet_type") == "retry" for event in events), "no Retry"

    NAMES = (
        "echo", "big", "streams", "datagrams", "key_update", "connection_id", "rebinding", "resumption", "early_data",
        "version_negotiation", "alpn_mismatch", "tls_key_update",
    )


async def call(options: argparse.Namespace) -> int:
    host, _, port = options.target.rpartition(":")
    failures = 0
    for name in options.case or Cases.NAMES:
        start = time.monotonic()
        detail = ""
        try:
            await asyncio.wait_for(getattr(Cases(host, int(port), options.tls_ca), name)(), 90)
        except Exception as error:
            failures += 1
            detail = f"{type(error).__name__}: {error}"
        seconds = round(time.monotonic() - start, 3)
        print(json.dumps({"case": name, "ok": not detail, "detail": detail, "seconds": seconds}), flush=True)
    return 1 if failures else 0


async def run_server(options: argparse.Namespace) -> int:
    configuration = QuicConfiguration(is_client=False, alpn_protocols=[ALPN], max_datagram_frame_size=65536)
    configuration.load_cert_chain(options.tls_cert, options.tls_key)
    tickets: dict[bytes, object] = {}
    server = await serve(
        "127.0.0.1",
        0,
        configuration=configuration,
        create_protocol=EchoServer,
        session_ticket_fetcher=lambda label: tickets.pop(label, None),
        session_ticket_handler=lambda ticket: tickets.__setitem__(ticket.ticket, ticket),
        retry=options.retry,
    )
    print("LISTENING", server._transport.get_extra_info("sockname")[1], flush=True)
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, stop.set)
    loop.run_in_executor(None, lambda: (sys.stdin.read(), loop.call_soon_threadsafe(stop.set)))
    await stop.wait()
    server.close()
    return 0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    server = commands.add_parser("serve")
    server.add_argument("--tls-cert", type=pathlib.Path, required=True)
    server.add_argument("--tls-key", type=pathlib.Path, required=True)
    server.add_argument("--retry", action="store_true")
    client = commands.add_parser("call")
    client.add_argument("--target", required=True)
    client.add_argument("--tls-ca", type=pathlib.Path, required=True)
    client.add_argument("--case", action="append")
    options = parser.parse_args()
    return asyncio.run(run_server(options) if options.command == "serve" else call(options))


if __name__ == "__main__":
    sys.exit(main())
