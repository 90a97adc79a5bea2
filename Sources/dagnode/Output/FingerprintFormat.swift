internal import ArgumentParser
internal import NodeTransport

/// How a fingerprint is written.
enum FingerprintFormat: String, CaseIterable, ExpressibleByArgument {
    /// `sha256/` and base64, as pins in HTTP clients are.
    case base64
    /// 64 lower-case hexadecimal digits.
    case hex
    /// Upper-case hexadecimal digits with colons, as openssl prints them.
    case colons

    func text(_ fingerprint: Fingerprint) -> String {
        switch self {
        case .base64: fingerprint.base64
        case .hex: fingerprint.hexadecimal
        case .colons: fingerprint.uppercase
        }
    }
}
