import ForeignPeers
import GRPCTransport
import NodeTransport
import Testing
import TransportTLS

/// Peers that a pin lets in, and those whose pins are only watched.
@Suite(.timeLimit(.minutes(5))) struct AcceptedPinTests {
    /// A server shows `chain` to a client that believes `trust`; the client's credentials afterwards, and its events.
    private func serve(
        _ chain: [KeyedCertificate], to trust: Trust
    ) async throws -> (statistics: Credentials.Statistics, events: [TransportEvent]) {
        let forge = try Forge.shared
        let server = forge.bad(try chain[0].unchecked(Array(chain.dropFirst())))
        let credentials = Credentials(identity: forge.node, trust: trust)
        let events = EventLog()
        var configuration = GRPCTransport.Configuration()
        configuration.onEvent = { events.note($0) }
        let client = try GRPCTransport(security: .mutualTLS(credentials), configuration: configuration)
        try await RefusalRig.run(server) { rig in
            let connection = try await client.connect(to: rig.listener.endpoint)
            #expect(try await connection.call(Echo.unary, Bytes(utf8: "pinned")) == Bytes(utf8: "pinned"))
        }
        await client.shutdown(within: .zero)
        return (credentials.statistics, events.events)
    }

    @Test func `an audited mismatch is accepted, counted and reported`() async throws {
        let forge = try Forge.shared
        let leaf = try forge.leaf()
        let trust = forge.trust.pinning([.certificate(forge.node.fingerprint)], mode: .audit)
        let outcome = try await serve([leaf], to: trust)
        #expect(outcome.statistics.auditedMismatches == 1)
        let event = try #require(outcome.events.first { $0.kind == .pinMismatch })
        #expect((event.error?.cause as? TLSError)?.code == .pinMismatch, "\(event)")
        #expect(event.description.contains("certificate 0 (CN=odd): neither it nor an issuer"), "\(event)")
    }

    @Test func `an audited pin that matches is not reported`() async throws {
        let forge = try Forge.shared
        let leaf = try forge.leaf()
        let pin = Pin.publicKey(try leaf.unchecked().publicKeyFingerprint)
        let outcome = try await serve([leaf], to: forge.trust.pinning([pin], mode: .audit))
        #expect(outcome.statistics.auditedMismatches == 0)
        #expect(!outcome.events.contains { $0.kind == .pinMismatch })
    }

    @Test func `a pin on the root or on an authority between lets the leaf in`() async throws {
        let forge = try Forge.shared
        let middle = try forge.middle()
        let chain = [try forge.leaf(of: middle), middle]
        for pinned in [forge.root, middle] {
            let pin = Pin.certificate(try pinned.unchecked().fingerprint)
            _ = try await serve(chain, to: forge.trust.pinning([pin]))
        }
    }

    @Test func `one of several pins is enough`() async throws {
        let forge = try Forge.shared
        let leaf = try forge.leaf()
        let pins = [Pin.certificate(forge.node.fingerprint), .publicKey(try leaf.unchecked().publicKeyFingerprint)]
        _ = try await serve([leaf], to: forge.trust.pinning(pins))
    }

    @Test func `an own certificate is accepted when it is pinned, also one that says it is an authority's`()
        async throws
    {
        let own = try Forge.leaf("odd", issuer: nil)
        let authority = try Forge.leaf("odd", issuer: nil) {
            $0.isAuthority = true
            $0.keyUsages = [.digitalSignature, .keyCertSign]
        }
        for certificate in [own, authority] {
            let identity = try certificate.unchecked()
            for pin in [Pin.certificate(identity.fingerprint), .publicKey(identity.publicKeyFingerprint)] {
                _ = try await serve([certificate], to: .pinned([pin]))
            }
        }
    }
}
