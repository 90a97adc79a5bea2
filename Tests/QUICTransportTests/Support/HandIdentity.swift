import Foundation
import NodeTransport
import TransportTLS

/// Certificates for the server, for good clients, and for one that drives the QUIC engine by hand.
struct HandIdentity: Sendable {
    static let shared = Result { try HandIdentity() }

    let trust: Trust
    let node: Identity
    /// DER, the leaf first.
    let chain: [Bytes]
    let key: Bytes

    private init() throws {
        let ca = try DevelopmentCA.create(commonName: "Test CA")
        trust = try Trust.roots(pem: ca.certificatePEM)
        let issued = try ca.issue(name: "node", dnsNames: ["localhost"], ipAddresses: ["127.0.0.1"])
        let keyPEM = issued.keyPEM
        node = try Identity(certificatePEM: issued.certificatePEM, keyPEM: keyPEM)
        chain = Self.ders(issued.certificatePEM)
        key = Self.ders(keyPEM).first ?? Bytes()
    }

    private static func ders(_ pem: Bytes) -> [Bytes] {
        String(decoding: pem, as: UTF8.self).components(separatedBy: "-----BEGIN ").dropFirst().compactMap { block in
            let body = block.split(separator: "\n").dropFirst().prefix { !$0.hasPrefix("-----END") }.joined()
            return Data(base64Encoded: body).map { Bytes($0) }
        }
    }
}
