internal import NodeTransport

/// A certificate and where in its file it stood.
struct CertificateBlock {
    let certificate: Certificate
    let block: Int

    /// The certificates of a PEM text; keys and other blocks between them are passed over.
    static func all(in text: Bytes, file: String) throws(TLSError) -> [CertificateBlock] {
        var certificates: [CertificateBlock] = []
        let blocks = try PEMBlock.all(in: text, file: file)
        for block in blocks where block.label == "CERTIFICATE" || block.label == "X509 CERTIFICATE" {
            guard let certificate = Certificate(der: block.der) else {
                throw TLSError(
                    .malformedCertificate,
                    "the CERTIFICATE block is not an X.509 certificate",
                    file: file,
                    block: block.number
                )
            }
            certificates.append(CertificateBlock(certificate: certificate, block: block.number))
        }
        guard !certificates.isEmpty else {
            let labels = Set(blocks.map(\.label)).sorted().joined(separator: ", ")
            throw TLSError(.wrongBlockType, "there is no CERTIFICATE block in it, only \(labels)", file: file, block: 1)
        }
        return certificates
    }

    /// Throws when `now` lies outside the validity of the certificate.
    func checkValidity(at now: WallTime, file: String) throws(TLSError) {
        guard let notBefore = certificate.notBefore, let notAfter = certificate.notAfter else {
            throw TLSError(
                .malformedCertificate,
                "certificate \(certificate.subject) has no readable validity",
                file: file,
                block: block
            )
        }
        if now > notAfter {
            throw TLSError(
                .expired,
                "certificate \(certificate.subject) expired on \(notAfter) (it is now \(now))",
                file: file,
                block: block
            )
        }
        if now < notBefore {
            throw TLSError(
                .notYetValid,
                "certificate \(certificate.subject) is not valid before \(notBefore) (it is now \(now))",
                file: file,
                block: block
            )
        }
    }
}

/// Puts the certificates of a file in the order in which TLS sends them.
enum ChainBuilder {
    /// The leaf (the one `key` belongs to), then issuer after issuer; and what does not belong to that.
    static func order(
        _ loaded: [CertificateBlock],
        for key: PrivateKey,
        file: String,
        keyFile: String
    ) throws(TLSError) -> (chain: [CertificateBlock], unused: [CertificateBlock]) {
        var rest = loaded
        guard let place = rest.firstIndex(where: { key.belongs(to: $0.certificate) }) else {
            let subjects = loaded.map(\.certificate.subject).joined(separator: "; ")
            let what = loaded.count == 1 ? "the certificate" : "any of the \(loaded.count) certificates"
            throw TLSError(.keyMismatch, "the key does not belong to \(what) in \(file) (\(subjects))", file: keyFile)
        }
        var chain = [rest.remove(at: place)]
        while let last = chain.last, !last.certificate.issued(last.certificate),
            let next = rest.firstIndex(where: { $0.certificate.issued(last.certificate) })
        {
            chain.append(rest.remove(at: next))
        }
        // The same certificate twice needs no warning.
        let sent = Set(chain.map(\.certificate.fingerprint))
        return (chain, rest.filter { !sent.contains($0.certificate.fingerprint) })
    }
}
