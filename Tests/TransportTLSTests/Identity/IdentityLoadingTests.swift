import NodeTransport
import Testing
import TransportTLS

/// Identities from PEM: every form of key, any order of the chain, and errors that say where.
@Suite struct IdentityLoadingTests {
    /// A way to make a key with the `openssl` program: the command writes `key.pem`.
    struct KeyForm: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let label: String
        let command: String

        init(_ name: String, _ label: String, _ command: String) {
            testDescription = name
            self.label = label
            self.command = command
        }
    }

    static let keyForms = [
        KeyForm(
            "EC P-256, PKCS#8",
            "PRIVATE KEY",
            "genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out key.pem"
        ),
        KeyForm(
            "EC P-384, SEC1 behind its parameters",
            "EC PRIVATE KEY",
            "ecparam -name secp384r1 -genkey -out key.pem"
        ),
        KeyForm(
            "RSA 2048, PKCS#8",
            "PRIVATE KEY",
            "genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out key.pem"
        ),
        KeyForm("RSA 2048, PKCS#1", "RSA PRIVATE KEY", "genrsa -traditional -out key.pem 2048"),
        KeyForm("Ed25519, PKCS#8", "PRIVATE KEY", "genpkey -algorithm ED25519 -out key.pem"),
        KeyForm(
            "EC P-256, encrypted PKCS#8",
            "ENCRYPTED PRIVATE KEY",
            """
            genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -aes-256-cbc -pass pass:open-sesame
            -out key.pem
            """
        ),
        KeyForm(
            "RSA 2048, encrypted PKCS#1",
            "RSA PRIVATE KEY",
            "genrsa -traditional -aes128 -passout pass:open-sesame -out key.pem 2048"
        ),
    ]

    /// A self-signed certificate for the key: `cert.pem`.
    private func makeCertificate(in folder: TemporaryFolder) throws {
        try folder.openssl(
            """
            req -x509 -new -key key.pem -passin pass:open-sesame -out cert.pem -days 9 -subj /CN=node-x -addext
            basicConstraints=critical,CA:FALSE -addext subjectAltName=DNS:node-x
            """
        )
    }

    @Test(arguments: keyForms)
    func `a key loads and serves in a handshake`(form: KeyForm) throws {
        let folder = try TemporaryFolder()
        try folder.openssl(form.command)
        try makeCertificate(in: folder)
        #expect(try folder.read("key.pem").contains("-----BEGIN \(form.label)-----"))
        let identity = try Identity(
            certificateFile: "\(folder.path)/cert.pem",
            keyFile: "\(folder.path)/key.pem",
            passphrase: "open-sesame"
        )
        #expect(identity.subject == "CN=node-x")
        #expect(identity.names == [.dns("node-x")])
        #expect(identity.warnings == [])
        // The certificate signs itself, so it is its own root.
        let trust = try Trust.roots(file: "\(folder.path)/cert.pem")
        let configuration = TLSConfiguration(identity: identity, trust: trust)
        let pair = try TLSPair(client: configuration, server: configuration, host: "node-x")
        pair.exchange()
        #expect(pair.client.error == nil && pair.server.error == nil)
        #expect(pair.client.session.peer?.fingerprint == identity.fingerprint)
        #expect(pair.server.session.peer?.publicKeyFingerprint == identity.publicKeyFingerprint)
        let printed = try folder.openssl("x509 -in cert.pem -noout -fingerprint -sha256").lowercased()
        #expect(printed.contains(identity.fingerprint.description))
    }

    @Test(arguments: keyForms.suffix(2))
    func `an encrypted key needs the right passphrase`(form: KeyForm) throws {
        let folder = try TemporaryFolder()
        try folder.openssl(form.command)
        try makeCertificate(in: folder)
        let expectations =
            [
                (nil, .encryptedKey), ("", .wrongPassphrase), ("wrong and secret", .wrongPassphrase),
                (String(repeating: "long", count: 1000), .wrongPassphrase),
            ] as [(String?, TLSError.Code)]
        for (passphrase, code) in expectations {
            let error = #expect(throws: TLSError.self) {
                try Identity(
                    certificateFile: "\(folder.path)/cert.pem",
                    keyFile: "\(folder.path)/key.pem",
                    passphrase: passphrase
                )
            }
            #expect(error?.code == code)
            #expect(error?.file == "\(folder.path)/key.pem")
            #expect(error?.block == 1)
            #expect(error?.description.contains("secret") == false)
        }
    }

    @Test func `the chain may stand in any order and is put right`() throws {
        let root = try Authority()
        let middle = try root.ca.issue(name: "Middle CA", isCA: true)
        let low = try DevelopmentCA(certificatePEM: middle.certificatePEM, keyPEM: middle.keyPEM)
            .issue(name: "Low CA", isCA: true)
        let lowCA = try DevelopmentCA(certificatePEM: low.certificatePEM, keyPEM: low.keyPEM)
        let leaf = try lowCA.issue(name: "node-b", dnsNames: ["node-b"])
        let stranger = try Authority("Stranger").ca.certificatePEM
        let blocks = [leaf.certificatePEM, low.certificatePEM, middle.certificatePEM, stranger]
        var chains: Set<[Bytes]> = []
        for order in [[0, 1, 2, 3], [3, 2, 1, 0], [1, 3, 0, 2], [2, 0, 3, 1], [1, 2, 3, 0]] {
            let text = Bytes(order.flatMap { Array(blocks[$0]) })
            let identity = try Identity(certificatePEM: text, keyPEM: leaf.keyPEM, certificateSource: "chain.pem")
            #expect(identity.chain.count == 3)
            #expect(identity.warnings.count == 1)
            #expect(identity.warnings.first?.contains("chain.pem, block") == true)
            #expect(identity.warnings.first?.contains("CN=Stranger") == true)
            chains.insert(identity.chain)

            let server = TLSConfiguration(identity: identity, trust: try root.trust)
            let pair = try TLSPair(client: root.configuration("node-a"), server: server)
            pair.exchange()
            #expect(pair.client.error == nil)
            // Leaf, two intermediates, and the root, which was not sent.
            #expect(pair.client.session.peer?.chain.count == 4)
        }
        #expect(chains.count == 1)
    }

    @Test func `one file may hold both`() throws {
        let issued = try Authority().ca.issue(name: "node-a")
        let both = Bytes(Array(issued.keyPEM) + Array("text between\r\n".utf8) + Array(issued.certificatePEM))
        #expect(try Identity(certificatePEM: both, keyPEM: both).subject == "CN=node-a")
    }

    @Test func `a key file that others can read is warned of`() throws {
        let folder = try TemporaryFolder()
        let issued = try Authority().ca.issue(name: "node-a")
        try folder.write(text(issued.certificatePEM), to: "cert.pem", mode: 0o644)
        for (mode, isWarned) in [(0o600, false), (0o400, false), (0o640, true), (0o604, true)] {
            try folder.write(text(issued.keyPEM), to: "key.pem", mode: mode)
            let identity = try Identity(
                certificateFile: "\(folder.path)/cert.pem",
                keyFile: "\(folder.path)/key.pem"
            )
            #expect(identity.warnings.isEmpty != isWarned)
            #expect(identity.warnings.allSatisfy { $0.contains("mode 0\(String(mode, radix: 8))") })
        }
    }

    @Test func `nothing secret is shown`() throws {
        let authority = try Authority()
        let issued = try authority.ca.issue(name: "node-a")
        let identity = try authority.identity(of: issued)
        let secret = text(issued.keyPEM).split(separator: "\n")[1]
        let configuration = TLSConfiguration(identity: identity, trust: try authority.trust)
        var dumped = ""
        dump(configuration, to: &dumped)
        dump(authority.ca, to: &dumped)
        dump(issued, to: &dumped)
        for shown in [
            "\(identity)", String(reflecting: identity), "\(configuration)", "\(authority.ca)", "\(issued)",
            String(reflecting: issued), dumped,
        ] {
            #expect(!shown.contains(secret))
            #expect(!shown.contains("PRIVATE"))
        }
        #expect("\(identity)".contains("CN=node-a"))
        #expect("\(identity)".contains(identity.fingerprint.description))
    }

    private func text(_ bytes: Bytes) -> String { String(decoding: bytes, as: UTF8.self) }
}
