import NodeTransport
import Testing
import TransportTLS

/// Pins, revocation and SPIFFE names in the verifier.
@Suite struct PinnedTrustTests {
    private let authority: Authority
    private let node: Identity

    init() throws {
        authority = try Authority()
        node = try authority.identity("node-b")
        stranger = try Pin(parsing: "spki:" + String(repeating: "07", count: 32))
    }

    private func verify(
        _ chain: [Bytes],
        _ trust: Trust,
        revoked: Set<Pin> = [],
        name: ExpectedName? = nil,
        now: WallTime = .now
    ) throws(TLSError) -> CertificateVerifier.Acceptance {
        try CertificateVerifier(trust: trust, revoked: revoked)
            .verify(chain: chain, of: .server, expectedName: name, now: now)
    }

    private func code(_ body: () throws -> CertificateVerifier.Acceptance) -> TLSError.Code? {
        do {
            _ = try body()
            return nil
        } catch { return (error as? TLSError)?.code }
    }

    /// The pins of every certificate in the chain that the verifier builds.
    private func pinsOfChain() throws -> [Pin] {
        try verify(node.chain, authority.trust).peer.chain.flatMap { try pins(of: $0) }
    }

    private func pins(of der: Bytes) throws -> [Pin] {
        let folder = try TemporaryFolder()
        try folder.write(der, to: "c.der")
        try folder.openssl("x509 -inform der -in c.der -out c.pem")
        let pins = try folder.pins(of: "c.pem")
        return [pins.certificate, pins.key]
    }

    private let stranger: Pin

    @Test func `a pin on the leaf or on its root, by certificate or by key, will do`() throws {
        let leaf = try pins(of: node.chain[0])
        let root = try pins(of: #require(verify(node.chain, authority.trust).peer.chain.last))
        #expect(leaf == [.certificate(node.fingerprint), .publicKey(node.publicKeyFingerprint)])
        for pins in [[leaf[0]], [leaf[1]], [root[0]], [root[1]], leaf + [stranger]] {
            let accepted = try verify(node.chain, authority.trust.pinning(pins))
            #expect(accepted.finding == nil)
            #expect(accepted.peer.names == node.names)
        }
    }

    @Test func `without a pinned certificate in the chain the peer is refused`() throws {
        let error = #expect(throws: TLSError.self) { try verify(node.chain, authority.trust.pinning([stranger])) }
        #expect(error?.code == .pinMismatch)
        // What the operator needs to pin it is in the text.
        #expect(error?.message.contains(Pin.publicKey(node.publicKeyFingerprint).description) == true)
    }

    @Test func `a pin does not replace the chain`() throws {
        let foreign = try Authority("Stranger").identity("node-b")
        let trust = try authority.trust.pinning([.certificate(foreign.fingerprint)])
        #expect(code { try verify(foreign.chain, trust) } == .untrustedIssuer)
    }

    @Test func `a pin on a certificate that is presented but not validated does not count`() throws {
        let friend = try authority.identity("node-c")
        let trust = try authority.trust.pinning([.certificate(friend.fingerprint)])
        #expect(code { try verify(node.chain + friend.chain, trust) } == .pinMismatch)
        #expect(
            code { try verify(node.chain + friend.chain, .pinned([.certificate(friend.fingerprint)])) } == .pinMismatch)
    }

