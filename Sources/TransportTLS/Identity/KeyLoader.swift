internal import COpenSSL
internal import NodeTransport

/// Finds the one private key in a file in PEM or DER, parses it and sees that TLS can use it.
enum KeyLoader {
    /// - Throws: ``TLSError``; its text never repeats a part of the key or the passphrase.
    static func load(_ contents: Bytes, file: String, passphrase: String?) throws(TLSError) -> PrivateKey {
        let source =
            switch FileFormat(contents) {
            case .pem: try source(in: PEMBlock.all(in: contents, file: file), file: file)
            case .der(let entries): try source(inDER: entries, file: file)
            }
        let key = try parse(source, passphrase: passphrase)
        try key.checkSuitability(file: file, block: source.block)
        return key
    }

    /// A key that has been found and not yet parsed.
    private struct Source {
        enum Form {
            case pkcs8, encryptedPKCS8, rsa, ec, dsa
            /// In PEM alone: the text of the block, headers and all, and the form of what is encrypted.
            case encryptedByHeader(Bytes, type: Int32)
        }

        let form: Form
        let der: Bytes
        /// What errors call it: `the PRIVATE KEY block`.
        let name: String
        let file: String
        let block: Int?

        func error(_ code: TLSError.Code, _ message: String) -> TLSError {
            TLSError(code, message, file: file, block: block)
        }
    }

    // MARK: Finding

    private static func source(in blocks: [PEMBlock], file: String) throws(TLSError) -> Source {
        let keys = blocks.filter { $0.label == "PRIVATE KEY" || $0.label.hasSuffix(" PRIVATE KEY") }
        guard let block = keys.first else {
            let labels = Set(blocks.map(\.label)).sorted().joined(separator: ", ")
            throw TLSError(.wrongBlockType, "there is no PRIVATE KEY block in it, only \(labels)", file: file, block: 1)
        }
        if keys.count > 1 {
            throw TLSError(
                .wrongBlockType,
                "there is a second private key in it (the first is block \(block.number))",
                file: file,
                block: keys[1].number
            )
        }
        guard let form = form(of: block) else {
            throw TLSError(
                .wrongBlockType,
                "a \(block.label) block cannot be used: PKCS#8, RSA and EC keys can",
                file: file,
                block: block.number
            )
        }
        return Source(
            form: form,
            der: block.der,
            name: "the \(block.label) block",
            file: file,
            block: block.number
        )
    }

    private static func form(of block: PEMBlock) -> Source.Form? {
        let isEncrypted = block.isEncryptedByHeader
        return switch block.label {
        case "PRIVATE KEY": .pkcs8
        case "ENCRYPTED PRIVATE KEY": .encryptedPKCS8
        case "RSA PRIVATE KEY": isEncrypted ? .encryptedByHeader(block.source, type: EVP_PKEY_RSA) : .rsa
        case "EC PRIVATE KEY": isEncrypted ? .encryptedByHeader(block.source, type: EVP_PKEY_EC) : .ec
        case "DSA PRIVATE KEY": .dsa
        default: nil
        }
    }

    private static func source(inDER entries: [Bytes], file: String) throws(TLSError) -> Source {
        let forms = entries.map { (form: DERForm($0), der: $0) }
        let keys = forms.filter(\.form.isPrivateKey)
        guard let (found, der) = keys.first else {
            if forms.contains(where: { $0.form == .unknown }) {
                throw TLSError(.malformedKey, "it looks like DER but is not a private key", file: file)
            }
            let others = Set(forms.map(\.form.name)).sorted().joined(separator: ", ")
            throw TLSError(.wrongBlockType, "there is no private key in it, only \(others)", file: file)
        }
        guard keys.count == 1 else {
            throw TLSError(.wrongBlockType, "there are \(keys.count) private keys in it; one is wanted", file: file)
        }
        let form: Source.Form =
            switch found {
            case .encryptedPKCS8: .encryptedPKCS8
            case .rsaKey: .rsa
            case .ecKey: .ec
            case .dsaKey: .dsa
            default: .pkcs8
            }
        return Source(form: form, der: der, name: "it", file: file, block: nil)
    }

