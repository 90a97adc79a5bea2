internal import NodeTransport

/// Puts the certificates of a file in the order in which TLS sends them.
enum ChainBuilder {
    /// No verifier of ours takes a longer one; the limit keeps a file of thousands from taking minutes.
    private static let maximumChainCount = 10

    /// The leaf (the one `key` belongs to), then issuer after issuer; and what does not belong to that.
    static func order(
        _ loaded: [CertificateBlock],
        for key: PrivateKey,
        file: String,
        keyFile: String
    ) throws(TLSError) -> (chain: [CertificateBlock], unused: [CertificateBlock]) {
        var rest = loaded
        guard let place = rest.firstIndex(where: { key.belongs(to: $0.certificate) }) else {
            let subjects = loaded.prefix(10).map(\.certificate.subject).joined(separator: "; ")
            let what = loaded.count == 1 ? "the certificate" : "any of the \(loaded.count) certificates"
            throw TLSError(.keyMismatch, "the key does not belong to \(what) in \(file) (\(subjects))", file: keyFile)
        }
        var chain = [rest.remove(at: place)]
        while chain.count < maximumChainCount, let last = chain.last, !last.certificate.issued(last.certificate),
            let next = rest.firstIndex(where: { $0.certificate.issued(last.certificate) })
        {
            chain.append(rest.remove(at: next))
        }
        // The same certificate twice needs no warning.
        let sent = Set(chain.map(\.certificate.fingerprint))
        return (chain, rest.filter { !sent.contains($0.certificate.fingerprint) })
    }
}