    @Test func `an audit accepts and tells`() throws {
        let accepted = try verify(node.chain, authority.trust.pinning([stranger], mode: .audit))
        #expect(accepted.finding?.code == .pinMismatch)
        #expect(try verify(node.chain, authority.trust.pinning(pins(of: node.chain[0]), mode: .audit)).finding == nil)
        let foreign = try Authority("Stranger").identity("node-b")
        #expect(
            code { try verify(foreign.chain, authority.trust.pinning([stranger], mode: .audit)) } == .untrustedIssuer)
    }

    @Test func `pins alone accept what no authority has signed`() throws {
        let selfSigned = try SelfSigned()
        let byCertificate = try verify([selfSigned.der], .pinned([selfSigned.certificatePin]))
        #expect(byCertificate.peer.names == [.dns("node-s")])
        #expect(byCertificate.peer.chain == [selfSigned.der])
        // Whoever holds the key can write any name into a certificate.
        let byKey = try verify([selfSigned.der], .pinned([selfSigned.keyPin]))
        #expect(byKey.peer.names.isEmpty)
        #expect(code { try verify([selfSigned.der], .pinned([stranger])) } == .pinMismatch)
    }

    @Test func `a pinned certificate must be valid now and fit for its side`() throws {
        let selfSigned = try SelfSigned()
        let trust = Trust.pinned([selfSigned.certificatePin])
        #expect(code { try verify([selfSigned.der], trust, now: .now.adding(days: 40)) } == .expired)
        #expect(code { try verify([selfSigned.der], trust, now: .now.adding(days: -40)) } == .notYetValid)
        for (extensions, code) in [
            ("extendedKeyUsage=clientAuth", .wrongPurpose), ("keyUsage=critical,cRLSign", .wrongPurpose),
            ("1.2.3.4=critical,ASN1:NULL", .unknownCriticalExtension),
        ] as [(String, TLSError.Code)] {
            let odd = try SelfSigned(extensions: extensions)
            let trust = Trust.pinned([odd.certificatePin])
            #expect(self.code { try verify([odd.der], trust) } == code, "\(extensions)")
        }
        let weak = try SelfSigned(key: "rsa:1024")
        #expect(code { try verify([weak.der], .pinned([weak.certificatePin])) } == .weakKey)
    }

    @Test func `a certificate of an authority may be pinned alone, when nothing but the pin counts`() throws {
        let trust = Trust.pinned([.publicKey(node.publicKeyFingerprint)])
        #expect(try verify(node.chain, trust).peer.chain == [node.chain[0]])
        #expect(code { try verify(node.chain, trust.checkingName(.name("x")), name: .dns("x")) } == .nameMismatch)
    }

    @Test func `pins alone without a pin are a mistake`() {
        let error = #expect(throws: TLSError.self) { try CertificateVerifier(trust: .pinned([])) }
        #expect(error?.code == .invalidConfiguration)
    }

    @Test func `revoked is revoked, whoever vouches`() throws {
        for pin in try pinsOfChain() {
            #expect(code { try verify(node.chain, authority.trust, revoked: [pin]) } == .revoked)
        }
        let pin = Pin.certificate(node.fingerprint)
        #expect(code { try verify(node.chain, .pinned([pin]), revoked: [pin]) } == .revoked)
        #expect(code { try verify(node.chain, authority.trust, revoked: [stranger]) } == nil)
    }

    @Test func `URIs and SPIFFE IDs are checked`() throws {
        func chain(_ uris: String...) throws -> [Bytes] {
            try authority.identity(of: authority.ca.issue(name: "w", uris: uris)).chain
        }
        let workload = try chain("spiffe://city.example/node/b")
        for (chain, name, isAccepted) in [
            (workload, .uri("spiffe://city.example/node/b"), true), (workload, .trustDomain("city.example"), true),
            (workload, .uri("spiffe://city.example/node/c"), false), (workload, .trustDomain("town.example"), false),
            (workload, .trustDomain("example"), false),
            (try chain("spiffe://city.example/a", "spiffe://city.example/b"), .trustDomain("city.example"), false),
            (try chain("spiffe://city.example/a", "https://x/"), .uri("spiffe://city.example/a"), false),
            (try chain("https://x/", "https://y/"), .uri("https://y/"), true),
            (try chain("spiffe://city.example/%41"), .trustDomain("city.example"), false),
            (try chain(), .trustDomain("city.example"), false),
            (try chain("spiffe://city.example.evil/a"), .trustDomain("city.example"), false),
        ] as [([Bytes], ExpectedName, Bool)] {
            let refusal = code { try verify(chain, authority.trust, name: name) }
            #expect(refusal == (isAccepted ? nil : .nameMismatch), "\(name)")
        }
    }
}

/// What an operator makes by `openssl req -x509`, and its pins as openssl gives them.
private struct SelfSigned {
    let der: Bytes
    let certificatePin: Pin
    let keyPin: Pin

    init(key: String = "rsa:2048", extensions: String? = nil) throws {
        let folder = try TemporaryFolder()
        let added = extensions.map { "-addext \($0)" } ?? ""
        try folder.openssl(
            """
            req -x509 -newkey \(key) -nodes -keyout k.pem -out c.pem -days 30 -subj /CN=node-s
            -addext subjectAltName=DNS:node-s \(added)
            """
        )
        try folder.openssl("x509 -in c.pem -outform der -out c.der")
        der = try folder.readBytes("c.der")
        (certificatePin, keyPin) = try folder.pins(of: "c.pem")
    }
}

extension TemporaryFolder {
    /// On the certificate in a file and on its key, by openssl: the tests do not believe our own digests.
    fileprivate func pins(of file: String) throws -> (certificate: Pin, key: Pin) {
        try openssl("x509 -in \(file) -noout -pubkey -out pins-key.pem")
        try openssl("pkey -pubin -in pins-key.pem -outform der -out pins-key.der")
        let digest = try openssl("dgst -sha256 -r pins-key.der").prefix(64)
        return (
            try Pin(parsing: openssl("x509 -in \(file) -noout -fingerprint -sha256")),
            try Pin(parsing: "spki:\(digest)")
        )
    }
}
