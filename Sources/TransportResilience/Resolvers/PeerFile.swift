internal import Glibc
internal import NodeTransport

/// The text form of a list of peers.
enum PeerFile {
    static let maximumBytes = 1 << 20

    /// Reads `text`; `file` is for errors.
    static func parse(_ text: String, _ file: String) throws(TransportError) -> [ResolvedPeer] {
        var peers: [ResolvedPeer] = []
        // A line may end as on Windows: there CR and LF are one character.
        for (index, line) in text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline).enumerated() {
            do {
                if let peer = try parseLine(line) { peers.append(peer) }
            } catch {
                let reason = (error as? TransportError)?.message ?? "\(error)"
                throw TransportError(.invalidArgument, "\(file):\(index + 1): \(reason)")
            }
        }
        return peers
    }

    private static func parseLine(_ line: Substring) throws -> ResolvedPeer? {
        let words = line.prefix { $0 != "#" }.split { $0 == " " || $0 == "\t" }
        guard let first = words.first else { return nil }
        let endpoint = try Endpoint(parsing: String(first))
        var values: [Substring: Int] = [:]
        for word in words.dropFirst() {
            let parts = word.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard parts.count == 2, parts[0] == "weight" || parts[0] == "priority" else {
                throw TransportError(.invalidArgument, "\"\(word)\" is neither weight=… nor priority=…")
            }
            let least = parts[0] == "weight" ? 1 : 0
            guard let value = Int(parts[1]), (least...65_535).contains(value) else {
                throw TransportError(.invalidArgument, "\"\(word)\" is not within \(least)...65535")
            }
            guard values.updateValue(value, forKey: parts[0]) == nil else {
                throw TransportError(.invalidArgument, "\(parts[0]) is given twice")
            }
        }
        return ResolvedPeer(endpoint, weight: values["weight"] ?? 1, priority: values["priority"] ?? 0)
    }

    /// The text in a file.
    static func read(_ path: String) throws(TransportError) -> String {
        // Not blocking, for what is there may be a pipe.
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { throw failure("cannot be opened", path, errno) }
        defer { close(descriptor) }
        var status = stat()
        guard unsafe fstat(descriptor, &status) == 0 else { throw failure("cannot be examined", path, errno) }
        guard status.st_mode & S_IFMT == S_IFREG else { throw failure("is not a file", path, 0) }
        var contents: [UInt8] = []
        var block = [UInt8](repeating: 0, count: 16 << 10)
        while true {
            let count = unsafe block.withUnsafeMutableBytes { unsafe Glibc.read(descriptor, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw failure("cannot be read", path, errno) }
            if count == 0 { break }
            contents += block.prefix(count)
            guard contents.count <= maximumBytes else { throw failure("is larger than 1 MiB", path, 0) }
        }
        guard let text = String(validating: contents, as: UTF8.self) else { throw failure("is not UTF-8", path, 0) }
        return text
    }

    private static func failure(_ reason: String, _ path: String, _ code: Int32) -> TransportError {
        let why = code == 0 ? "" : unsafe ": \(String(cString: strerror(code)))"
        return TransportError(
            .unavailable, "the list of peers \(path) \(reason)\(why)", origin: .library, processing: .notProcessed)
    }
}
