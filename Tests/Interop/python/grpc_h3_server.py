"""The service echo.Echo over HTTP/3 on aioquic. The contract is in ../README.md.

aioquic's server can ask for a client's certificate by a switch for its own tests, and judges none. With --tls-ca
this program turns the switch on, and judges by aioquic's function for the certificates of servers.
"""

from __future__ import annotations

import argparse
import asyncio
import pathlib
import struct
from collections.abc import Awaitable, Callable

import aioquic.quic.connection
from aioquic import tls
from aioquic.asyncio import QuicConnectionProtocol, serve
from aioquic.h3.connection import H3_ALPN, H3Connection
from aioquic.h3.events import DataReceived, HeadersReceived
from aioquic.quic.configuration import QuicConfiguration
from aioquic.quic.events import ConnectionTerminated, StopSendingReceived, StreamReset

import grpc_h3
from stopping import until_told_to_stop


class CertificateRequired(tls.Alert):
    description = tls.AlertDescription.certificate_required


class JudgingContext(tls.Context):
    """A server's TLS that asks for a certificate, and refuses who has none or a wrong one."""

    authority = ""

    def __init__(self, *arguments, **options) -> None:
        super().__init__(*arguments, **options)
        self._request_client_certificate = True

    def _server_handle_certificate(self, buffer) -> None:
        super()._server_handle_certificate(buffer)
        if self._peer_certificate is None:
            raise CertificateRequired("no certificate came")

    def _server_handle_certificate_verify(self, buffer) -> None:
        super()._server_handle_certificate_verify(buffer)
        tls.verify_certificate(
            self._peer_certificate, chain=self._peer_certificate_chain, cafile=self.authority
        )


class Failed(Exception):
    """Ends a call with a status."""

    def __init__(self, code: str, message: str, trailers: grpc_h3.Metadata | None = None) -> None:
        super().__init__(message)
        self.code, self.message, self.trailers = grpc_h3.CODES.index(code), message, trailers or []


class Call:
    """One call: what came of it, and what can be answered."""

    def __init__(self, server: EchoServer, stream: int, fields: grpc_h3.Fields) -> None:
        self.server, self.stream = server, stream
        self.fields = dict(fields)
        named = [field for field in fields if field[0].startswith(b"x-")]
        self.metadata = grpc_h3.decode_metadata(named)
        self.messages = grpc_h3.Messages(grpc_h3.MAX_MESSAGE_BYTES)
        self.requests: asyncio.Queue[bytes | None | Exception] = asyncio.Queue()
        self.trailers: grpc_h3.Metadata = []
        self.is_early = not server._quic._handshake_complete
        self.is_head_sent = False

    def feed(self, data: bytes, is_end: bool) -> None:
        try:
            for message in self.messages.feed(data):
                self.requests.put_nowait(message)
        except grpc_h3.TooLarge as error:
            self.requests.put_nowait(Failed("RESOURCE_EXHAUSTED", str(error)))
        if is_end:
            self.requests.put_nowait(None)

    async def read(self) -> bytes | None:
        request = await self.requests.get()
        if isinstance(request, Exception):
            raise request
        return request

    async def only_request(self) -> bytes:
        request = await self.read()
        if request is None or await self.read() is not None:
            raise Failed("INTERNAL", "exactly one message was expected")
        return request

    def send_head(self, metadata: grpc_h3.Metadata | None = None) -> None:
        if not self.is_head_sent:
            self.is_head_sent = True
            fields = [(b":status", b"200"), (b"content-type", b"application/grpc")]
            self.server.http.send_headers(self.stream, fields + grpc_h3.encode_metadata(metadata or []))

    def write(self, message: bytes) -> None:
        self.send_head()
        self.server.http.send_data(self.stream, grpc_h3.frame(message), False)
        self.server.transmit()

    def finish(self, code: int, message: str = "") -> None:
        status = [(b"grpc-status", str(code).encode())]
        if message:
            status.append((b"grpc-message", grpc_h3.encode_message(message)))
        status += grpc_h3.encode_metadata(self.trailers)
        if self.is_head_sent:
            self.server.http.send_headers(self.stream, status, end_stream=True)
        else:
            head = [(b":status", b"200"), (b"content-type", b"application/grpc")]
            self.server.http.send_headers(self.stream, head + status, end_stream=True)
        self.server.transmit()

    async def run(self) -> None:
        handler = METHODS.get(self.fields.get(b":path", b"").decode())
        timeout = self.fields.get(b"grpc-timeout")
        self.deadline = None if timeout is None else grpc_h3.decode_timeout(timeout)
        try:
            if handler is None:
                raise Failed("UNIMPLEMENTED", "there is no such method")
            async with asyncio.timeout(self.deadline):
                await handler(self)
            self.finish(0)
        except TimeoutError:
            self.finish(grpc_h3.CODES.index("DEADLINE_EXCEEDED"), "the deadline has passed")
        except Failed as failure:
            self.trailers = failure.trailers
            self.finish(failure.code, failure.message)


async def unary(call: Call) -> None:
    call.write(await call.only_request())


