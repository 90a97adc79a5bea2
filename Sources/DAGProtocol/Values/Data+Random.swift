internal import FoundationEssentials

extension Data {
    /// `count` bytes of the system's cryptographic random source.
    static func random(count: Int) -> Data {
        var source = SystemRandomNumberGenerator()
        return Data((0..<count).map { _ in UInt8.random(in: .min ... .max, using: &source) })
    }
}
