internal import COpenSSL
internal import NodeTransport

/// What is common to all that is read with a passphrase.
enum Decryption {
    /// How many rounds of key derivation one file may ask for: some ten seconds of work.
    ///
    /// The count stands in the file; without a limit a file of 200 bytes could occupy a process for days.
    static let maximumRounds: UInt64 = 10_000_000

    /// Lends the bytes of `passphrase`; `nil` and 0 when there is none.
    static func withPassphrase<Result>(
        _ passphrase: String?,
        _ body: (UnsafePointer<CChar>?, Int) -> Result
    ) -> Result {
        guard var text = passphrase else { return body(nil, 0) }
        return text.withUTF8 { buffer in
            unsafe buffer.withMemoryRebound(to: CChar.self) { unsafe body($0.baseAddress, $0.count) }
        }
    }

    /// The error for an outcome that any encrypted thing can have; `nil` for those with a meaning of their own.
    ///
    /// - Parameters:
    ///   - what: The thing with its verb to follow: `the PRIVATE KEY block`.
    ///   - conversion: A command that turns a file with an old cipher into one without.
    static func error(
        _ outcome: copenssl_outcome,
        _ what: String,
        hasPassphrase: Bool,
        conversion: String,
        file: String,
        block: Int?
    ) -> TLSError? {
        switch outcome {
        case COPENSSL_WRONG_PASSPHRASE where !hasPassphrase:
            return TLSError(.encryptedKey, "\(what) is encrypted: a passphrase is needed", file: file, block: block)
        case COPENSSL_WRONG_PASSPHRASE:
            let message = "\(what) does not decrypt: the passphrase is wrong, or the bytes were altered"
            return TLSError(.wrongPassphrase, message, file: file, block: block)
        case COPENSSL_TOO_MUCH_WORK:
            let message = "\(what) asks for more work than is allowed (\(maximumRounds) rounds of key derivation)"
            return TLSError(.excessiveWork, message, file: file, block: block)
        case COPENSSL_NO_LEGACY_PROVIDER:
            return missingProvider(what, conversion: conversion, file: file, block: block)
        case COPENSSL_UNKNOWN_CIPHER:
            let message = "\(what) uses a cipher, digest or derivation that the linked OpenSSL does not have"
            return TLSError(.unsupportedCipher, message, file: file, block: block)
        case COPENSSL_NO_MEMORY:
            return TLSError(.internalFailure, "\(what) cannot be read: OpenSSL has no memory", file: file, block: block)
        default:
            return nil
        }
    }

    /// The error for a cipher of old where the provider `legacy` is not installed.
    static func missingProvider(_ what: String, conversion: String, file: String, block: Int?) -> TLSError {
        let message =
            "\(what) uses a legacy cipher, for which OpenSSL's provider 'legacy' is needed and missing; "
            + "where it is installed, convert with: \(conversion)"
        return TLSError(.unsupportedCipher, message, file: file, block: block)
    }
}
