import GRPCTransport
import NodeTransport
import Synchronization
import Testing
import TransportResilience

/// Limits around a wire: what only shows where handlers have an event loop.
@Suite(.timeLimit(.minutes(2))) struct LimitedWireTests {
    private static let compute = Method<Unary, Bytes, Bytes>(
        "test.Test", "Compute", request: .bytes, response: .bytes)
    private static let quick = Method<Unary, Bytes, Bytes>("test.Test", "Quick", request: .bytes, response: .bytes)

    /// Blocks its thread until it is let go.
    private final class Computing: Service {
        let mayEnd = Atomic(false)
        let (begins, begin) = AsyncStream.makeStream(of: Void.self)

        var handlers: [MethodHandler] {
            [
                LimitedWireTests.compute.handle(on: .concurrent) { request, _ in
                    self.begin.yield()
                    while !self.mayEnd.load(ordering: .acquiring) {}
                    return request
                },
                LimitedWireTests.quick.handle { request, _ in request },
            ]
        }
    }

    /// Admission runs on the loop, the handler does not: else nobody would be answered while it computes.
    @Test func aConcurrentHandlerDoesNotHoldUpItsLoop() async throws {
        let transport = try GRPCTransport(security: .plaintext)
        let service = Computing()
        let outcome = await Self.result {
            let listener = try await transport.limited(ServerLimits(concurrency: .fixed(2))).listen(
                on: "grpc://127.0.0.1:0", services: [service])
            let connection = try await transport.connect(to: listener.endpoint)
            // On the client's loop: the handler keeps one of the pool's threads, and there may be no other just now.
            try await withTaskExecutorPreference(connection.executor) { () async throws in
                async let computed = connection.call(Self.compute, Bytes(utf8: "slow"))
                for await _ in service.begins { break }
                #expect(try await connection.call(Self.quick, Bytes(utf8: "quick")) == Bytes(utf8: "quick"))
                service.mayEnd.store(true, ordering: .releasing)
                #expect(try await computed == Bytes(utf8: "slow"))
            }
        }
        service.mayEnd.store(true, ordering: .releasing)
        await transport.shutdown(within: .zero)
        try outcome.get()
    }

    private static func result(_ body: () async throws -> Void) async -> Result<Void, any Error> {
        do { return .success(try await body()) } catch { return .failure(error) }
    }
}
