import GRPCTransport
import NodeTransport
import Synchronization
import TransportResilience
import TransportTestKit

/// `overload-bench cost`: what limits cost a call that they let pass, by themselves and against a call in memory.
/// `overload-bench overload [SECONDS]`: ten times of what a server can do is asked of it over HTTP/2, without limits and
/// with them.
@main struct OverloadBench {
    static func main() async throws {
        let arguments = CommandLine.arguments.dropFirst()
        switch arguments.first {
        case "cost": try await Cost.run()
        case "overload": try await Overload.run(seconds: arguments.dropFirst().first.flatMap { Int($0) } ?? 5)
        default: print("usage: overload-bench cost | overload [SECONDS]")
        }
    }
}

enum BenchMethods {
    static let echo = Method<Unary, Bytes, Bytes>("bench.Bench", "Echo", request: .bytes, response: .bytes)
}

/// One caller, in turns without limits and with them, so that the machine's moods hit both.
enum Cost {
    struct Echo: Service {
        var handlers: [MethodHandler] { [BenchMethods.echo.handle { request, _ in request }] }
    }

    static func run() async throws {
        let network = InMemoryNetwork()
        _ = try await InMemoryTransport(network: network).listen(on: "memory://bare", services: [Echo()])
        _ = try await InMemoryTransport(network: network).limited().listen(on: "memory://limited", services: [Echo()])
        let client = InMemoryTransport(network: network)
        let bare = try await client.connect(to: "memory://bare")
        let limited = try await client.connect(to: "memory://limited")
        var times = (bare: [Double](), limited: [Double]())
        for _ in 0..<20 {
            times.bare.append(try await time(bare))
            times.limited.append(try await time(limited))
        }
        let (before, after) = (times.bare.sorted()[10], times.limited.sorted()[10])
        print("by themselves: \(Int(try await Admission.time(.default))) ns, fixed; ", terminator: "")
        print(
            "\(Int(try await Admission.time(ServerLimits(concurrency: .gradient())))) ns, gradient, no address counted")
        print(
            "bare \(Int(before)) ns, limited \(Int(after)) ns a call (medians of 20 × 25,000): ratio \(after / before)")
    }

    /// Nanoseconds a call.
    private static func time(_ connection: any Connection) async throws -> Double {
        let message = Bytes(utf8: "x")
        let start = ContinuousClock.now
        for _ in 0..<25_000 { _ = try await connection.call(BenchMethods.echo, message) }
        return (ContinuousClock.now - start) / .nanoseconds(25_000)
    }
}

/// A handler called as a wire would call it, without the wire.
enum Admission {
    private final class Kept: Transport {
        let table = Mutex<ServiceTable?>(nil)

        func connect(to endpoint: Endpoint) async throws -> any Connection {
            throw TransportError(.unimplemented, "there is no wire")
        }
        func listen(on endpoint: Endpoint, serving table: ServiceTable) async throws -> any Listener {
            self.table.withLock { $0 = table }
            throw TransportError(.unimplemented, "there is no wire")
        }
        func shutdown(within grace: Duration) async {}
    }

    private final class Call: ServerCall {
        let head = CallHead(method: BenchMethods.echo.name, shape: .unary)
        let peer: PeerIdentity? = nil
        let remoteEndpoint: Endpoint

        init() throws { remoteEndpoint = try Endpoint(parsing: "grpc://192.0.2.7:50051") }

        func setInitialMetadata(_ metadata: Metadata) {}
        func sendInitialMetadata() async throws {}
        func setTrailers(_ metadata: Metadata) {}
        func receive() async throws -> Bytes? { nil }
        func send(_ message: Bytes) async throws {}
    }

    /// What `limits` add to a call, in nanoseconds.
    static func time(_ limits: ServerLimits) async throws -> Double {
        let kept = Kept()
        _ = try? await kept.limited(limits).listen(on: "memory://none", services: [Cost.Echo()])
        let limited = kept.table.withLock { $0?.handlers.first }
        guard let limited, let bare = Cost.Echo().handlers.first else { return 0 }
        let context = ServerContext(try Call())
        var added: [Double] = []
        for _ in 0..<20 {
            let without = try await time(bare, context)
            added.append(try await time(limited, context) - without)
        }
        return added.sorted()[10]
    }

    private static func time(_ handler: MethodHandler, _ context: ServerContext) async throws -> Double {
        guard case .unary(let body) = handler.body else { return 0 }
        let message = Bytes(utf8: "x")
        let start = ContinuousClock.now
        for _ in 0..<50_000 { _ = try await body(message, context) }
        return (ContinuousClock.now - start) / .nanoseconds(50_000)
    }
}
