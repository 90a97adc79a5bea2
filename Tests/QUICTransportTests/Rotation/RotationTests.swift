import ForeignPeers
import NodeTransport
import QUICTransport
import Testing
import TransportTLS

/// Identity and trust change while connections are open.
@Suite(.timeLimit(.minutes(1))) struct RotationTests {
    private let identities = TestIdentities.shared

    @Test func `new connections see a server's new identity, open ones go on`() async throws {
        let credentials = Credentials(identity: identities.node, trust: identities.trust)
        let next = try identities.issue(name: "next")
        try await Rig.run(TLSConfiguration(credentials: credentials)) { rig in
            try await rig.withClient { old in
                #expect(old.peer?.fingerprint == identities.node.fingerprint)
                try credentials.replace(identity: next)
                #expect(try await old.call(RigMethods.unary, Bytes(utf8: "x")) == Bytes(utf8: "x"))
                try await rig.withClient { new in #expect(new.peer?.fingerprint == next.fingerprint) }
            }
        }
    }

    @Test func `a client's next connection shows its new identity`() async throws {
        let credentials = Credentials(identity: identities.node, trust: identities.trust)
        let next = try identities.issue(name: "next")
        try await Rig.run { rig in
            let client = try QUICTransport(credentials: credentials)
            for expected in [identities.node, next] {
                if expected.fingerprint == next.fingerprint { try credentials.replace(identity: next) }
                let connection = try await client.connect(to: rig.listener.endpoint)
                let seen = try await connection.call(RigMethods.whoAmI, Bytes())
                #expect(String(decoding: seen, as: UTF8.self) == expected.fingerprint.description)
            }
            await client.shutdown(within: .zero)
        }
    }

    @Test func `a server closes the connections of a revoked client, and takes no new ones`() async throws {
        let credentials = Credentials(identity: identities.node, trust: identities.trust)
        let bad = try identities.issue(name: "bad")
        let badTLS = TLSConfiguration(identity: bad, trust: identities.trust)
        try await Rig.run(TLSConfiguration(credentials: credentials)) { rig in
            try await rig.withClient(badTLS) { connection in
                _ = try await connection.call(RigMethods.unary, Bytes())
                credentials.revoke([.certificate(bad.fingerprint)])
                for await state in connection.stateUpdates() where state.isClosed {}
                let refusal = try await rig.refusal(of: badTLS)
                #expect(refusal.code == .unauthenticated, "\(refusal)")
                #expect(refusal.description.contains("'certificate revoked'"), "\(refusal)")
                try await rig.expectServed()
            }
            let closed = await rig.events.first { $0.kind == .connectionClosed && $0.error?.code == .unauthenticated }
            #expect(closed.description.contains("the peer's certificate has been revoked"))
        }
    }

    @Test func `a client closes the connection to a revoked server`() async throws {
        let credentials = Credentials(identity: identities.node, trust: identities.trust)
        let bad = try identities.issue(name: "bad")
        try await Rig.run(TLSConfiguration(identity: bad, trust: identities.trust)) { rig in
            try await rig.withClient(TLSConfiguration(credentials: credentials)) { connection in
                credentials.revoke([.publicKey(bad.publicKeyFingerprint)])
                for await state in connection.stateUpdates() {
                    guard case .closed(let error) = state else { continue }
                    #expect(error?.code == .unauthenticated, "\(String(describing: error))")
                }
                let error = await #expect(throws: TransportError.self) {
                    try await connection.call(RigMethods.unary, Bytes())
                }
                #expect(error?.processing == .notProcessed)
            }
        }
    }
}
