internal import COpenSSL

/// What the TLS library that this program is linked with brings along.
public enum TLSLibrary {
    /// For instance `OpenSSL 3.0.19 27 Jan 2026`.
    public static var version: String {
        unsafe OpenSSL_version(OPENSSL_VERSION).map { unsafe String(cString: $0) } ?? "OpenSSL"
    }

    /// Whether key exchange is safe from the quantum computers to come: with X25519MLKEM768, a hybrid of X25519 and ML-KEM,
    /// which OpenSSL has from 3.5 on.
    ///
    /// Where it is there, it is used with every peer that has it too.
    public static var hasPostQuantumKeyExchange: Bool { unsafe copenssl_has_group("X25519MLKEM768") }
}
