"""The service echo.Echo on grpcio. The contract is in ../README.md."""

from __future__ import annotations

import argparse
import asyncio
import struct

import grpc

import tls
from stopping import until_told_to_stop

MAX_MESSAGE_BYTES = 4 * 1024 * 1024
CODES = {code.name: code for code in grpc.StatusCode}


class Echo:
    def __init__(self) -> None:
        # For each key of a Slow call: set when the call has ended.
        self.ended: dict[bytes, asyncio.Event] = {}

    async def unary(self, request: bytes, context: grpc.aio.ServicerContext) -> bytes:
        return request

    async def server_stream(self, request: bytes, context: grpc.aio.ServicerContext):
        if len(request) < 4:
            await context.abort(grpc.StatusCode.INVALID_ARGUMENT, "the request has no count")
        (count,) = struct.unpack_from(">I", request)
        for _ in range(count):
            yield request[4:]

    async def client_stream(self, requests, context: grpc.aio.ServicerContext) -> bytes:
        total = count = 0
        async for request in requests:
            total += len(request)
            count += 1
        return struct.pack(">QQ", total, count)

    async def bidi(self, requests, context: grpc.aio.ServicerContext):
        async for request in requests:
            yield request

    async def fail(self, request: bytes, context: grpc.aio.ServicerContext) -> bytes:
        name, _, message = request.decode(errors="replace").partition(":")
        if name not in CODES or name == "OK":
            await context.abort(grpc.StatusCode.INVALID_ARGUMENT, f"no such status code: {name}")
        await context.abort(CODES[name], message, trailing_metadata=(("x-fail-bin", request),))

    async def metadata(self, request: bytes, context: grpc.aio.ServicerContext) -> bytes:
        echoed = [(name, value) for name, value in context.invocation_metadata() if name.startswith("x-")]
        await context.send_initial_metadata(echoed)
        context.set_trailing_metadata(echoed)
        return request

    async def slow(self, request: bytes, context: grpc.aio.ServicerContext) -> bytes:
        ended = self.ended[request] = asyncio.Event()
        remaining = context.time_remaining()
        try:
            await context.send_initial_metadata(
                [] if remaining is None else [("x-deadline-ms", str(int(remaining * 1000)))]
            )
            await asyncio.Event().wait()
            raise AssertionError("nothing sets this event")
        finally:
            ended.set()

    async def was_cancelled(self, request: bytes, context: grpc.aio.ServicerContext) -> bytes:
        if request not in self.ended:
            return b"unknown"
        try:
            await asyncio.wait_for(self.ended[request].wait(), timeout=30)
        except TimeoutError:
            return b"running"
        return b"cancelled"

    def handlers(self) -> grpc.GenericRpcHandler:
        return grpc.method_handlers_generic_handler(
            "echo.Echo",
            {
                "Unary": grpc.unary_unary_rpc_method_handler(self.unary),
                "ServerStream": grpc.unary_stream_rpc_method_handler(self.server_stream),
                "ClientStream": grpc.stream_unary_rpc_method_handler(self.client_stream),
                "Bidi": grpc.stream_stream_rpc_method_handler(self.bidi),
                "Fail": grpc.unary_unary_rpc_method_handler(self.fail),
                "Metadata": grpc.unary_unary_rpc_method_handler(self.metadata),
                "Slow": grpc.unary_unary_rpc_method_handler(self.slow),
                "WasCancelled": grpc.unary_unary_rpc_method_handler(self.was_cancelled),
            },
        )


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    tls.add_options(parser)
    options = parser.parse_args()

    server = grpc.aio.server(
        options=[("grpc.max_receive_message_length", MAX_MESSAGE_BYTES), ("grpc.so_reuseport", 0)]
    )
    server.add_generic_rpc_handlers((Echo().handlers(),))
    address = f"127.0.0.1:{options.port}"
    credentials = tls.server_credentials(options)
    port = server.add_secure_port(address, credentials) if credentials else server.add_insecure_port(address)
    await server.start()
    print(f"LISTENING {port}", flush=True)
    await until_told_to_stop()
    await server.stop(grace=0)


if __name__ == "__main__":
    asyncio.run(main())
