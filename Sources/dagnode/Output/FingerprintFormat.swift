internal import ArgumentParser
internal import Foundation
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
        let data = Data(fingerprint.bytes)
        return switch self {
        case .base64: "sha256/\(data.base64EncodedString())"
        case .hex: data.hexadecimal
        case .colons: data.map { ($0 < 16 ? "0" : "") + String($0, radix: 16, uppercase: true) }.joined(separator: ":")
        }
    }
}
