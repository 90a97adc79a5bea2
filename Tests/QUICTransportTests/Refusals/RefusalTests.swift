import ForeignPeers
import NodeTransport
import QUICTransport
import Testing
import TransportTLS

/// One way not to be accepted.
struct RefusalCase: Sendable, CustomTestStringConvertible {
    enum Side: Sendable { case client, server }

    let testDescription: String
    /// Who refuses the other.
    let refuser: Side
    let code: TLSError.Code
    let text: String
    /// What the refused side hears.
    let alert: String
    var host = "127.0.0.1"
    var client: @Sendable (TestIdentities) throws -> TLSConfiguration = { $0.mutual }
    var server: @Sendable (TestIdentities) throws -> TLSConfiguration = { $0.mutual }

    static let all: [RefusalCase] =
        [
            shown("a certificate of another authority", .untrustedIssuer, "not trusted", alert: "unknown ca") { _ in
                try TestIdentities.shared.issue(by: DevelopmentCA.create(commonName: "Other CA"))
            },
            shown("an expired certificate", .expired, "expired on ", alert: "certificate expired") { _ in
                try TestIdentities.shared.issue(days: (-2, -1))
            },
            shown("a certificate that is not yet valid", .notYetValid, "not valid before ", alert: "bad certificate") {
                _ in try TestIdentities.shared.issue(days: (1, 2))
            },
            shown(
                "a certificate for the other side only", .wrongPurpose, "its key usages do not allow",
                alert: "unsupported certificate"
            ) {
                try TestIdentities.shared.issue(
                    usages: $0 == .client ? [.serverAuthentication] : [.clientAuthentication])
            },
        ].flatMap { $0 } + others

    private static let others: [RefusalCase] = [
        RefusalCase(
            testDescription: "the server is not the host that was asked for", refuser: .client, code: .nameMismatch,
            text: "it is not for localhost but for IP:127.0.0.1", alert: "bad certificate", host: "localhost",
            server: { TLSConfiguration(identity: try $0.issue(addresses: ["127.0.0.1"]), trust: $0.trust) }),
        RefusalCase(
            testDescription: "the server is not the address that was asked for", refuser: .client, code: .nameMismatch,
            text: "it is not for 127.0.0.1 but for IP:127.0.0.9", alert: "bad certificate",
            server: { TLSConfiguration(identity: try $0.issue(addresses: ["127.0.0.9"]), trust: $0.trust) }),
        RefusalCase(
            testDescription: "the client shows no certificate", refuser: .server, code: .noCertificate,
            text: "the client sent no certificate", alert: "certificate required",
            client: { TLSConfiguration(identity: nil, trust: $0.trust) }),
        RefusalCase(
            testDescription: "the server's key is not pinned", refuser: .client, code: .pinMismatch,
            text: "it is not pinned", alert: "bad certificate",
            client: { TLSConfiguration(identity: $0.node, trust: .pinned([.certificate(try $0.issue().fingerprint)])) }),
        RefusalCase(
            testDescription: "the client's key is not pinned", refuser: .server, code: .pinMismatch,
            text: "it is not pinned", alert: "bad certificate",
            server: { TLSConfiguration(identity: $0.node, trust: .pinned([.certificate(try $0.issue().fingerprint)])) }),
    ]

    /// A certificate that is shown by the client, and by the server.
    private static func shown(
        _ what: String, _ code: TLSError.Code, _ text: String, alert: String,
        _ identity: @escaping @Sendable (Side) throws -> Identity
    ) -> [RefusalCase] {
        let client = RefusalCase(
            testDescription: "the client shows \(what)", refuser: .server, code: code, text: text, alert: alert,
            client: { TLSConfiguration(identity: try identity(.client), trust: $0.trust) })
        let server = RefusalCase(
            testDescription: "the server shows \(what)", refuser: .client, code: code, text: text, alert: alert,
            server: { TLSConfiguration(identity: try identity(.server), trust: $0.trust) })
        return [client, server]
    }
}

/// Who is not accepted learns it when it connects, both sides say why in the words that they have over TCP, and the
/// listener goes on.
@Suite(.timeLimit(.minutes(1))) struct RefusalTests {
    @Test(arguments: RefusalCase.all)
    func `is refused by name on both sides`(_ bad: RefusalCase) async throws {
        let identities = TestIdentities.shared
        let badClient = try bad.client(identities)
        try await Rig.run(bad.server(identities)) { rig in
            let atClient = try await rig.refusal(of: badClient, host: bad.host)
            let event = await rig.events.first(.handshakeFailed)
            #expect(event.description.hasPrefix("handshake_failed quic://127.0.0.1:"), "\(event)")
            let atServer = try #require(event.error)
            let (refuser, refused) = bad.refuser == .client ? (atClient, atServer) : (atServer, atClient)

            let cause = try #require(refuser.cause as? TLSError, "\(refuser)")
            #expect(refuser.code == .unauthenticated, "\(refuser)")
            #expect(cause.code == bad.code, "\(refuser)")
            #expect(refuser.description.contains(bad.text), "\(refuser)")

            let told = try #require(refused.cause as? TLSError, "\(refused)")
            #expect(refused.code == .unauthenticated, "\(refused)")
            #expect(told.code == .peerAlert, "\(refused)")
            #expect(refused.description.contains("'\(bad.alert)'"), "\(refused)")

            #expect(atClient.processing == .notProcessed)
            let line = "unauthenticated: the TLS handshake failed (quic://\(bad.host):\(rig.port)): "
            #expect(atClient.description.hasPrefix(line), "\(atClient)")
            // Nothing of it stays behind: the next one is looked at just so.
            _ = try await rig.refusal(of: badClient, host: bad.host)
        }
    }

    @Test func `a listener goes on serving others after a refusal`() async throws {
        try await Rig.run { rig in
            let stranger = TLSConfiguration(identity: nil, trust: TestIdentities.shared.trust)
            for _ in 0..<3 {
                _ = try await rig.refusal(of: stranger)
                try await rig.expectServed()
            }
        }
    }

    @Test func `an audited pin lets the peer in and says so`() async throws {
        let identities = TestIdentities.shared
        let other = try identities.issue()
        let audited = identities.trust.pinning([.certificate(other.fingerprint)], mode: .audit)
        let credentials = Credentials(identity: identities.node, trust: audited)
        try await Rig.run(TLSConfiguration(credentials: credentials)) { rig in
            try await rig.expectServed()
            let event = await rig.events.first(.pinMismatch)
            #expect((event.error?.cause as? TLSError)?.code == .pinMismatch)
            #expect(credentials.statistics.auditedMismatches == 1)
        }
    }
}
