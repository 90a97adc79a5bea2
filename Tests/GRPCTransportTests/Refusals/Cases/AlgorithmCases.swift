import NodeTransport
import TransportTLS

/// Keys that are too short, and digests that are broken.
extension RefusalCase {
    static let algorithms: [RefusalCase] = [
        shown("an RSA key of 1024 bits", Fault(.weakKey, (0, "odd"), "key too weak", alert: .badCertificate)) {
            forge, _ in [try forge.leaf(keyType: .rsa1024)]
        },
        weakMiddle("RSA key of 1024 bits", .rsa1024),
        weakMiddle("ECDSA key of 192 bits", .p192),
        weakSignature("SHA-1", "SHA1"),
        weakSignature("MD5", "MD5"),
        weakMiddleSignature("SHA-1", "SHA1"),
        weakMiddleSignature("MD5", "MD5"),
    ].flatMap { $0 }

    private static func weakMiddle(_ key: String, _ type: KeyType) -> [RefusalCase] {
        shown(
            "an authority with an \(key)", Fault(.weakKey, (1, "Middle CA"), "key too weak", alert: .badCertificate)
        ) { forge, _ in
            let middle = try forge.middle(keyType: type)
            return [try forge.leaf(of: middle), middle]
        }
    }

    private static func weakSignature(_ name: String, _ digest: String) -> [RefusalCase] {
        shown(
            "a signature of \(name)",
            Fault(.weakSignature, (0, "odd"), "digest", alert: .badCertificate)
        ) { forge, _ in [try forge.leaf(of: forge.rsaRoot) { $0.digest = digest }] }
    }

    private static func weakMiddleSignature(_ name: String, _ digest: String) -> [RefusalCase] {
        shown(
            "an authority with a signature of \(name)",
            Fault(.weakSignature, (1, "Middle CA"), "digest", alert: .badCertificate)
        ) { forge, _ in
            let middle = try forge.middle(of: forge.rsaRoot) { $0.digest = digest }
            return [try forge.leaf(of: middle), middle]
        }
    }
}
