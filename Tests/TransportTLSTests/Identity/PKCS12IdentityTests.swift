import NodeTransport
import Testing

@testable import TransportTLS

/// Identities from PKCS#12: what is in a file, what is wrong with it, and how much work it may ask for.
@Suite struct PKCS12IdentityTests {
    /// A folder with `key.pem` and `cert.pem`.
    private func makeIdentity(options: String = "-days 9") throws -> TemporaryFolder {
        let folder = try TemporaryFolder()
        try folder.openssl("genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out key.pem")
        try folder.makeCertificate(options: options)
        return folder
    }

    private func refusal(_ folder: TemporaryFolder, _ passphrase: String? = "open-sesame") -> TLSError? {
        #expect(throws: TLSError.self) { try Identity(pkcs12File: "\(folder.path)/id.p12", passphrase: passphrase) }
    }

    @Test(arguments: ["", "-legacy", "-certpbe PBE-SHA1-RC2-40 -keypbe PBE-SHA1-3DES -legacy -macalg SHA1"])
    func `the leaf is found by its key and the others become the chain`(options: String) throws {
        let root = try Authority()
        let middle = try root.ca.issue(name: "Middle CA", isCA: true)
        let leaf = try DevelopmentCA(certificatePEM: middle.certificatePEM, keyPEM: middle.keyPEM)
            .issue(name: "node-b", dnsNames: ["node-b"])
        let stranger = try Authority("Stranger").ca.certificatePEM
        let folder = try TemporaryFolder()
        try folder.write(leaf.keyPEM, to: "key.pem")
        try folder.write(leaf.certificatePEM, to: "leaf.pem")
        try folder.write(Bytes(Array(stranger) + Array(middle.certificatePEM)), to: "others.pem")
        try folder.exportPKCS12("-inkey key.pem -in leaf.pem -certfile others.pem \(options)")
        let identity = try Identity(pkcs12File: "\(folder.path)/id.p12", passphrase: "open-sesame")
        #expect(identity.subject == "CN=node-b")
        #expect(identity.chain.count == 2)
        #expect(identity.warnings.count == 1)
        #expect(identity.warnings.first?.contains("id.p12: certificate CN=Stranger is not part") == true)
        let server = TLSConfiguration(identity: identity, trust: try root.trust)
        let pair = try TLSPair(client: root.configuration("node-a"), server: server)
        pair.exchange()
        #expect(pair.client.error == nil && pair.server.error == nil)
    }

    @Test func `an empty passphrase and none are the same`() throws {
        let folder = try makeIdentity()
        for options in ["", "-legacy", "-nomac"] {
            try folder.exportPKCS12("-inkey key.pem -in cert.pem \(options)", passphrase: "")
            for passphrase in [nil, ""] {
                let identity = try Identity(pkcs12File: "\(folder.path)/id.p12", passphrase: passphrase)
                #expect(identity.subject == "CN=node-x")
            }
            #expect(refusal(folder, "something")?.code == .wrongPassphrase)
        }
    }

    @Test(arguments: ["", "-legacy", "-nomac", "-keypbe NONE -certpbe NONE"])
    func `a wrong passphrase is told from a missing one`(options: String) throws {
        let folder = try makeIdentity()
        try folder.exportPKCS12("-inkey key.pem -in cert.pem \(options)")
        #expect(refusal(folder, nil)?.code == .encryptedKey)
        #expect(refusal(folder, "")?.code == .wrongPassphrase)
        let error = refusal(folder, "wrong and secret")
        #expect(error?.code == .wrongPassphrase)
        #expect(error?.file == "\(folder.path)/id.p12")
        #expect(error?.description.contains("secret") == false)
    }

