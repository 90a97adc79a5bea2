internal import NodeTransport

extension Identity {
    /// Checks that the leaf may sign, which is all that TLS 1.3 does with its key (RFC 8446 §4.4.2.2). OpenSSL shows one that
    /// may not, and leaves it to the peer to refuse it; GnuTLS acts as if there was none.
    ///
    /// - Throws: ``TLSError/Code/unsupportedKey``, naming the certificate.
    package func checkSigning() throws(TLSError) {
        guard let leaf = chain.first.flatMap({ Certificate(der: $0) }), !leaf.allowsSigning else { return }
        throw TLSError(
            .unsupportedKey,
            "certificate \(subject) cannot be used: its key usage does not allow digital signatures (digitalSignature)")
    }
}
