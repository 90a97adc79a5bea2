import NodeTransport
import Testing
import TransportTLS

/// Leaves whose keys TLS 1.3 cannot sign with, so that no peer could show them in it: judged by the verifier alone.
@Suite struct WeakLeafTests {
    @Test(arguments: [CertificateVerifier.Side.server, .client])
    func `an ECDSA key of 192 bits is too weak`(side: CertificateVerifier.Side) throws {
        let forge = try Forge.shared
        let verifier = try CertificateVerifier(trust: forge.trust)
        let leaf = try forge.leaf(keyType: .p192)
        let error = #expect(throws: TLSError.self) {
            try verifier.verify(chain: [leaf.der], of: side, expectedName: nil, now: .now)
        }
        #expect(error?.code == .weakKey, "\(error as Any)")
        #expect(error?.message.contains("certificate 0 (CN=odd): ") == true, "\(error as Any)")
    }

    @Test(arguments: [KeyType.p192, .p224, .secp256k1])
    func `an identity on a curve that TLS does not use is not loaded`(type: KeyType) throws {
        let leaf = try Forge.shared.leaf(keyType: type)
        let error = #expect(throws: TLSError.self) { try Identity(certificatePEM: leaf.pem, keyPEM: leaf.keyPEM()) }
        #expect(error?.code == .unsupportedKey, "\(error as Any)")
    }
}
