internal import COpenSSL
internal import NodeTransport

extension PrivateKey {
    /// Why TLS cannot use this key; `nil` when it can.
    ///
    /// The rules are those of our sessions (security level 2) and of TLS 1.3 (RFC 8446 section 4.2.3), so
    /// that a key which loads can also serve.
    var unsuitability: String? {
        var traits = copenssl_key_traits()
        unsafe copenssl_key_judge(handle, &traits)
        let bits = traits.bits
        switch traits.kind {
        case COPENSSL_KEY_RSA, COPENSSL_KEY_RSA_PSS:
            guard bits >= 2048 else { return "an RSA key of \(bits) bits is too short: 2048 are needed" }
            guard bits <= 16384 else { return "an RSA key of \(bits) bits is too long: peers verify up to 16384" }
            guard !traits.has_odd_digest else {
                return "an RSA-PSS key for another digest than SHA-256, SHA-384 or SHA-512 cannot sign in TLS"
            }
            return nil
        case COPENSSL_KEY_EC:
            let curve = unsafe withUnsafeBytes(of: traits.curve) { unsafe Self.text($0) }
            guard !traits.has_explicit_curve else { return "an EC key must name its curve, not spell it out" }
            guard ["prime256v1", "secp384r1", "secp521r1"].contains(curve) else {
                let name = curve.isEmpty ? "without a name" : curve
                return "the curve \(name) is not used in TLS: P-256, P-384 and P-521 are"
            }
            return nil
        case COPENSSL_KEY_EDWARDS: return nil
        default:
            let name = unsafe withUnsafeBytes(of: traits.name) { unsafe Self.text($0) }
            return Self.unsuitability(ofAlgorithm: name)
        }
    }

    /// The same for a key of which just the algorithm (OpenSSL's short name) is known.
    static func unsuitability(ofAlgorithm name: String) -> String? {
        switch name {
        case "rsaEncryption", "RSASSA-PSS", "id-ecPublicKey", "ED25519", "ED448": nil
        default: "a key of the kind \(name) cannot sign in TLS: RSA, RSA-PSS, EC, Ed25519 and Ed448 keys can"
        }
    }

    /// Throws when TLS cannot use this key, or when its two halves do not fit together.
    ///
    /// A key file holds the public half as well, and that is what is compared with the certificate; only a
    /// signature shows that the secret half is right, too.
    func checkSuitability(file: String, block: Int?) throws(TLSError) {
        if let reason = unsuitability { throw TLSError(.unsupportedKey, reason, file: file, block: block) }
        switch unsafe copenssl_key_try(handle) {
        case COPENSSL_OK: return
        case COPENSSL_UNKNOWN_CIPHER:
            let message = "the RSA-PSS key is bound to a mask function or salt that TLS does not use"
            throw TLSError(.unsupportedKey, message, file: file, block: block)
        case COPENSSL_NO_MEMORY: throw OpenSSLError.failure("trying a private key")
        default:
            let message = "the private key is damaged: what it signs does not verify with its own public half"
            throw TLSError(.malformedKey, message, file: file, block: block)
        }
    }

    private static func text(_ buffer: UnsafeRawBufferPointer) -> String {
        unsafe String(decoding: buffer.prefix { $0 != 0 }, as: UTF8.self)
    }
}