    // MARK: Parsing

    private static func parse(_ source: Source, passphrase: String?) throws(TLSError) -> PrivateKey {
        defer { ERR_clear_error() }
        switch source.form {
        case .pkcs8:
            if let key = unsafe key(source.der, { unsafe copenssl_key_pkcs8($0, $1) }) { return key }
            throw unreadable(source)
        case .rsa:
            let type = EVP_PKEY_RSA
            if let key = unsafe key(source.der, { unsafe copenssl_key_traditional(type, $0, $1) }) { return key }
            throw unreadable(source)
        case .ec:
            let type = EVP_PKEY_EC
            if let key = unsafe key(source.der, { unsafe copenssl_key_traditional(type, $0, $1) }) { return key }
            throw unreadable(source)
        case .dsa:
            throw source.error(.unsupportedKey, "a DSA key cannot sign in TLS: RSA, EC and Ed25519 keys can")
        case .encryptedPKCS8, .encryptedByHeader:
            guard let passphrase else {
                throw source.error(.encryptedKey, "\(source.name) is encrypted: a passphrase is needed")
            }
            return try decrypt(source, passphrase: passphrase)
        }
    }

    private static func decrypt(_ source: Source, passphrase: String) throws(TLSError) -> PrivateKey {
        var handle: OpaquePointer?
        let outcome = unsafe Decryption.withPassphrase(passphrase) { secret, length in
            if case .encryptedByHeader(let text, let type) = source.form {
                return unsafe text.withUnsafeBytes { buffer in
                    let start = unsafe buffer.baseAddress?.assumingMemoryBound(to: UInt8.self)
                    return unsafe copenssl_key_encrypted_pem(type, start, buffer.count, secret, length, &handle)
                }
            }
            return unsafe source.der.withUnsafeBytes { buffer in
                let start = unsafe buffer.baseAddress?.assumingMemoryBound(to: UInt8.self)
                let budget = Decryption.maximumRounds
                return unsafe copenssl_key_encrypted_pkcs8(start, buffer.count, secret, length, budget, &handle)
            }
        }
        if outcome == COPENSSL_OK, let handle = unsafe handle { return unsafe PrivateKey(owning: handle) }
        let known = Decryption.error(
            outcome,
            source.name,
            hasPassphrase: true,
            conversion: "openssl pkcs8 -provider default -provider legacy -in old -topk8 -v2 aes-256-cbc -out new",
            file: source.file,
            block: source.block
        )
        if let known { throw known }
        if outcome == COPENSSL_BAD_KEY {
            throw source.error(.unsupportedKey, "\(source.name) holds a key that OpenSSL cannot use")
        }
        throw source.error(.malformedKey, "\(source.name) is not an encrypted private key that can be read")
    }

    private static func key(
        _ der: Bytes,
        _ parse: (UnsafePointer<UInt8>?, Int) -> OpaquePointer?
    ) -> PrivateKey? {
        let handle: OpaquePointer? = unsafe der.withUnsafeBytes { buffer in
            unsafe parse(buffer.baseAddress?.assumingMemoryBound(to: UInt8.self), buffer.count)
        }
        return unsafe handle.map { unsafe PrivateKey(owning: $0) }
    }

    /// Why a key that is not encrypted does not parse.
    private static func unreadable(_ source: Source) -> TLSError {
        if case .pkcs8 = source.form {
            let algorithm: String? = unsafe source.der.withUnsafeBytes { buffer in
                let start = unsafe buffer.baseAddress?.assumingMemoryBound(to: UInt8.self)
                return unsafe copenssl_pkcs8_algorithm(start, buffer.count).map { unsafe String(cString: $0) }
            }
            if let reason = algorithm.flatMap({ PrivateKey.unsuitability(ofAlgorithm: $0) }) {
                return source.error(.unsupportedKey, reason)
            }
        }
        return source.error(.malformedKey, "\(source.name) is not a private key that can be read")
    }
}