    @Test func `a cipher of old works for its file and nowhere else in the process`() throws {
        let folder = try makeIdentity()
        try folder.exportPKCS12("-inkey key.pem -in cert.pem -legacy")
        #expect(try Identity(pkcs12File: "\(folder.path)/id.p12", passphrase: "open-sesame").subject == "CN=node-x")
        // A key behind single DES is read with what all the process shares.
        try folder.openssl(
            "ec -provider default -provider legacy -des -in key.pem -passout pass:open-sesame -out des.pem")
        let error = #expect(throws: TLSError.self) {
            try Identity(
                certificateFile: "\(folder.path)/cert.pem",
                keyFile: "\(folder.path)/des.pem",
                passphrase: "open-sesame"
            )
        }
        #expect(error?.code == .unsupportedCipher, "\(String(describing: error))")
    }

    @Test func `a passphrase may have letters beyond ASCII`() throws {
        let folder = try makeIdentity()
        for options in ["", "-legacy"] {
            try folder.exportPKCS12("-inkey key.pem -in cert.pem \(options)", passphrase: "sésame-öffne-дверь")
            let file = "\(folder.path)/id.p12"
            #expect(try Identity(pkcs12File: file, passphrase: "sésame-öffne-дверь").subject == "CN=node-x")
        }
    }

    @Test func `what is missing or too much is named`() throws {
        let folder = try makeIdentity()
        try folder.exportPKCS12("-inkey key.pem -nocerts")
        #expect(refusal(folder)?.code == .wrongBlockType)
        #expect(refusal(folder)?.message.contains("there is no certificate in it") == true)
        try folder.exportPKCS12("-nokeys -in cert.pem")
        #expect(refusal(folder)?.code == .wrongBlockType)
        #expect(refusal(folder)?.message.contains("no private key in it, only 1 certificate") == true)
    }

    @Test func `a certificate outside its validity is refused`() throws {
        let folder = try makeIdentity()
        try folder.exportPKCS12("-inkey key.pem -in cert.pem")
        let file = "\(folder.path)/id.p12"
        for (days, code) in [(-9, .notYetValid), (99, .expired)] as [(Int, TLSError.Code)] {
            let error = #expect(throws: TLSError.self) {
                try Identity(pkcs12File: file, passphrase: "open-sesame", now: .now.adding(days: days))
            }
            #expect(error?.code == code)
            #expect(error?.description.hasPrefix("\(file): certificate CN=node-x") == true)
        }
    }

    @Test func `what no program writes is judged as well`() throws {
        let folder = try makeIdentity()
        try folder.openssl("x509 -in cert.pem -outform DER -out cert.der")
        try folder.openssl("pkcs8 -topk8 -nocrypt -in key.pem -outform DER -out key.der")
        try folder.openssl("genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -outform DER -out other.der")
        try folder.openssl("pkcs8 -topk8 -nocrypt -in other.der -inform DER -outform DER -out strange.der")
        let make = HandmadeDER()
        let certificate = make.certificateBag(Array(try folder.readBytes("cert.der")))
        let key = make.bag(1, Array(try folder.readBytes("key.der")))
        let strange = make.bag(1, Array(try folder.readBytes("strange.der")))
        func nested(_ depth: Int) -> [UInt8] {
            (0..<depth).reduce(make.der(0x30, key)) { safe, _ in make.der(0x30, make.bag(6, safe)) }
        }
        let encrypted = make.bag(2, make.encryptedKey(make.old(.max)))
        let cases: [(file: [UInt8], code: TLSError.Code?, reason: String)] = [
            (make.plainFile(key, certificate), nil, ""),
            (make.plainFile(make.bag(6, nested(0)), certificate), nil, ""),
            (make.plainFile(make.bag(6, nested(3)), certificate), nil, ""),
            (make.plainFile(make.bag(6, nested(9)), certificate), .malformedPKCS12, "is not a PKCS#12 file"),
            (make.plainFile(strange, certificate), .keyMismatch, "does not belong to the certificate"),
            (make.plainFile(key, key, certificate), .wrongBlockType, "there are 2 private keys in it"),
            (make.plainFile(key, make.certificateBag([0x30, 0])), .malformedCertificate, "entry 2 is not an X.509"),
            (make.plainFile(make.bag(1, make.der(0x30)), certificate), .malformedPKCS12, "is not a PKCS#12 file"),
            (make.plainFile(certificate, encrypted), .excessiveWork, "asks for more work than is allowed"),
        ]
        for (file, code, reason) in cases {
            let result = Result { () throws(TLSError) -> Identity in try Identity(pkcs12: Bytes(file)) }
            switch result {
            case .success(let identity):
                #expect(code == nil)
                #expect(identity.subject == "CN=node-x")
            case .failure(let error):
                #expect(error.code == code, "\(error)")
                #expect(error.message.contains(reason), "\(error)")
            }
        }
    }

    @Test func `a file that others can read is warned of`() throws {
        let folder = try makeIdentity()
        try folder.exportPKCS12("-inkey key.pem -in cert.pem")
        let contents = try folder.readBytes("id.p12")
        try folder.openssl("pkcs8 -topk8 -nocrypt -in key.pem -outform DER -out key.der")
        let key = try folder.readBytes("key.der")
        for (mode, isWarned) in [(0o600, false), (0o640, true), (0o604, true)] {
            try folder.write(contents, to: "id.p12", mode: mode)
            try folder.write(key, to: "key.der", mode: mode)
            let identities = [
                try Identity(pkcs12File: "\(folder.path)/id.p12", passphrase: "open-sesame"),
                try Identity(certificateFile: "\(folder.path)/cert.pem", keyFile: "\(folder.path)/key.der"),
            ]
            for identity in identities {
                #expect(identity.warnings.count == (isWarned ? 1 : 0))
                #expect(identity.warnings.allSatisfy { $0.contains("mode 0\(String(mode, radix: 8))") })
            }
        }
    }

    @Test func `garbage is not PKCS#12 and is said to be what it is`() throws {
        let folder = try makeIdentity()
        try folder.exportPKCS12("-inkey key.pem -in cert.pem")
        let good = try folder.readBytes("id.p12")
        try folder.openssl("x509 -in cert.pem -outform DER -out cert.der")
        let cases = [
            (Bytes(), "it is empty"), (try folder.readBytes("cert.pem"), "it is PEM"),
            (try folder.readBytes("cert.der"), "it is a certificate"), (Bytes(utf8: "no"), "is not a PKCS#12 file"),
            (good.slice(0..<good.count / 2), "is not a PKCS#12 file"),
            (Bytes(Array(good) + [0]), "is not a PKCS#12 file"),
        ]
        for (bytes, reason) in cases {
            let error = #expect(throws: TLSError.self) { try Identity(pkcs12: bytes, passphrase: "open-sesame") }
            #expect(error?.code == .malformedPKCS12)
            #expect(error?.file == "PKCS#12")
            #expect(error?.message.contains(reason) == true, "\(String(describing: error))")
        }
        let huge = Bytes([UInt8](repeating: 0x30, count: 5 << 20))
        #expect(#expect(throws: TLSError.self) { try Identity(pkcs12: huge) }?.code == .unreadable)
        // A PKCS#12 file where PEM or DER belongs.
        let error = #expect(throws: TLSError.self) { try Identity(certificates: good, key: good) }
        #expect(error?.code == .wrongBlockType)
        #expect(error?.message.contains("PKCS#12") == true)
    }

    @Test func `a cipher of old without its provider says how to convert`() {
        let conversion = "openssl pkcs12 -legacy"
        let error = Decryption.missingProvider("it", conversion: conversion, file: "old.p12", block: nil)
        #expect(error.code == .unsupportedCipher)
        #expect(error.description.hasPrefix("old.p12: it uses a legacy cipher"))
        #expect(error.description.contains(conversion))
    }
}
