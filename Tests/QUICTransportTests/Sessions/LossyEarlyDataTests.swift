import ForeignPeers
import NodeTransport
import Synchronization
import Testing
import TransportTLS

@testable import QUICTransport

/// Many visits over a relay that loses every tenth datagram.
@Suite("Early data at 10 percent loss", .timeLimit(.minutes(3)))
struct LossyEarlyDataTests {
    private static let look = Method<Unary, Bytes, Bytes>(
        "early.Lossy", "Look", request: .bytes, response: .bytes, isIdempotent: true)
    private static let pay = Method<Unary, Bytes, Bytes>("early.Lossy", "Pay", request: .bytes, response: .bytes)

    private struct Handlers: Service {
        let paid: Ledger

        var handlers: [MethodHandler] {
            [
                LossyEarlyDataTests.look.handle { request, _ in request },
                LossyEarlyDataTests.pay.handle { request, _ in
                    paid.counts.withLock { $0[request, default: 0] += 1 }
                    return request
                },
            ]
        }
    }

    private final class Ledger: Sendable {
        let counts = Mutex<[Bytes: Int]>([:])
    }

    @Test(arguments: [1, 2] as [UInt64])
    func `every call is answered, and no payment made twice, whether early data is taken or not`(
        seed: UInt64
    ) async throws {
        let identities = TestIdentities.shared
        let credentials = Credentials(identity: identities.node, trust: identities.trust)
        let other = try identities.issue(name: "other").fingerprint
        let ledger = Ledger()
        var configuration = QUICTransport.Configuration()
        configuration.acceptsEarlyData = true
        configuration.sendsEarlyData = true
        configuration.handshakeTimeout = .seconds(60)
        let server = try QUICTransport(
            tls: TLSConfiguration(credentials: credentials, clientAuthentication: .none), configuration: configuration)
        let listener = try await server.listen(on: "quic://127.0.0.1:0", services: [Handlers(paid: ledger)])
        let relay = try LossyRelay(to: listener.endpoint.port ?? 0, at: 0, seed: seed)
        let client = try QUICTransport(tls: identities.mutual, configuration: configuration)
        let outcome = await Result { () async throws in
            let endpoint = try Endpoint(parsing: "quic://127.0.0.1:\(relay.port)")
            var taken = 0
            for visit in 0..<8 {
                // Every third time the server has forgotten its tickets.
                if visit % 3 == 2 {
                    credentials.revoke([.certificate(other)])
                    credentials.reinstate([.certificate(other)])
                }
                let connection = try await client.connect(to: endpoint)
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for index in 0..<6 {
                        group.addTask {
                            let request = Bytes(utf8: "\(visit) \(index) " + String(repeating: "x", count: index * 700))
                            let method = index % 2 == 0 ? Self.look : Self.pay
                            let answer = try await connection.call(method, request)
                            #expect(answer == request, "seed \(seed)")
                        }
                    }
                    try await group.waitForAll()
                }
                if try await QUICControl(connection)?.statistics().isEarlyDataAccepted == true { taken += 1 }
                await connection.close(within: .zero)
            }
            #expect(taken > 0, "seed \(seed)")
            let counts = ledger.counts.withLock { $0 }
            #expect(counts.count == 24 && counts.values.allSatisfy { $0 == 1 }, "seed \(seed): \(counts)")
        }
        await client.shutdown(within: .zero)
        await server.shutdown(within: .zero)
        await relay.stop()
        if case .failure(let error) = outcome { Issue.record("seed \(seed): \(error)") }
    }
}
