"""echo.Echo on grpcio with asyncio. The command line stands in ../../README.md; this program knows besides
`--messages N` of one client or server stream."""

from __future__ import annotations

import asyncio

import grpc
import grpc.aio
from measurement import Measurement, Options, main, serving

PAIRS = [
    *(f"{wire}:{scenario}" for wire in ["grpc", "grpc-tls"]
      for scenario in ["unary", "client-stream", "server-stream", "ping-pong", "handshake", "bulk", "broadcast"]),
]  # fmt: skip
UNLIMITED = [("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1)]


# MARK: - Server


async def unary(request: bytes, _) -> bytes:
    return request


async def server_stream(request: bytes, context) -> None:
    payload = request[4:]
    for _ in range(int.from_bytes(request[:4], "big")):
        await context.write(payload)


async def client_stream(_, context) -> bytes:
    size = count = 0
    while (message := await context.read()) is not grpc.aio.EOF:
        size += len(message)
        count += 1
    return size.to_bytes(8, "big") + count.to_bytes(8, "big")


async def bidi(_, context) -> None:
    while (message := await context.read()) is not grpc.aio.EOF:
        await context.write(message)


async def serve(options: Options, wire: str) -> None:
    server = grpc.aio.server(options=[*UNLIMITED, ("grpc.so_reuseport", 0)])
    handlers = {
        "Unary": grpc.unary_unary_rpc_method_handler(unary),
        "ServerStream": grpc.unary_stream_rpc_method_handler(server_stream),
        "ClientStream": grpc.stream_unary_rpc_method_handler(client_stream),
        "Bidi": grpc.stream_stream_rpc_method_handler(bidi),
    }
    server.add_generic_rpc_handlers([grpc.method_handlers_generic_handler("echo.Echo", handlers)])
    address = f"127.0.0.1:{int(options.number('port', 0))}"
    if wire == "grpc-tls":
        credentials = grpc.ssl_server_credentials([(options.file("key"), options.file("cert"))])
        port = server.add_secure_port(address, credentials)
    else:
        port = server.add_insecure_port(address)
    await server.start()
    await serving(port)
    await server.stop(0)


# MARK: - Client


class Calls:
    def __init__(self, options: Options, wire: str, scenario: str, measurement: Measurement) -> None:
        self.measurement = measurement
        self.scenario = scenario
        self.size = int(options.number("size", 65536 if scenario == "bulk" else 64))
        self.messages = options.count("messages", 100)
        self.chunk = b"x" * self.size
        self.target = options.text("to")
        self.credentials = grpc.ssl_channel_credentials(options.file("ca")) if wire == "grpc-tls" else None

    def channel(self) -> grpc.aio.Channel:
        options = [*UNLIMITED, ("grpc.use_local_subchannel_pool", 1), ("grpc.enable_retries", 0)]
        if self.credentials:
            options.append(("grpc.ssl_target_name_override", "localhost"))
            return grpc.aio.secure_channel(self.target, self.credentials, options)
        return grpc.aio.insecure_channel(self.target, options)

    async def unary(self, channel: grpc.aio.Channel) -> None:
        method = channel.unary_unary("/echo.Echo/Unary")
        while (intended := await self.measurement.next()) is not None:
            self.check(len(await method(self.chunk)), self.size)
            self.measurement.record(intended, self.size)

    async def client_stream(self, channel: grpc.aio.Channel) -> None:
        method, total = channel.stream_unary("/echo.Echo/ClientStream"), self.size * self.messages
        while (intended := await self.measurement.next()) is not None:
            call = method()
            for _ in range(self.messages):
                await call.write(self.chunk)
            await call.done_writing()
            self.check(int.from_bytes((await call)[:8], "big"), total)
            self.measurement.record(intended, total)

    async def server_stream(self, channel: grpc.aio.Channel) -> None:
        method, total = channel.unary_stream("/echo.Echo/ServerStream"), self.size * self.messages
        request = self.messages.to_bytes(4, "big") + self.chunk
        while (intended := await self.measurement.next()) is not None:
            call, count = method(request), 0
            while (message := await call.read()) is not grpc.aio.EOF:
                count += len(message)
            self.check(count, total)
            self.measurement.record(intended, total)

    async def ping_pong(self, channel: grpc.aio.Channel) -> None:
        """One stream for all round trips."""
        call = channel.stream_stream("/echo.Echo/Bidi")()
        while (intended := await self.measurement.next()) is not None:
            await call.write(self.chunk)
            self.check(len(await call.read()), self.size)
            self.measurement.record(intended, self.size)
        await call.done_writing()

    async def bulk(self, channel: grpc.aio.Channel) -> None:
        """One stream, as many bytes as it takes; the server counts them."""
        call, total = channel.stream_unary("/echo.Echo/ClientStream")(), 0
        while (intended := await self.measurement.next()) is not None:
            await call.write(self.chunk)
            total += self.size
            self.measurement.record(intended, self.size)
        await call.done_writing()
        self.check(int.from_bytes((await call)[:8], "big"), total)

    async def broadcast(self, channels: list[grpc.aio.Channel]) -> None:
        """One message to all at once; over when the last has answered."""
        methods = [channel.unary_unary("/echo.Echo/Unary") for channel in channels]
        while (intended := await self.measurement.next()) is not None:
            answers = await asyncio.gather(*(method(self.chunk) for method in methods))
            for answer in answers:
                self.check(len(answer), self.size)
            self.measurement.record(intended, self.size * len(answers))

    async def handshake(self, _) -> None:
        """A connection, one echo, and the end."""
        while (intended := await self.measurement.next()) is not None:
            async with self.channel() as channel:
                self.check(len(await channel.unary_unary("/echo.Echo/Unary")(self.chunk, timeout=5)), self.size)
                self.measurement.record(intended, self.size)

    @staticmethod
    def check(count: int, expected: int) -> None:
        if count != expected:
            raise ValueError(f"{count} bytes instead of {expected}")


async def call(options: Options, wire: str, scenario: str, measurement: Measurement) -> None:
    calls = Calls(options, wire, scenario, measurement)
    channels = [calls.channel() for _ in range(options.count("connections", 1))]
    if scenario != "handshake":
        for channel in channels:
            await channel.channel_ready()
    work = getattr(calls, scenario.replace("-", "_"))
    concurrency = options.count("concurrency", 1)
    if scenario == "broadcast":
        tasks = [lambda: work(channels) for _ in range(concurrency)]
    else:
        tasks = [lambda i=i: work(channels[i % len(channels)]) for i in range(max(concurrency, len(channels)))]
    await measurement.run(tasks)
    for channel in channels:
        await channel.close()


if __name__ == "__main__":
    main(f"grpcio {grpc.__version__}", PAIRS, serve, call)
