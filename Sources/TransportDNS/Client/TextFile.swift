internal import Glibc

/// Small files of the system.
enum TextFile {
    /// More than any hosts file that people write.
    private static let limitBytes = 1 << 20

    /// The text of the file, at most its first MiB; empty when it cannot be read. Blocks.
    static func read(_ path: String) -> String {
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return "" }
        defer { close(descriptor) }
        var text: [UInt8] = []
        var block = [UInt8](repeating: 0, count: 16_384)
        while text.count < limitBytes {
            let count = unsafe block.withUnsafeMutableBytes { unsafe Glibc.read(descriptor, $0.baseAddress, $0.count) }
            guard count > 0 else { break }
            text += block.prefix(count)
        }
        return String(decoding: text, as: UTF8.self)
    }
}
