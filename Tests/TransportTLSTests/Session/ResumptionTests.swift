import NodeTransport
import Testing

@testable import TransportTLS

/// Sessions that go on where an earlier one ended, over memory.
@Suite struct ResumptionTests {
    private let authority: Authority
    private let client: Credentials
    private let server: Credentials

    init() throws {
        authority = try Authority()
        client = try Credentials(identity: authority.identity("node-a"), trust: authority.trust)
        server = try Credentials(identity: authority.identity("node-b"), trust: authority.trust)
    }

    /// One connection after another with the same two transports.
    private struct Transports {
        let client: TLSContextSource
        let server: TLSContextSource

        func connect(host: String = "node-b", now: WallTime = .now) throws -> TLSPair {
            let pair = try TLSPair(
                client: client.context(now: now), server: server.context(now: now), host: host, now: now)
            pair.exchange()
            return pair
        }
    }

    private func transports(
        _ change: (inout TLSConfiguration) -> Void = { _ in }
    ) throws -> Transports {
        var (ours, theirs) = (TLSConfiguration(credentials: client), TLSConfiguration(credentials: server))
        change(&ours)
        change(&theirs)
        return Transports(
            client: try TLSContextSource(ours, role: .client), server: try TLSContextSource(theirs, role: .server))
    }

    @Test func `a second connection resumes and both sides still know each other`() throws {
        let transports = try transports()
        let first = try transports.connect()
        #expect(!first.client.session.isResumed && !first.server.session.isResumed)
        for _ in 0..<3 {
            let next = try transports.connect()
            #expect(next.client.session.isResumed && next.server.session.isResumed)
            #expect(next.client.session.peer == first.client.session.peer)
            #expect(next.server.session.peer == first.server.session.peer)
            #expect(next.server.session.peer?.commonName == "node-a")
            #expect(next.client.session.negotiatedALPN == "h2")
            next.client.write([1, 2, 3])
            next.exchange()
            #expect(next.server.received == [1, 2, 3])
        }
    }

    @Test func `a ticket is used once`() throws {
        let transports = try transports()
        _ = try transports.connect()
        let now = WallTime.now
        let context = try transports.client.context(now: now)
        // Two connections at once: only one ticket was there.
        let one = TLSEnd(try TLSSession(context: context, host: "node-b", server: "node-b", now: now))
        let two = TLSEnd(try TLSSession(context: context, host: "node-b", server: "node-b", now: now))
        one.start()
        two.start()
        let sizes = (one.takeOutput().count, two.takeOutput().count)
        #expect(sizes.0 > sizes.1 + 200, "the first carries a ticket and the second none: \(sizes)")
    }

    @Test func `each server has its own tickets`() throws {
        let transports = try transports()
        _ = try transports.connect(host: "node-b")
        #expect(try !transports.connect(host: "127.0.0.1").client.session.isResumed)
        #expect(try transports.connect(host: "127.0.0.1").client.session.isResumed)
    }

    @Test func `a certificate that has expired is not resumed`() throws {
        // Tickets live for two hours, so the certificate has to end within them.
        let start = WallTime.now
        let issued = try authority.ca.issue(name: "node-a", notAfter: start.adding(seconds: 600))
        try client.replace(identity: authority.identity(of: issued))
        let transports = try transports()
        _ = try transports.connect()
        let resumed = try transports.connect(now: start.adding(seconds: 300))
        #expect(resumed.server.session.isResumed)
        let late = try transports.connect(now: start.adding(seconds: 700))
        #expect(!late.server.session.isResumed)
        #expect(late.server.error?.code == .expired)
        #expect(late.server.session.peer == nil)
    }

    @Test func `a peer that was revoked is not resumed`() throws {
        let transports = try transports()
        _ = try transports.connect()
        try client.revoke([.certificate(#require(server.identity).fingerprint)])
        #expect(try transports.connect().client.error?.code == .revoked)
        try client.reinstate([.certificate(#require(server.identity).fingerprint)])
        _ = try transports.connect()
        try server.revoke([.publicKey(#require(client.identity).publicKeyFingerprint)])
        #expect(try transports.connect().server.error?.code == .revoked)
    }

    @Test func `another identity or trust begins anew`() throws {
        let transports = try transports()
        _ = try transports.connect()
        try server.replace(identity: authority.identity("node-b"))
        let next = try transports.connect()
        #expect(!next.client.session.isResumed)
        #expect(next.client.session.peer?.fingerprint == server.identity?.fingerprint)
        #expect(try transports.connect().client.session.isResumed)
        try client.replace(trust: Authority("Other").trust)
        #expect(try transports.connect().client.error?.code == .untrustedIssuer)
    }

    @Test func `a client without certificate resumes only where none is required`() throws {
        let anonymous = Credentials(identity: nil, trust: try authority.trust)
        for (demand, isResumed) in [(ClientAuthentication.none, true), (.optional, true)] {
            var configuration = TLSConfiguration(credentials: server)
            configuration.clientAuthentication = demand
            let transports = Transports(
                client: try TLSContextSource(TLSConfiguration(credentials: anonymous), role: .client),
                server: try TLSContextSource(configuration, role: .server))
            #expect(try transports.connect().server.isComplete)
            let next = try transports.connect()
            #expect(next.server.session.isResumed == isResumed)
            #expect(next.server.session.peer == nil)
        }
    }

    @Test func `resumption can be switched off, and is where TLS 1_2 is allowed`() throws {
        for change in [
            { @Sendable in $0.resumesSessions = false }, { @Sendable in $0.minimumVersion = .tls12 },
        ] as [@Sendable (inout TLSConfiguration) -> Void] {
            let transports = try transports(change)
            _ = try transports.connect()
            #expect(try !transports.connect().client.session.isResumed)
        }
    }

    @Test func `the keys of tickets do not live for ever`() throws {
        let transports = try transports()
        let now = WallTime.now
        let first = try transports.server.context(now: now)
        #expect(try transports.server.context(now: now.adding(seconds: 3600)) === first)
        #expect(try transports.server.context(now: now.adding(seconds: 13 * 3600)) !== first)
    }

    @Test func `the contents of a ticket come back whole or not at all`() {
        let validity = CertificateVerifier.Validity(
            from: WallTime(secondsSince1970: -5),
            until: WallTime(secondsSince1970: 1 << 40)
        )
        let chains: [[Bytes]] = [[], [[1]], [[1, 2, 3], Bytes(repeatElement(9, count: 5000)), [4]]]
        for chain in chains {
            let contents = TicketContents(validity: validity, chain: chain)
            let encoded = Array(contents.encoded)
            encoded.withUnsafeBytes { #expect(unsafe TicketContents($0) == contents) }
            for length in 0..<min(encoded.count, 40) {
                encoded[..<length].withUnsafeBytes { cut in
                    let contents = unsafe TicketContents(cut)
                    #expect(contents == nil || contents?.chain.count ?? 0 < chain.count)
                }
            }
        }
        let large = TicketContents(validity: validity, chain: [Bytes(repeatElement(1, count: 20_000))])
        #expect(large.encoded.isEmpty)
        [UInt8](repeating: 2, count: 17).withUnsafeBytes { #expect(unsafe TicketContents($0) == nil) }
    }
}
