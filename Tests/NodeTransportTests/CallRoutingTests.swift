import NodeTransport
import Synchronization
import Testing
import TransportTestKit

@Suite("Wishes about a call's peer", .timeLimit(.minutes(5)))
struct CallRoutingTests {
    @Test func noWishesAreTheDefault() throws {
        var head = CallHead(method: MethodName("a.A", "B"), shape: .unary)
        #expect(head.routing == .default)
        head.routing.key = "k"
        #expect(head.routing == CallRouting(key: "k"))
        head.routing.key = nil
        #expect(head.routing == .default)
    }

    @Test func aRoutedConnectionChangesEachCall() async throws {
        let seen = Seen()
        let transport = InMemoryTransport().intercepted(client: [seen])
        let method = NodeTransport.Method<Unary, Bytes, Bytes>("a.A", "B", request: .bytes, response: .bytes)
        let listener = try await transport.listen(
            on: Endpoint(parsing: "memory://a"), serving: ServiceTable([Echo(method: method)]))
        let connection = try await transport.connect(to: listener.endpoint)
        let peer = try Endpoint(parsing: "grpc://10.0.0.1:1")
        _ = try await connection.call(method, Bytes())
        _ = try await connection.routed { $0.waitsForReady = true }.routed { $0.avoided.append(peer) }
            .call(method, Bytes())
        #expect(seen.routings.withLock { $0 } == [.default, CallRouting(waitsForReady: true, avoided: [peer])])
        await transport.shutdown(within: .zero)
    }

    private final class Seen: ClientInterceptor {
        let routings = Mutex<[CallRouting]>([])

        func unary(_ head: CallHead, _ request: Bytes, next: UnaryNext) async throws -> UnaryReply {
            routings.withLock { $0.append(head.routing) }
            return try await next(head, request)
        }
    }

    private struct Echo: Service {
        let method: NodeTransport.Method<Unary, Bytes, Bytes>
        var handlers: [MethodHandler] { [method.handle { request, _ in request }] }
    }
}