async def server_stream(call: Call) -> None:
    request = await call.only_request()
    if len(request) < 4:
        raise Failed("INVALID_ARGUMENT", "the request has no count")
    for _ in range(struct.unpack_from(">I", request)[0]):
        call.write(request[4:])


async def client_stream(call: Call) -> None:
    total = count = 0
    while (request := await call.read()) is not None:
        total += len(request)
        count += 1
    call.write(struct.pack(">QQ", total, count))


async def bidi(call: Call) -> None:
    call.send_head()
    while (request := await call.read()) is not None:
        call.write(request)


async def fail(call: Call) -> None:
    request = await call.only_request()
    name, _, message = request.decode(errors="replace").partition(":")
    if name not in grpc_h3.CODES or name == "OK":
        raise Failed("INVALID_ARGUMENT", f"no such status code: {name}")
    raise Failed(name, message, [("x-fail-bin", request)])


async def metadata(call: Call) -> None:
    request = await call.only_request()
    call.send_head(call.metadata)
    call.trailers = call.metadata
    call.write(request)


# For each key of a Slow call: set when the call has ended.
ended: dict[bytes, asyncio.Event] = {}


async def slow(call: Call) -> None:
    request = await call.only_request()
    event = ended[request] = asyncio.Event()
    try:
        call.send_head([] if call.deadline is None else [("x-deadline-ms", str(int(call.deadline * 1000)))])
        call.server.transmit()
        await asyncio.Event().wait()
    finally:
        event.set()


async def was_cancelled(call: Call) -> None:
    request = await call.only_request()
    if request not in ended:
        return call.write(b"unknown")
    try:
        await asyncio.wait_for(ended[request].wait(), 30)
    except TimeoutError:
        return call.write(b"running")
    call.write(b"cancelled")


async def was_early(call: Call) -> None:
    await call.only_request()
    call.write(b"early" if call.is_early else b"late")


METHODS: dict[str, Callable[[Call], Awaitable[None]]] = {
    "/echo.Echo/Unary": unary,
    "/echo.Echo/ServerStream": server_stream,
    "/echo.Echo/ClientStream": client_stream,
    "/echo.Echo/Bidi": bidi,
    "/echo.Echo/Fail": fail,
    "/echo.Echo/Metadata": metadata,
    "/echo.Echo/Slow": slow,
    "/echo.Echo/WasCancelled": was_cancelled,
    "/echo.Echo/WasEarly": was_early,
}


class EchoServer(QuicConnectionProtocol):
    def __init__(self, *arguments, **options) -> None:
        super().__init__(*arguments, **options)
        self.http = H3Connection(self._quic)
        self.calls: dict[int, tuple[Call, asyncio.Task]] = {}

    def quic_event_received(self, event) -> None:
        if isinstance(event, (StreamReset, StopSendingReceived)):
            self.cancel(event.stream_id)
        elif isinstance(event, ConnectionTerminated):
            for stream in list(self.calls):
                self.cancel(stream)
        for event in self.http.handle_event(event):
            if isinstance(event, HeadersReceived) and event.stream_id not in self.calls:
                call = Call(self, event.stream_id, event.headers)
                self.calls[event.stream_id] = (call, asyncio.create_task(call.run()))
                if event.stream_ended:
                    call.feed(b"", True)
            elif isinstance(event, DataReceived) and event.stream_id in self.calls:
                self.calls[event.stream_id][0].feed(event.data, event.stream_ended)

    def cancel(self, stream: int) -> None:
        if stream in self.calls:
            self.calls[stream][1].cancel()


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tls-cert", type=pathlib.Path, required=True)
    parser.add_argument("--tls-key", type=pathlib.Path, required=True)
    parser.add_argument("--tls-ca", type=pathlib.Path)
    parser.add_argument("--retry", action="store_true", help="have clients prove their address")
    parser.add_argument("--forget-tickets", action="store_true", help="take no session back, and no early data")
    options = parser.parse_args()

    configuration = QuicConfiguration(is_client=False, alpn_protocols=H3_ALPN, max_datagram_frame_size=65536)
    configuration.load_cert_chain(options.tls_cert, options.tls_key)
    if options.tls_ca:
        JudgingContext.authority = str(options.tls_ca)
        aioquic.quic.connection.tls.Context = JudgingContext
    tickets: dict[bytes, tls.SessionTicket] = {}
    # With the switch, aioquic expects a certificate also of a client that resumes, which sends none: no tickets then.
    resumption = {} if options.tls_ca else {
        "session_ticket_fetcher": lambda label: None if options.forget_tickets else tickets.pop(label, None),
        "session_ticket_handler": lambda ticket: tickets.__setitem__(ticket.ticket, ticket),
    }
    server = await serve(
        "127.0.0.1",
        0,
        configuration=configuration,
        create_protocol=EchoServer,
        retry=options.retry,
        **resumption,
    )
    print(f"LISTENING {server._transport.get_extra_info('sockname')[1]}", flush=True)
    await until_told_to_stop()
    server.close()


if __name__ == "__main__":
    asyncio.run(main())
