import NodeTransport
import Testing
import TransportTLS

/// Keys of every kind, from the development CA to a handshake, and what only authorities say.
@Suite struct KeyTypeTests {
    static let all: [KeyType] = [.p256, .p384, .p521, .rsa2048, .rsa3072, .ed25519]

    @Test(arguments: [
        (KeyType.p256, "prime256v1", "ecdsa-with-SHA256"), (.p384, "secp384r1", "ecdsa-with-SHA384"),
        (.p521, "secp521r1", "ecdsa-with-SHA512"), (.rsa2048, "(2048 bit)", "sha256WithRSAEncryption"),
        (.rsa3072, "(3072 bit)", "sha256WithRSAEncryption"), (.rsa4096, "(4096 bit)", "sha256WithRSAEncryption"),
        (.ed25519, "ED25519", "ED25519"),
    ])
    func `an authority and a node of each kind suit openssl and each other`(
        type: KeyType, key: String, signature: String
    ) throws {
        let folder = try TemporaryFolder()
        let files = try DevelopmentCA.initialize(
            directory: folder.path, name: "node-b", uris: ["spiffe://example/b"], keyType: type)
        for purpose in ["sslserver", "sslclient"] {
            try folder.openssl(
                "verify -x509_strict -auth_level 2 -CAfile \(files.authority) -purpose \(purpose) \(files.certificate)")
        }
        for file in [files.authority, files.certificate] {
            let text = try folder.openssl("x509 -in \(file) -noout -text")
            #expect(text.contains(key), "\(text)")
            #expect(text.contains("Signature Algorithm: \(signature)"), "\(text)")
        }
        let identity = try Identity(certificateFile: files.certificate, keyFile: files.key)
        #expect(identity.names.contains(.uri("spiffe://example/b")))
        let configuration = try TLSConfiguration(identity: identity, trust: .roots(file: files.authority))
        let pair = try TLSPair(client: configuration, server: configuration)
        pair.exchange()
        #expect(pair.client.isComplete && pair.server.isComplete, "\(pair.client.error as Any)")
    }

    @Test func `one authority issues keys of other kinds`() throws {
        let ca = try DevelopmentCA.create(keyType: .ed25519)
        let trust = try Trust.roots(pem: ca.certificatePEM)
        for type in Self.all {
            let issued = try ca.issue(name: "node-b", dnsNames: ["node-b"], keyType: type)
            let identity = try Identity(certificatePEM: issued.certificatePEM, keyPEM: issued.keyPEM)
            let configuration = TLSConfiguration(identity: identity, trust: trust)
            let pair = try TLSPair(client: configuration, server: configuration)
            pair.exchange()
            #expect(pair.client.isComplete && pair.server.isComplete, "\(type)")
        }
    }

    @Test func `an authority says how many may follow and which names they may have`() throws {
        let folder = try TemporaryFolder()
        let ca = try DevelopmentCA.create()
        let constraints = NameConstraints(
            permitted: [.dns("example.org"), .ip("10.0.0.0/9"), .ip("fd00::/8")], excluded: [.uri("evil.example")])
        let issued = try ca.issue(name: "Middle", isCA: true, pathLength: 0, nameConstraints: constraints)
        try folder.write(String(decoding: issued.certificatePEM, as: UTF8.self), to: "middle.pem")
        let text = try folder.openssl("x509 -in middle.pem -noout -text")
        for expected in [
            "CA:TRUE, pathlen:0", "X509v3 Name Constraints: critical", "DNS:example.org", "IP:10.0.0.0/255.128.0.0",
            "IP:FD00:0:0:0:0:0:0:0/FF00:0:0:0:0:0:0:0", "URI:evil.example",
        ] {
            #expect(text.contains(expected), "\(expected) in \(text)")
        }
    }

    @Test func `what only an authority may say is refused for a leaf`() throws {
        let ca = try DevelopmentCA.create()
        for make in [
            { try ca.issue(name: "x", pathLength: 0) }, { try ca.issue(name: "x", nameConstraints: NameConstraints()) },
            { try ca.issue(name: "x", isCA: true, pathLength: -1) },
            { try ca.issue(name: "x", isCA: true, nameConstraints: .init(permitted: [.ip("10.0.0.0/33")])) },
            { try ca.issue(name: "x", isCA: true, nameConstraints: .init(excluded: [.dns("")])) },
            { try ca.issue(name: "x", ipAddresses: ["10.0.0.0/8"]) },
        ] {
            let error = #expect(throws: TLSError.self) { _ = try make() }
            #expect(error?.code == .invalidConfiguration)
        }
    }
}
