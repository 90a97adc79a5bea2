import NodeTransport
import Testing
import TransportTLS

/// Every kind of key in every container that can hold it.
@Suite struct IdentityContainerTests {
    /// A kind of key, and how the `openssl` program makes one.
    struct Kind: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let options: String
        /// The command that writes the form of old, for kinds that have one.
        let traditional: String?

        init(_ name: String, _ options: String, traditional: String? = nil) {
            testDescription = name
            self.options = options
            self.traditional = traditional
        }
    }

    static let kinds =
        [2048, 3072, 4096].map {
            Kind("RSA \($0)", "-algorithm RSA -pkeyopt rsa_keygen_bits:\($0)", traditional: "rsa -traditional")
        }
        + ["P-256", "P-384", "P-521"].map {
            Kind("ECDSA \($0)", "-algorithm EC -pkeyopt ec_paramgen_curve:\($0)", traditional: "ec")
        }
        + [
            Kind("RSA-PSS", "-algorithm RSA-PSS -pkeyopt rsa_keygen_bits:2048"),
            Kind(
                "RSA-PSS bound to SHA-256",
                """
                -algorithm RSA-PSS -pkeyopt rsa_keygen_bits:2048 -pkeyopt rsa_pss_keygen_md:sha256
                -pkeyopt rsa_pss_keygen_mgf1_md:sha256 -pkeyopt rsa_pss_keygen_saltlen:32
                """
            ),
            Kind("Ed25519", "-algorithm ED25519"),
            Kind("Ed448", "-algorithm ED448"),
        ]

    @Test(arguments: kinds)
    func `a key loads from every container and serves`(kind: Kind) throws {
        let folder = try TemporaryFolder()
        try folder.openssl("genpkey \(kind.options) -out key.pem")
        try folder.makeCertificate()
        try folder.openssl("x509 -in cert.pem -outform DER -out cert.der")
        try folder.openssl("crl2pkcs7 -nocrl -certfile cert.pem -out cert.p7b")
        try folder.openssl("crl2pkcs7 -nocrl -certfile cert.pem -outform DER -out cert.p7c")
        try folder.openssl("pkcs8 -topk8 -nocrypt -in key.pem -outform DER -out key.der")
        try folder.openssl("pkcs8 -topk8 -in key.pem -v2 aes-256-cbc -passout pass:open-sesame -out encrypted.pem")
        try folder.openssl("pkcs8 -topk8 -in key.pem -passout pass:open-sesame -outform DER -out encrypted.der")
        var keys = ["key.pem", "key.der", "encrypted.pem", "encrypted.der"]
        if let traditional = kind.traditional {
            try folder.openssl("\(traditional) -in key.pem -out old.pem")
            try folder.openssl("\(traditional) -in key.pem -outform DER -out old.der")
            keys += ["old.pem", "old.der"]
        }
        var fingerprints: Set<Fingerprint> = []
        for key in keys {
            for certificate in ["cert.pem", "cert.der", "cert.p7b", "cert.p7c"] {
                let identity = try Identity(
                    certificateFile: "\(folder.path)/\(certificate)",
                    keyFile: "\(folder.path)/\(key)",
                    passphrase: "open-sesame"
                )
                #expect(identity.warnings == [])
                fingerprints.insert(identity.fingerprint)
            }
        }
        for options in ["", "-legacy", "-keypbe NONE -certpbe NONE", "-nomac"] {
            try folder.exportPKCS12("-inkey key.pem -in cert.pem \(options)")
            let identity = try Identity(pkcs12File: "\(folder.path)/id.p12", passphrase: "open-sesame")
            #expect(identity.warnings == [])
            fingerprints.insert(identity.fingerprint)
        }
        #expect(fingerprints.count == 1)

        let identity = try Identity(pkcs12: folder.readBytes("id.p12"), passphrase: "open-sesame")
        // The certificate signs itself, so it is its own root.
        let trust = try Trust.roots(file: "\(folder.path)/cert.der")
        let configuration = TLSConfiguration(identity: identity, trust: trust)
        let pair = try TLSPair(client: configuration, server: configuration, host: "node-x")
        pair.exchange()
        #expect(pair.client.error == nil && pair.server.error == nil)
        #expect(pair.client.session.peer?.fingerprint == identity.fingerprint)
    }

    @Test(arguments: [
        ("RSA 1024", "-algorithm RSA -pkeyopt rsa_keygen_bits:1024", "an RSA key of 1024 bits is too short"),
        ("X25519", "-algorithm X25519", "a key of the kind X25519 cannot sign in TLS"),
        ("secp256k1", "-algorithm EC -pkeyopt ec_paramgen_curve:secp256k1", "the curve secp256k1 is not used in TLS"),
        (
            "a curve in full", "-algorithm EC -pkeyopt ec_paramgen_curve:P-256 -pkeyopt ec_param_enc:explicit",
            "must name its curve"
        ),
        (
            "RSA-PSS bound to SHA-1",
            """
            -algorithm RSA-PSS -pkeyopt rsa_keygen_bits:2048 -pkeyopt rsa_pss_keygen_md:sha1
            -pkeyopt rsa_pss_keygen_mgf1_md:sha1 -pkeyopt rsa_pss_keygen_saltlen:20
            """,
            "another digest than SHA-256"
        ),
        ("DSA", "-paramfile dsa.pem", "DSA"),
    ])
    func `a key that TLS cannot use is refused when it loads`(name: String, options: String, reason: String) throws {
        let folder = try TemporaryFolder()
        if name == "DSA" { try folder.openssl("dsaparam -out dsa.pem 2048") }
        try folder.openssl("genpkey \(options) -out key.pem")
        try folder.openssl("pkcs8 -topk8 -nocrypt -in key.pem -outform DER -out key.der")
        try folder.exportPKCS12("-inkey key.pem -nocerts")
        let certificate = try Authority().ca.issue(name: "node-a").certificatePEM
        for key in ["key.pem", "key.der"] {
            let error = #expect(throws: TLSError.self) {
                try Identity(certificates: certificate, key: folder.readBytes(key))
            }
            #expect(error?.code == .unsupportedKey, "\(String(describing: error))")
            #expect(error?.message.contains(reason) == true, "\(String(describing: error))")
        }
        let error = #expect(throws: TLSError.self) {
            try Identity(pkcs12: folder.readBytes("id.p12"), passphrase: "open-sesame")
        }
        #expect(error?.code == .unsupportedKey, "\(String(describing: error))")
        #expect(error?.message.contains(reason) == true, "\(String(describing: error))")
    }

    @Test func `several certificates in DER may stand in any order`() throws {
        let authority = try Authority()
        let middle = try authority.ca.issue(name: "Middle CA", isCA: true)
        let low = try DevelopmentCA(certificatePEM: middle.certificatePEM, keyPEM: middle.keyPEM)
            .issue(name: "node-b", dnsNames: ["node-b"])
        let folder = try TemporaryFolder()
        for (name, text) in [("low", low.certificatePEM), ("middle", middle.certificatePEM)] {
            try folder.write(text, to: "\(name).pem")
            try folder.openssl("x509 -in \(name).pem -outform DER -out \(name).der")
        }
        let (leaf, issuer) = (try folder.readBytes("low.der"), try folder.readBytes("middle.der"))
        for order in [[leaf, issuer], [issuer, leaf], [issuer, leaf, issuer]] {
            let identity = try Identity(certificates: Bytes(order.flatMap(Array.init)), key: low.keyPEM)
            #expect(identity.chain == [leaf, issuer])
            #expect(identity.warnings == [])
        }
        #expect(throws: TLSError.self) {
            try Identity(certificates: Bytes(Array(issuer) + Array(leaf) + [0x30]), key: low.keyPEM)
        }
    }

    /// BER with lengths that are not told beforehand, as streaming programs write it.
    @Test func `roots load from PKCS#7 of indefinite length`() throws {
        let folder = try TemporaryFolder()
        let files = try DevelopmentCA.initialize(directory: folder.path, name: "node-a")
        try folder.write("anything", to: "text")
        try folder.openssl(
            """
            cms -sign -stream -nodetach -in text -signer \(files.authority) -inkey \(files.authorityKey) -outform DER
            -out bag.p7b
            """
        )
        #expect(try folder.readBytes("bag.p7b").prefix(2) == [0x30, 0x80])
        let trust = try Trust.roots(file: "\(folder.path)/bag.p7b")
        let identity = try Identity(certificateFile: files.certificate, keyFile: files.key)
        let verifier = try CertificateVerifier(trust: trust)
        #expect(
            try verifier.verify(chain: identity.chain, of: .server, expectedName: nil, now: .now).peer.chain.count == 2)
    }

    @Test func `the key can be lent as PKCS#8`() throws {
        let folder = try TemporaryFolder()
        try folder.openssl("genpkey -algorithm ED25519 -out key.pem")
        try folder.makeCertificate()
        try folder.openssl("pkcs8 -topk8 -nocrypt -in key.pem -outform DER -out key.der")
        let identity = try Identity(certificateFile: "\(folder.path)/cert.pem", keyFile: "\(folder.path)/key.pem")
        let lent = try identity.withPrivateKeyPKCS8 { span in unsafe span.withUnsafeBytes { unsafe Array($0) } }
        #expect(try lent == Array(folder.readBytes("key.der")))
    }
}

extension TemporaryFolder {
    /// A certificate that `key.pem` signs for itself: `cert.pem`.
    func makeCertificate(options: String = "-days 9") throws {
        try openssl(
            """
            req -x509 -new -key key.pem -out cert.pem \(options) -subj /CN=node-x -addext
            basicConstraints=critical,CA:FALSE -addext subjectAltName=DNS:node-x
            """
        )
    }

    /// A PKCS#12 file with few iterations: `id.p12`.
    func exportPKCS12(_ options: String, passphrase: String = "open-sesame") throws {
        try openssl("pkcs12 -export \(options) -iter 2 -passout pass:\(passphrase) -out id.p12")
    }
}
