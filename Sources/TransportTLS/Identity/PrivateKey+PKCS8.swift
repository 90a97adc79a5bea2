internal import COpenSSL
internal import NodeTransport

extension PrivateKey {
    /// Lends the key as unencrypted PKCS#8 in DER; the memory is wiped when `body` returns.
    func withPKCS8<Result>(_ body: (RawSpan) throws(TLSError) -> Result) throws(TLSError) -> Result {
        var der: UnsafeMutablePointer<UInt8>?
        let count = unsafe copenssl_key_to_pkcs8(handle, &der)
        guard count > 0, let start = unsafe der else { throw OpenSSLError.failure("encoding a private key") }
        defer { unsafe copenssl_clear_free(start, count) }
        return try unsafe body(RawSpan(_unsafeStart: start, byteCount: count))
    }
}
