import NodeTransport
import Testing
import TransportTLS

/// NIST's path validation test suite, through the one verifier of ours.
///
/// The leaves have no extended key usage, which TLS allows, and RSA keys of 2048 bits.
@Suite(.enabled(if: CryptographyVectors.areThere)) struct PKITSTests {
    /// 2020-01-01: within the validity of all that is to be valid (2010 to 2030).
    private static let now = WallTime(secondsSince1970: 1_577_836_800)

    private static func certificate(_ name: String) throws -> Bytes {
        try CryptographyVectors.read("x509/PKITS_data/certs/\(name).crt")
    }

    @Test(arguments: PKITSCase.applicable, [false, true])
    func `is judged as NIST says`(pkits: PKITSCase, isStrict: Bool) throws {
        let root = try Self.certificate("TrustAnchorRootCertificate")
        var trust = try Trust.roots(pem: root)
        trust.isStrict = isStrict
        let leaf = try Self.certificate("\(pkits.leaf)EE")
        let chain = try [leaf] + pkits.authorities.reversed().map { try Self.certificate("\($0)Cert") }
        let verifier = try CertificateVerifier(trust: trust)
        for side in [CertificateVerifier.Side.server, .client] {
            let result = Result { () throws(TLSError) -> PeerIdentity in
                try verifier.verify(chain: chain, of: side, expectedName: nil, now: Self.now).peer
            }
            switch (result, isStrict ? pkits.strictOutcome : pkits.outcome) {
            case (.success(let peer), .valid):
                #expect(peer.chain.first == leaf)
                #expect(peer.chain.last == root)
            case (.failure(let error), .invalid(let code)): #expect(error.code == code, "\(error)")
            case (.failure(let error), .refusedByUs(let code, _)): #expect(error.code == code, "\(error)")
            case (let result, let expected): Issue.record("\(pkits.section): \(result), expected: \(expected)")
            }
        }
    }

    @Test func `all cases are accounted for`() {
        var seen: [String] = PKITSCase.applicable.map(\.section)
        for entry in PKITSCase.inapplicable { seen += entry.cases.map { "4.\(entry.section).\($0)" } }
        let all = PKITSCase.counts.flatMap { section, count in (1...count).map { "4.\(section).\($0)" } }
        #expect(seen.sorted() == all.sorted())
        #expect(all.count == 224)
    }

    /// Each leaf comes with its key in PKCS#12, in the ciphers of 2011 (RC2 of 40 bits, triple DES).
    @Test(arguments: PKITSCase.applicable)
    func `the leaf loads from its PKCS#12 file`(pkits: PKITSCase) throws {
        let contents = try CryptographyVectors.read("x509/PKITS_data/pkcs12/\(pkits.leaf)EE.p12")
        let result = Result { () throws(TLSError) -> Identity in
            try Identity(pkcs12: contents, passphrase: "password", now: Self.now)
        }
        switch result {
        case .success(let identity):
            #expect(try identity.chain.first == Self.certificate("\(pkits.leaf)EE"))
        case .failure(let error):
            let expected: TLSError.Code? =
                switch pkits.section {
                case "4.1.4", "4.1.5", "4.1.6": .unsupportedKey
                case "4.2.2": .notYetValid
                case "4.2.6", "4.2.7": .expired
                default: nil
                }
            #expect(error.code == expected, "\(error)")
        }
    }
}
