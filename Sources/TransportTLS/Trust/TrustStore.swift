internal import COpenSSL
internal import NodeTransport

/// The roots of a ``Trust``, parsed once, in the form in which OpenSSL looks them up.
///
/// `@unchecked Sendable` is sound: nothing is added after `init`, and OpenSSL guards look-ups in a store
/// by a lock of the store's own.
@safe
final class TrustStore: @unchecked Sendable {
    /// Valid as long as this object is.
    let handle: OpaquePointer

    init(_ trust: Trust) throws(TLSError) {
        guard let handle = unsafe X509_STORE_new() else { throw OpenSSLError.failure("making a trust store") }
        unsafe self.handle = handle
        switch trust.source {
        case .roots(let roots):
            for root in roots {
                guard let certificate = Certificate(der: root),
                    unsafe X509_STORE_add_cert(handle, certificate.handle) == 1
                else { throw OpenSSLError.failure("adding a root to a trust store") }
            }
        case .system:
            guard unsafe X509_STORE_set_default_paths(handle) == 1 else {
                throw OpenSSLError.failure("opening the system's roots")
            }
            ERR_clear_error()
        case .pins:
            // Each certificate is judged against a store of its own.
            break
        }
    }

    /// A store in which `certificate` alone is trusted, whoever has issued it.
    init?(trusting certificate: Certificate) {
        guard let handle = unsafe X509_STORE_new() else { return nil }
        unsafe self.handle = handle
        guard unsafe X509_STORE_add_cert(handle, certificate.handle) == 1 else { return nil }
    }

    deinit { unsafe X509_STORE_free(handle) }
}
