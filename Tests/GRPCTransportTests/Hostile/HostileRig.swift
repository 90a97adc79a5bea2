import ForeignPeers
import NodeTransport
import Synchronization
import Testing

@testable import GRPCTransport

/// A plaintext server under attack, and a client that wants nothing but its answers.
struct HostileRig: Sendable {
    let listener: any Listener
    let client: GRPCTransport
    let events: EventLog

    var endpoint: Endpoint { listener.endpoint }

    /// Runs `body` while the good client makes one call after the other, each of which must succeed.
    static func run(
        _ configure: (inout GRPCTransport.Configuration) -> Void = { _ in },
        services: [any Service] = [EchoService()], _ body: (HostileRig) async throws -> Void
    ) async throws {
        var configuration = GRPCTransport.Configuration()
        configure(&configuration)
        let events = EventLog()
        configuration.onEvent = { events.note($0) }
        let server = try GRPCTransport(security: .plaintext, configuration: configuration)
        let client = try GRPCTransport(security: .plaintext)
        let listener = try await server.listen(on: Endpoint(parsing: "grpc://127.0.0.1:0"), services: services)
        let rig = HostileRig(listener: listener, client: client, events: events)
        let connection = try await client.connect(to: listener.endpoint)
        let isOver = Flag()
        let calls = Task { try await callUntil({ isOver.isSet }, connection) }
        let outcome: Result<Void, any Error>
        do {
            outcome = .success(try await body(rig))
        } catch {
            outcome = .failure(error)
        }
        isOver.set()
        let goodCalls = await calls.result
        // The one that was there before, and one that comes now.
        let later = await Result { () async throws -> Bytes in
            _ = try await connection.call(Echo.unary, Bytes())
            let newcomer = try await client.connect(to: listener.endpoint)
            return try await newcomer.call(Echo.unary, Bytes(utf8: "still there"))
        }
        await client.shutdown(within: .zero)
        await server.shutdown(within: .zero)
        try outcome.get()
        #expect(try goodCalls.get() > 0)
        // A test of the limit of connections may have used it up.
        if configuration.maximumConnections > 2 { #expect(try later.get() == Bytes(utf8: "still there")) }
    }

    /// Enough to be in the way of every attack, and not in that of other tests.
    private static let maximumCalls = 500

    private static func callUntil(
        _ isOver: @escaping @Sendable () -> Bool, _ connection: any Connection
    ) async throws -> Int {
        var calls: UInt32 = 0
        repeat {
            calls += 1
            let request = Bytes(Raw.uint32(calls))
            guard try await connection.call(Echo.unary, request) == request else {
                throw RawSocket.Failure(description: "a wrong answer")
            }
        } while !isOver() && calls < maximumCalls
        return Int(calls)
    }
}

extension Result where Failure == any Error {
    init(catching body: () async throws -> Success) async {
        do { self = .success(try await body()) } catch { self = .failure(error) }
    }
}

/// Something that has happened or not.
final class Flag: Sendable {
    private let value = Atomic(false)

    var isSet: Bool { value.load(ordering: .acquiring) }

    func set() { value.store(true, ordering: .releasing) }
}
