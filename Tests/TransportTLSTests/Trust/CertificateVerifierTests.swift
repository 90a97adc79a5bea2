import NodeTransport
import Testing
import TransportTLS

/// The verifier as the pure function that both wires call: DER in, peer or reason out.
@Suite struct CertificateVerifierTests {
    private let authority: Authority

    init() throws {
        authority = try Authority()
    }

    private func leaf(_ name: String) throws -> Bytes {
        try authority.identity(name).chain[0]
    }

    private func refusal(
        _ chain: [Bytes],
        of side: CertificateVerifier.Side = .server,
        name: ExpectedName? = nil,
        now: WallTime = .now
    ) throws -> TLSError? {
        let verifier = try CertificateVerifier(trust: authority.trust)
        return #expect(throws: TLSError.self) {
            try verifier.verify(chain: chain, of: side, expectedName: name, now: now)
        }
    }

    @Test func `a good chain gives the peer and the validated chain`() throws {
        let verifier = try CertificateVerifier(trust: authority.trust)
        let leaf = try leaf("node-b")
        for side in [CertificateVerifier.Side.server, .client] {
            let peer = try verifier.verify(chain: [leaf], of: side, expectedName: .init("node-b"), now: .now).peer
            #expect(peer.commonName == "node-b")
            #expect(peer.chain.count == 2)
            #expect(peer.chain.first == leaf)
        }
    }

    @Test func `certificates that are presented but not used are not in the validated chain`() throws {
        let verifier = try CertificateVerifier(trust: authority.trust)
        let stranger = try Authority("Stranger").identity("node-z").chain[0]
        let peer = try verifier.verify(chain: [leaf("node-b"), stranger], of: .server, expectedName: nil, now: .now)
            .peer
        #expect(!peer.chain.contains(stranger))
    }

    @Test func `nothing, rubbish and too much are refused`() throws {
        let leaf = try leaf("node-b")
        #expect(try refusal([])?.code == .noCertificate)
        #expect(try refusal([Bytes()])?.code == .malformedCertificate)
        #expect(try refusal([leaf, [1, 2, 3]])?.code == .malformedCertificate)
        #expect(try refusal([Bytes(Array(leaf) + [0])])?.code == .malformedCertificate)
        #expect(try refusal(Array(repeating: leaf, count: 11))?.code == .invalidCertificate)
    }

    @Test func `a changed signature is refused`() throws {
        var der = Array(try leaf("node-b"))
        der[der.count - 1] ^= 1
        #expect(try refusal([Bytes(der)])?.code == .badSignature)
    }

    @Test func `an expired authority is named with its depth`() throws {
        let middle = try authority.ca.issue(name: "Middle CA", validDays: 10, isCA: true)
        let ca = try DevelopmentCA(certificatePEM: middle.certificatePEM, keyPEM: middle.keyPEM)
        let issued = try ca.issue(name: "node-b", notAfter: .now.adding(days: 100))
        let both = Bytes(Array(issued.certificatePEM) + Array(middle.certificatePEM))
        let identity = try Identity(certificatePEM: both, keyPEM: issued.keyPEM)
        let error = try refusal(identity.chain, now: .now.adding(days: 20))
        #expect(error?.code == .expired)
        #expect(error?.message.contains("certificate 1 (CN=Middle CA): expired on ") == true)
        #expect(try refusal([identity.chain[0]])?.code == .untrustedIssuer)
    }

    @Test func `a leaf cannot issue certificates`() throws {
        let folder = try TemporaryFolder()
        let files = try DevelopmentCA.initialize(directory: folder.path, name: "node-a")
        try folder.openssl(
            """
            req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout k.pem -out r.pem -subj
            /CN=victim
            """
        )
        try folder.write("basicConstraints=CA:FALSE\nsubjectAltName=DNS:victim\n", to: "ext")
        try folder.openssl(
            """
            x509 -req -in r.pem -CA \(files.certificate) -CAkey \(files.key) -CAcreateserial -days 5 -out
            victim.pem -extfile ext
            """
        )
        let forged = Bytes(utf8: try folder.read("victim.pem") + folder.read("node-a.pem"))
        let identity = try Identity(certificatePEM: forged, keyPEM: Bytes(utf8: folder.read("k.pem")))
        let verifier = try CertificateVerifier(trust: .roots(file: files.authority))
        let error = #expect(throws: TLSError.self) {
            try verifier.verify(chain: identity.chain, of: .server, expectedName: nil, now: .now)
        }
        // OpenSSL does not even take the leaf for an issuer.
        #expect([.invalidAuthority, .untrustedIssuer].contains(error?.code))
    }

    /// Certificates that the development CA cannot make: key, digest, extensions (none: version 1), and why not.
    @Test(arguments: [
        ("rsa:1024", "-sha256", "basicConstraints=CA:FALSE", TLSError.Code.weakKey),
        ("rsa:2048", "-sha1", "basicConstraints=CA:FALSE", .weakSignature),
        ("rsa:2048", "-sha256", "1.2.3.4=critical,ASN1:NULL", .unknownCriticalExtension),
        ("rsa:2048", "-sha256", "", .invalidCertificate),
        ("rsa:2048", "-sha256", "extendedKeyUsage=nsSGC", .wrongPurpose),
        ("rsa:2048", "-sha256", "extendedKeyUsage=anyExtendedKeyUsage", .wrongPurpose),
        (
            "rsa:2048", "-sha256",
            "basicConstraints=critical,CA:TRUE\nkeyUsage=digitalSignature,keyCertSign\nsubjectKeyIdentifier=hash",
            .authorityAsLeaf
        ),
    ])
    func `weak and odd certificates are refused`(
        key: String,
        digest: String,
        extensions: String,
        code: TLSError.Code
    ) throws {
        let folder = try TemporaryFolder()
        let files = try DevelopmentCA.initialize(directory: folder.path, name: "node-a")
        try folder.openssl("req -new -newkey \(key) -nodes -keyout k.pem -out r.pem -subj /CN=odd")
        try folder.write("authorityKeyIdentifier=keyid\n\(extensions)\n", to: "ext")
        try folder.openssl(
            """
            x509 -req -in r.pem -CA \(files.authority) -CAkey \(files.authorityKey) -CAcreateserial -days 5 \(digest)
            -out odd.pem \(extensions.isEmpty ? "" : "-extfile ext")
            """
        )
        try folder.openssl("x509 -in odd.pem -outform DER -out odd.der")
        let chain = [try folder.readBytes("odd.der")]
        let verifier = try CertificateVerifier(trust: .roots(file: files.authority))
        let error = #expect(throws: TLSError.self) {
            try verifier.verify(chain: chain, of: .server, expectedName: nil, now: .now)
        }
        #expect(error?.code == code, "\(String(describing: error))")
    }

    @Test func `an authority without key usage passes only when strictness is off`() throws {
        let folder = try TemporaryFolder()
        try folder.openssl(
            """
            req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout ca-key.pem -out ca.pem -days 9
            -subj /CN=Hand-made-CA
            """
        )
        let files = try DevelopmentCA.initialize(directory: folder.path, name: "node-a")
        #expect(!files.isNewAuthority)
        let identity = try Identity(certificateFile: files.certificate, keyFile: files.key)
        var trust = try Trust.roots(file: files.authority)
        let error = #expect(throws: TLSError.self) {
            try CertificateVerifier(trust: trust).verify(
                chain: identity.chain,
                of: .server,
                expectedName: nil,
                now: .now
            )
        }
        #expect(error?.code == .invalidAuthority, "\(String(describing: error))")
        trust.isStrict = false
        let verifier = try CertificateVerifier(trust: trust)
        let accepted = try verifier.verify(chain: identity.chain, of: .server, expectedName: nil, now: .now)
        #expect(accepted.peer.chain.count == 2)
    }

    @Test func `the system's roots do not vouch for us`() throws {
        let verifier = try CertificateVerifier(trust: .system)
        let leaf = try leaf("node-b")
        let error = #expect(throws: TLSError.self) {
            try verifier.verify(chain: [leaf], of: .server, expectedName: nil, now: .now)
        }
        #expect(error?.code == .untrustedIssuer)
    }

    @Test func `a name with a zero byte in it is no name`() throws {
        // The expectation is judged by OpenSSL, which refuses such a name in a check as well.
        #expect(try refusal([leaf("node-b")], name: .dns("node-b\0.evil")) != nil)
    }
}
