import NodeTransport
import Testing
import TransportTLS

/// The development CA: what it issues, and the files it writes.
@Suite(.timeLimit(.minutes(5))) struct DevelopmentCATests {
    @Test func `openssl agrees with what is issued`() throws {
        let folder = try TemporaryFolder()
        let files = try DevelopmentCA.initialize(
            directory: folder.path,
            name: "node-a",
            dnsNames: ["a.example"],
            ipAddresses: ["10.1.2.3"],
            uris: ["spiffe://example/node-a"]
        )
        for purpose in ["sslserver", "sslclient"] {
            try folder.openssl(
                """
                verify -x509_strict -auth_level 2 -CAfile \(files.authority) -purpose \(purpose)
                \(files.certificate)
                """
            )
        }
        for name in ["node-a", "localhost", "a.example"] {
            try folder.openssl("verify -CAfile \(files.authority) -verify_hostname \(name) \(files.certificate)")
        }
        for address in ["127.0.0.1", "::1", "10.1.2.3"] {
            try folder.openssl("verify -CAfile \(files.authority) -verify_ip \(address) \(files.certificate)")
        }
        let text = try folder.openssl("x509 -in \(files.certificate) -noout -text")
        for expected in [
            "Version: 3 (0x2)", "ASN1 OID: prime256v1", "URI:spiffe://example/node-a", "CA:FALSE", "Digital Signature",
            "TLS Web Server Authentication, TLS Web Client Authentication", "Subject Key Identifier",
            "Authority Key Identifier", "ecdsa-with-SHA256",
        ] {
            #expect(text.contains(expected), "\(expected)")
        }
        try folder.openssl("pkey -in \(files.key) -check -noout")
    }

    @Test func `the files have the right modes, and nothing else is left`() throws {
        let folder = try TemporaryFolder()
        let first = try DevelopmentCA.initialize(directory: "\(folder.path)", name: "node-a")
        let second = try DevelopmentCA.initialize(directory: folder.path, name: "node-b")
        #expect(first.isNewAuthority && !second.isNewAuthority)
        #expect(
            try folder.fileNames == [
                "ca-key.pem", "ca.pem", "node-a-key.pem", "node-a.pem", "node-b-key.pem", "node-b.pem",
            ]
        )
        for name in try folder.fileNames {
            #expect(try folder.mode(of: name) == (name.hasSuffix("-key.pem") ? 0o600 : 0o644))
        }
        let trust = try Trust.roots(file: first.authority)
        let configurations = try [first, second].map {
            TLSConfiguration(identity: try Identity(certificateFile: $0.certificate, keyFile: $0.key), trust: trust)
        }
        let pair = try TLSPair(client: configurations[0], server: configurations[1])
        pair.exchange()
        #expect(pair.client.session.peer?.commonName == "node-b")
        #expect(pair.server.session.peer?.commonName == "node-a")
    }

    @Test func `an existing key is never overwritten`() throws {
        let folder = try TemporaryFolder()
        let files = try DevelopmentCA.initialize(directory: folder.path, name: "node-a")
        let before = try folder.fileNames.map { try folder.read($0) }
        let error = #expect(throws: TLSError.self) {
            try DevelopmentCA.initialize(directory: folder.path, name: "node-a")
        }
        #expect(error?.code == .fileExists)
        #expect(error?.file == files.key)
        #expect(try folder.fileNames.map { try folder.read($0) } == before)
    }

    @Test func `what an interrupted call left is completed`() throws {
        let folder = try TemporaryFolder()
        let ca = try DevelopmentCA.create()
        // A CA key without certificate, and a node's certificate without key.
        try folder.write(String(decoding: ca.keyPEM(), as: UTF8.self), to: "ca-key.pem")
        try folder.write("half of a certificate", to: "node-a.pem")
        let files = try DevelopmentCA.initialize(directory: folder.path, name: "node-a")
        #expect(files.isNewAuthority)
        try folder.openssl("verify -x509_strict -CAfile \(files.authority) \(files.certificate)")
    }

    @Test func `a CA certificate without its key is not replaced`() throws {
        let folder = try TemporaryFolder()
        let ca = try DevelopmentCA.create()
        try folder.write(String(decoding: ca.certificatePEM, as: UTF8.self), to: "ca.pem")
        let error = #expect(throws: TLSError.self) {
            try DevelopmentCA.initialize(directory: folder.path, name: "node-a")
        }
        #expect(error?.code == .unreadable)
        #expect(error?.file == "\(folder.path)/ca-key.pem")
    }

    @Test func `many calls at once agree on one authority`() async throws {
        let folder = try TemporaryFolder()
        let path = folder.path
        let newAuthorities = try await withThrowingTaskGroup(of: Bool.self) { group in
            for index in 0..<6 {
                group.addTask { @concurrent in
                    try DevelopmentCA.initialize(directory: path, name: "node-\(index)").isNewAuthority
                }
            }
            return try await group.reduce(into: 0) { $0 += $1 ? 1 : 0 }
        }
        #expect(newAuthorities == 1)
        for index in 0..<6 { try folder.openssl("verify -CAfile ca.pem node-\(index).pem") }
    }

    @Test(arguments: [
        "", "..", "../node", "a/b", "-x", "ca", "node-key", "a b", "a\n", "ü", String(repeating: "a", count: 65),
    ])
    func `a name that is no file name is refused`(name: String) throws {
        let folder = try TemporaryFolder()
        let error = #expect(throws: TLSError.self) {
            try DevelopmentCA.initialize(directory: folder.path, name: name)
        }
        #expect(error?.code == .invalidConfiguration)
        #expect(try folder.fileNames == [])
    }

    @Test func `a folder that cannot be made is named`() throws {
        let error = #expect(throws: TLSError.self) {
            try DevelopmentCA.initialize(directory: "/proc/none/here", name: "node-a")
        }
        #expect(error?.code == .unwritable)
        #expect(error?.file == "/proc/none/here")
    }

    @Test func `names are not mixed up with OpenSSL's configuration language`() throws {
        let ca = try DevelopmentCA.create()
        let issued = try ca.issue(name: "a,CA:TRUE/CN=b", dnsNames: ["a,DNS:evil"], uris: ["urn:x,IP:1.2.3.4"])
        let identity = try Identity(certificatePEM: issued.certificatePEM, keyPEM: issued.keyPEM)
        #expect(identity.names == [.dns("a,DNS:evil"), .uri("urn:x,IP:1.2.3.4")])
        #expect(throws: TLSError.self) { try ca.issue(name: "x", dnsNames: ["a b"]) }
        #expect(throws: TLSError.self) { try ca.issue(name: "x", ipAddresses: ["1.2.3"]) }
        #expect(throws: TLSError.self) { try ca.issue(name: "") }
    }

    @Test func `nothing outlives the authority, and clocks may be behind`() throws {
        let ca = try DevelopmentCA.create(validDays: 30)
        let issued = try ca.issue(name: "node-a", validDays: 365)
        let identity = try Identity(certificatePEM: issued.certificatePEM, keyPEM: issued.keyPEM)
        #expect(identity.notAfter == ca.notAfter)
        #expect(identity.notBefore.secondsSince1970 <= WallTime.now.secondsSince1970 - 240)
    }

    @Test func `a leaf cannot act as authority`() throws {
        let issued = try DevelopmentCA.create().issue(name: "node-a")
        let error = #expect(throws: TLSError.self) {
            try DevelopmentCA(certificatePEM: issued.certificatePEM, keyPEM: issued.keyPEM)
        }
        #expect(error?.code == .invalidAuthority)
    }
}
