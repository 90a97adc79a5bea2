internal import COpenSSL
internal import NodeTransport

/// A private key: owns one reference to OpenSSL's object, drops it once, and prints nothing of itself.
///
/// `@unchecked Sendable` is sound: the key is never changed after `init`, its reference count is
/// atomic, and OpenSSL lets any number of threads sign with one key.
@safe
final class PrivateKey: @unchecked Sendable {
    /// Valid as long as this object is.
    let handle: OpaquePointer

    /// Takes over the reference that the caller holds.
    init(owning handle: OpaquePointer) {
        unsafe self.handle = handle
    }

    deinit { unsafe EVP_PKEY_free(handle) }

    /// A new key.
    static func generate(_ type: KeyType) throws(TLSError) -> PrivateKey {
        guard let handle = unsafe copenssl_key_generate(type.algorithm, type.curve, type.bits) else {
            throw OpenSSLError.failure("generating a key (\(type))")
        }
        return unsafe PrivateKey(owning: handle)
    }

    /// Whether `certificate` is for this key.
    func belongs(to certificate: Certificate) -> Bool {
        guard let other = unsafe X509_get0_pubkey(certificate.handle) else {
            ERR_clear_error()
            return false
        }
        let isEqual = unsafe EVP_PKEY_eq(other, handle) == 1
        ERR_clear_error()
        return isEqual
    }

    /// The key as a PKCS#8 PEM block, not encrypted.
    func pem() throws(TLSError) -> Bytes {
        var der: UnsafeMutablePointer<UInt8>?
        let count = unsafe copenssl_key_to_pkcs8(handle, &der)
        guard count > 0, let start = unsafe der else { throw OpenSSLError.failure("encoding a private key") }
        defer { unsafe copenssl_clear_free(start, count) }
        return unsafe PEMBlock.encode(label: "PRIVATE KEY", UnsafeBufferPointer(start: start, count: count))
    }
}

extension PrivateKey: CustomStringConvertible {
    var description: String { "private key" }
}
