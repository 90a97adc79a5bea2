internal import COpenSSL
internal import NodeTransport

/// Reads the certificates and the one private key of a PKCS#12 file (RFC 7292).
enum PKCS12Loader {
    /// - Throws: ``TLSError``; its text never repeats a part of the key or the passphrase.
    static func load(
        _ contents: Bytes,
        file: String,
        passphrase: String?
    ) throws(TLSError) -> (certificates: [CertificateBlock], key: PrivateKey) {
        var found = unsafe copenssl_pkcs12()
        let outcome = unsafe Decryption.withPassphrase(passphrase) { secret, length in
            unsafe contents.withUnsafeBytes { buffer in
                unsafe copenssl_pkcs12_read(
                    buffer.baseAddress?.assumingMemoryBound(to: UInt8.self),
                    buffer.count,
                    secret,
                    length,
                    Decryption.maximumRounds,
                    &found
                )
            }
        }
        defer { unsafe copenssl_pkcs12_clear(&found) }
        guard outcome == COPENSSL_OK else {
            throw unsafe failure(outcome, found, contents, file: file, hasPassphrase: passphrase != nil)
        }
        let certificates = unsafe found.certificates.map { unsafe Certificate.all(in: $0) } ?? []
        guard let handle = unsafe found.key else {
            let count = "\(certificates.count) certificate\(certificates.count == 1 ? "" : "s")"
            throw TLSError(.wrongBlockType, "there is no private key in it, only \(count)", file: file)
        }
        // The key belongs to the object from here on.
        unsafe found.key = nil
        let key = unsafe PrivateKey(owning: handle)
        let keyCount = unsafe found.key_count
        guard keyCount == 1 else {
            throw TLSError(.wrongBlockType, "there are \(keyCount) private keys in it; one is wanted", file: file)
        }
        try key.checkSuitability(file: file, block: nil)
        guard !certificates.isEmpty else {
            throw TLSError(.wrongBlockType, "there is no certificate in it, only a private key", file: file)
        }
        return (certificates.map { CertificateBlock(certificate: $0, block: nil) }, key)
    }

    private static func failure(
        _ outcome: copenssl_outcome,
        _ found: copenssl_pkcs12,
        _ contents: Bytes,
        file: String,
        hasPassphrase: Bool
    ) -> TLSError {
        let entry = unsafe found.entry > 0 ? "entry \(found.entry)" : "it"
        let known = Decryption.error(
            outcome,
            "the PKCS#12 file",
            hasPassphrase: hasPassphrase,
            conversion: "openssl pkcs12 -legacy -in old.p12 -out new.pem",
            file: file,
            block: nil
        )
        if let known { return known }
        switch outcome {
        case COPENSSL_BAD_KEY:
            let algorithm = unsafe found.key_algorithm.map { unsafe String(cString: $0) }
            if let reason = algorithm.flatMap({ PrivateKey.unsuitability(ofAlgorithm: $0) }) {
                return TLSError(.unsupportedKey, "\(entry): \(reason)", file: file)
            }
            return TLSError(.malformedKey, "\(entry) is not a private key that can be read", file: file)
        case COPENSSL_BAD_CERTIFICATE:
            return TLSError(.malformedCertificate, "\(entry) is not an X.509 certificate", file: file)
        default:
            return TLSError(.malformedPKCS12, "it is not a PKCS#12 file that can be read\(hint(contents))", file: file)
        }
    }

    /// What the bytes are instead, where that can be seen.
    private static func hint(_ contents: Bytes) -> String {
        guard !contents.isEmpty else { return " (it is empty)" }
        guard case .der(let entries) = FileFormat(contents), let entry = entries.first else {
            let isPEM = (try? PEMBlock.all(in: contents, file: "")) != nil
            return isPEM ? " (it is PEM)" : ""
        }
        switch DERForm(entry) {
        case .unknown, .pkcs12: return ""
        case let form: return " (it is \(form.name))"
        }
    }
}
