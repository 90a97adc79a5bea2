internal import COpenSSL
internal import NodeTransport

/// A certificate and where in its file it stood.
struct CertificateBlock {
    let certificate: Certificate
    /// The PEM block, counted from 1; `nil` in a file without blocks.
    let block: Int?

    /// The certificates of a file in PEM or DER; keys and other things between them are passed over.
    ///
    /// In both forms a PKCS#7 bag (`.p7b`) counts as the certificates in it.
    static func all(in contents: Bytes, file: String) throws(TLSError) -> [CertificateBlock] {
        switch FileFormat(contents) {
        case .pem: try all(in: PEMBlock.all(in: contents, file: file), file: file)
        case .der(let entries): try all(inDER: entries, file: file)
        }
    }

    private static func all(in blocks: [PEMBlock], file: String) throws(TLSError) -> [CertificateBlock] {
        var certificates: [CertificateBlock] = []
        for block in blocks {
            switch block.label {
            case "CERTIFICATE", "X509 CERTIFICATE":
                guard let certificate = Certificate(der: block.der) else {
                    throw TLSError(
                        .malformedCertificate,
                        "the CERTIFICATE block is not an X.509 certificate",
                        file: file,
                        block: block.number
                    )
                }
                certificates.append(CertificateBlock(certificate: certificate, block: block.number))
            case "PKCS7", "PKCS #7 SIGNED DATA", "CMS":
                guard let bag = bag(block.der) else {
                    throw TLSError(
                        .malformedCertificate,
                        "the \(block.label) block is not a PKCS#7 bag of certificates",
                        file: file,
                        block: block.number
                    )
                }
                certificates += bag.map { CertificateBlock(certificate: $0, block: block.number) }
            default: continue
            }
        }
        guard !certificates.isEmpty else {
            let labels = Set(blocks.map(\.label)).sorted().joined(separator: ", ")
            throw TLSError(.wrongBlockType, "there is no CERTIFICATE block in it, only \(labels)", file: file, block: 1)
        }
        return certificates
    }

    private static func all(inDER entries: [Bytes], file: String) throws(TLSError) -> [CertificateBlock] {
        var certificates: [CertificateBlock] = []
        var others: Set<String> = []
        for (index, entry) in entries.enumerated() {
            let which = entries.count == 1 ? "it" : "entry \(index + 1)"
            let form = DERForm(entry)
            switch form {
            case .certificate:
                guard let certificate = Certificate(der: entry) else {
                    throw TLSError(.malformedCertificate, "\(which) is not an X.509 certificate in DER", file: file)
                }
                certificates.append(CertificateBlock(certificate: certificate, block: nil))
            case .pkcs7:
                guard let bag = bag(entry) else {
                    throw TLSError(
                        .malformedCertificate, "\(which) is not a PKCS#7 bag of certificates", file: file)
                }
                certificates += bag.map { CertificateBlock(certificate: $0, block: nil) }
            case .unknown:
                throw TLSError(
                    .malformedCertificate,
                    "\(which) looks like DER but is not an X.509 certificate",
                    file: file
                )
            default: others.insert(form.name)
            }
        }
        guard !certificates.isEmpty else {
            let found = others.isEmpty ? "" : ", only \(others.sorted().joined(separator: ", "))"
            throw TLSError(.wrongBlockType, "there is no certificate in it\(found)", file: file)
        }
        return certificates
    }

    private static func bag(_ der: Bytes) -> [Certificate]? {
        let stack: OpaquePointer? = unsafe der.withUnsafeBytes { buffer in
            unsafe copenssl_pkcs7_certificates(
                buffer.baseAddress?.assumingMemoryBound(to: UInt8.self),
                buffer.count
            )
        }
        guard let stack = unsafe stack else { return nil }
        defer { unsafe copenssl_certificates_free(stack) }
        return unsafe Certificate.all(in: stack)
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

extension Certificate {
    /// The certificates of a stack, each with a reference of its own.
    static func all(in stack: OpaquePointer) -> [Certificate] {
        (0..<(unsafe copenssl_certificates_count(stack))).compactMap { index in
            guard let handle = unsafe copenssl_certificates_at(stack, index) else { return nil }
            return unsafe Certificate(sharing: handle)
        }
    }
}
