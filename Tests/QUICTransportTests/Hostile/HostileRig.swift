import ForeignPeers
import Foundation
import NodeTransport
import Synchronization
import Testing

@testable import QUICTransport

/// A server under attack, and a client that wants nothing but its answers.
struct HostileRig: Sendable {
    static let echo = Method<Unary, Bytes, Bytes>("test.Hostile", "Echo", request: .bytes, response: .bytes)

    private struct EchoService: Service {
        var handlers: [MethodHandler] { [HostileRig.echo.handle { request, _ in request }] }
    }

    let listener: any Listener
    let client: QUICTransport
    let events: Events

    var port: Int { listener.endpoint.port ?? 0 }

    /// What the server's `onEvent` heard.
    final class Events: Sendable {
        private let heard = Mutex<[String: Int]>([:])
        private let isNews = NSCondition()

        func note(_ event: TransportEvent) {
            let text = "\(event.kind.rawValue): \(event.error?.message ?? "")"
            isNews.lock()
            heard.withLock { $0[text, default: 0] += 1 }
            isNews.broadcast()
            isNews.unlock()
        }

        var all: [String: Int] { heard.withLock { $0 } }
        func contains(_ text: String) -> Bool { all.keys.contains { $0.contains(text) } }

        /// Blocks until there is such an event; false when there is none in good time.
        func waitFor(_ text: String) -> Bool {
            let end = Date(timeIntervalSinceNow: 30)
            isNews.lock()
            defer { isNews.unlock() }
            while !contains(text), isNews.wait(until: end) {}
            return contains(text)
        }
    }

    /// Runs `attack` while the good client makes one call after the other, each of which must succeed; and so must one
    /// that comes later, and one on a new connection.
    ///
    /// - Parameter limit: How much more memory may be in use afterwards, in bytes; other tests run meanwhile.
    static func run(
        memoryLimit limit: Int = 256 << 20, _ configure: (inout QUICTransport.Configuration) -> Void = { _ in },
        _ attack: @escaping @Sendable (HostileRig) throws -> Void
    ) async throws {
        let identity = try HandIdentity.shared.get()
        var configuration = QUICTransport.Configuration()
        configuration.handshakeTimeout = .seconds(20)
        configure(&configuration)
        let events = Events()
        configuration.onEvent = { events.note($0) }
        let server = try QUICTransport(identity: identity.node, trust: identity.trust, configuration: configuration)
        let client = try QUICTransport(identity: identity.node, trust: identity.trust)
        let listener = try await server.listen(
            on: Endpoint(parsing: "quic://127.0.0.1:0"), services: [EchoService()])
        let rig = HostileRig(listener: listener, client: client, events: events)
        let connection = try await newcomer(client, listener.endpoint)
        let before = try residentBytes()
        let isOver = Flag()
        let calls = Task { try await callUntil({ isOver.isSet }, connection) }
        let outcome = await Result { () async throws in try await blocking { try attack(rig) } }
        isOver.set()
        let goodCalls = await calls.result
        var grown = try residentBytes() - before
        // What other tests use for a while, they give back.
        let end = ContinuousClock.now.advanced(by: .seconds(20))
        while grown >= limit, ContinuousClock.now < end {
            _ = try? await connection.call(echo, Bytes())
            grown = try residentBytes() - before
        }
        if ProcessInfo.processInfo.environment["QUIC_FAULT_FIGURES"] != nil { print("grown by \(grown >> 10) KiB") }
        let later = await Result { () async throws -> Bytes in
            _ = try await connection.call(echo, Bytes())
            return try await newcomer(client, listener.endpoint).call(echo, Bytes(utf8: "still there"))
        }
        await client.shutdown(within: .zero)
        await server.shutdown(within: .zero)
        try outcome.get()
        #expect(try goodCalls.get() > 0)
        #expect(try later.get() == Bytes(utf8: "still there"))
        #expect(grown < limit, "\(grown >> 20) MiB more than before")
    }

    /// A connection, as soon as there is place for one again.
    private static func newcomer(_ client: QUICTransport, _ endpoint: Endpoint) async throws -> any Connection {
        let end = ContinuousClock.now.advanced(by: .seconds(60))
        while true {
            do {
                return try await client.connect(to: endpoint)
            } catch {
                guard ContinuousClock.now < end else { throw error }
            }
        }
    }

    private static func callUntil(
        _ isOver: @escaping @Sendable () -> Bool, _ connection: any Connection
    ) async throws -> Int {
        var calls = 0
        repeat {
            calls += 1
            let request = Bytes(utf8: "call \(calls)")
            guard try await connection.call(echo, request) == request else {
                throw RawUDP.Failure(description: "a wrong answer")
            }
        } while !isOver()
        return calls
    }
}

/// Something that has happened or not.
final class Flag: Sendable {
    private let value = Atomic(false)

    var isSet: Bool { value.load(ordering: .acquiring) }

    func set() { value.store(true, ordering: .releasing) }
}

/// What a test wants where no task runs, so that an issue would belong to no test.
func demand(_ condition: Bool, _ message: @autoclosure () -> String) throws {
    if !condition { throw RawUDP.Failure(description: message()) }
}

/// The memory of this process that is in use.
func residentBytes() throws -> Int {
    let fields = try String(contentsOfFile: "/proc/self/statm", encoding: .utf8).split(separator: " ")
    return (Int(fields[1]) ?? 0) * 4096
}
