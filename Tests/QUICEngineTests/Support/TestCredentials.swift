import Foundation
import NodeTransport
import QUICEngine
import TransportTLS

/// Certificates made for this run.
enum TestIdentity {
    struct Material: Sendable {
        let chain: [Bytes]
        let key: Bytes
        let chainPEM: Bytes
        let keyPEM: Bytes
        let authorityPEM: Bytes
    }

    static let server = Result { try make("localhost") }
    static let client = Result { try make("client.test") }
    /// Its signatures have one size, so that a simulated run has too.
    static let steady = Result { try make("localhost", .ed25519) }

    static func make(_ name: String, _ keyType: KeyType = .p256) throws -> Material {
        let ca = try DevelopmentCA.create(commonName: "Test CA", keyType: keyType)
        let issued = try ca.issue(name: name, dnsNames: [name], ipAddresses: ["127.0.0.1", "::1"], keyType: keyType)
        let key = issued.keyPEM
        return Material(
            chain: ders(issued.certificatePEM), key: ders(key)[0], chainPEM: issued.certificatePEM, keyPEM: key,
            authorityPEM: ca.certificatePEM)
    }

    private static func ders(_ pem: Bytes) -> [Bytes] {
        String(decoding: pem, as: UTF8.self).components(separatedBy: "-----BEGIN ").dropFirst().compactMap { block in
            let body = block.split(separator: "\n").dropFirst().prefix { !$0.hasPrefix("-----END") }.joined()
            return Data(base64Encoded: body).map { Bytes($0) }
        }
    }
}

struct Refusal: Error, Equatable {
    let text: String
}

extension QUICCredentials {
    static func server(
        alpn: [String] = ["echo"], clients: ClientCertificates = .notRequested, earlyData: Bool = false,
        verifier: @escaping Verifier = { _, _ in .accept }
    ) throws -> QUICCredentials {
        let material = try TestIdentity.server.get()
        var options = Options(role: .server, applicationProtocols: alpn)
        options.certificateChain = material.chain
        options.privateKey = material.key
        options.clientCertificates = clients
        options.allowsEarlyData = earlyData
        return try QUICCredentials(options, verifier: verifier)
    }

    static func client(
        alpn: [String] = ["echo"], certificate: Bool = false, earlyData: Bool = false,
        verifier: @escaping Verifier = { _, _ in .accept }
    ) throws -> QUICCredentials {
        var options = Options(role: .client, applicationProtocols: alpn)
        if certificate {
            let material = try TestIdentity.client.get()
            options.certificateChain = material.chain
            options.privateKey = material.key
        }
        options.allowsEarlyData = earlyData
        return try QUICCredentials(options, verifier: verifier)
    }
}
