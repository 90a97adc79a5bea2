internal import COpenSSL
package import NodeTransport

/// A certificate with its private key, of whatever quality: what tests issue and show.
package struct KeyedCertificate: Sendable {
    package let der: Bytes
    private let key: PrivateKey

    private init(der: Bytes, key: PrivateKey) {
        self.der = der
        self.key = key
    }

    /// Makes a certificate and, unless one is given, its key.
    ///
    /// - Parameters:
    ///   - template: What it says; nothing of that is checked.
    ///   - issuer: Whose key signs it; `nil` for its own.
    ///   - keyType: For a new key.
    ///   - other: Takes the key of that one.
    package init(
        _ template: CertificateTemplate,
        issuer: KeyedCertificate? = nil,
        keyType: KeyType = .p256,
        keyOf other: KeyedCertificate? = nil
    ) throws(TLSError) {
        let key: PrivateKey
        if let other { key = other.key } else { key = try PrivateKey.generate(keyType) }
        var issuerCertificate: Certificate?
        if let issuer {
            issuerCertificate = Certificate(der: issuer.der)
            guard issuerCertificate != nil else { throw OpenSSLError.failure("reading the issuer's certificate") }
        }
        let certificate = try template.sign(key, issuer: issuerCertificate, issuerKey: issuer?.key ?? key)
        self.init(der: certificate.der, key: key)
    }

    /// The same key with other bytes as certificate.
    package func replacingDER(_ der: Bytes) -> KeyedCertificate { KeyedCertificate(der: der, key: key) }

    /// The same certificate with a key as it stands there, whether its halves fit each other or not.
    package func replacingKey(pkcs8: [UInt8]) throws(TLSError) -> KeyedCertificate {
        defer { ERR_clear_error() }
        guard let handle = unsafe copenssl_key_pkcs8(pkcs8, pkcs8.count) else {
            throw TLSError(.malformedKey, "this is no private key")
        }
        return KeyedCertificate(der: der, key: unsafe PrivateKey(owning: handle))
    }

    package var pem: Bytes { PEMBlock.encode(label: "CERTIFICATE", der) }

    /// The key as PKCS#8.
    package func keyPEM() throws(TLSError) -> Bytes { try key.pem() }

    /// An identity that shows this certificate, and behind it `others` as they come, whatever they are worth.
    package func unchecked(_ others: [KeyedCertificate] = []) throws(TLSError) -> Identity {
        try Identity(unchecked: [der] + others.map(\.der), key: key)
    }
}
