internal import COpenSSL
internal import NodeTransport

/// Finds the one private key in a PEM text and parses it.
enum KeyLoader {
    /// - Throws: ``TLSError``; its text never repeats a part of the key or the passphrase.
    static func load(_ text: Bytes, file: String, passphrase: String?) throws(TLSError) -> PrivateKey {
        let blocks = try PEMBlock.all(in: text, file: file)
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
        return try parse(block, file: file, passphrase: passphrase)
    }

    private static func parse(_ block: PEMBlock, file: String, passphrase: String?) throws(TLSError) -> PrivateKey {
        defer { ERR_clear_error() }
        let isEncrypted = block.label == "ENCRYPTED PRIVATE KEY" || block.isEncryptedByHeader
        guard !isEncrypted else {
            guard let passphrase else {
                throw TLSError(
                    .encryptedKey,
                    "the \(block.label) block is encrypted: a passphrase is needed",
                    file: file,
                    block: block.number
                )
            }
            guard let key = decrypt(block, passphrase: passphrase) else {
                throw TLSError(
                    .wrongPassphrase,
                    "the \(block.label) block does not decrypt: the passphrase is wrong or the "
                        + "cipher is not supported",
                    file: file,
                    block: block.number
                )
            }
            return key
        }
        let handle: OpaquePointer? = unsafe block.der.withUnsafeBytes { buffer in
            let start = unsafe buffer.baseAddress?.assumingMemoryBound(to: UInt8.self)
            return switch block.label {
            case "PRIVATE KEY": unsafe copenssl_key_pkcs8(start, buffer.count)
            case "RSA PRIVATE KEY": unsafe copenssl_key_traditional(EVP_PKEY_RSA, start, buffer.count)
            case "EC PRIVATE KEY": unsafe copenssl_key_traditional(EVP_PKEY_EC, start, buffer.count)
            default: nil
            }
        }
        guard let handle = unsafe handle else {
            let isKnown = ["PRIVATE KEY", "RSA PRIVATE KEY", "EC PRIVATE KEY"].contains(block.label)
            throw TLSError(
                isKnown ? .malformedKey : .wrongBlockType,
                isKnown
                    ? "the \(block.label) block is not a private key that can be read"
                    : "a \(block.label) block cannot be used: PKCS#8, RSA and EC keys can",
                file: file,
                block: block.number
            )
        }
        return unsafe PrivateKey(owning: handle)
    }

    private static func decrypt(_ block: PEMBlock, passphrase: String) -> PrivateKey? {
        var secret = passphrase
        let handle: OpaquePointer? = secret.withUTF8 { secret in
            unsafe secret.withMemoryRebound(to: CChar.self) { secret in
                let source = block.isEncryptedByHeader ? block.source : block.der
                return unsafe source.withUnsafeBytes { buffer in
                    let start = unsafe buffer.baseAddress?.assumingMemoryBound(to: UInt8.self)
                    return block.isEncryptedByHeader
                        ? unsafe copenssl_key_encrypted_pem(start, buffer.count, secret.baseAddress, secret.count)
                        : unsafe copenssl_key_encrypted_pkcs8(start, buffer.count, secret.baseAddress, secret.count)
                }
            }
        }
        return unsafe handle.map { unsafe PrivateKey(owning: $0) }
    }
}
