/// What tracing systems pass on to themselves through everybody: the list of the field `tracestate` (W3C Trace Context,
/// section 3.3). Whoever takes part passes it on as it is.
public struct TraceState: Sendable, Hashable {
    /// How many entries a list has at most.
    public static let maximumEntries = 32

    /// The list as the field carries it; empty for none.
    public let text: String

    /// No entry.
    public init() { text = "" }

    /// The entries of one or several fields, in their order; `nil` when one is malformed, when a key is there twice or
    /// when there are more than ``maximumEntries``.
    public init?(parsing fields: [String]) {
        var (entries, keys): ([Substring.UTF8View], Set<String>) = ([], [])
        for field in fields {
            for member in field.utf8.split(separator: UInt8(ascii: ","), omittingEmptySubsequences: false) {
                let entry = Self.trimmed(member)
                // An empty entry is allowed, and says nothing.
                if entry.isEmpty { continue }
                guard entries.count < Self.maximumEntries, let equals = entry.firstIndex(of: UInt8(ascii: "=")) else {
                    return nil
                }
                let (key, value) = (entry[..<equals], entry[entry.index(after: equals)...])
                guard Self.isKey(key), Self.isValue(value), keys.insert(String(Substring(key))).inserted else {
                    return nil
                }
                entries.append(entry)
            }
        }
        text = entries.map { String(Substring($0)) }.joined(separator: ",")
    }

    private static func trimmed(_ text: Substring.UTF8View) -> Substring.UTF8View {
        var rest = text
        while let first = rest.first, first == 0x20 || first == 0x09 { rest.removeFirst() }
        while let last = rest.last, last == 0x20 || last == 0x09 { rest.removeLast() }
        return rest
    }

    /// `name`, or `tenant@system` with at most 241 and 14 characters.
    private static func isKey(_ key: Substring.UTF8View) -> Bool {
        let parts = key.split(separator: UInt8(ascii: "@"), omittingEmptySubsequences: false)
        switch parts.count {
        case 1: return isWord(parts[0], length: 256, mayBeginWithDigit: false)
        case 2:
            return isWord(parts[0], length: 241, mayBeginWithDigit: true)
                && isWord(parts[1], length: 14, mayBeginWithDigit: false)
        default: return false
        }
    }

    private static func isWord(_ word: Substring.UTF8View, length: Int, mayBeginWithDigit: Bool) -> Bool {
        guard let first = word.first, word.count <= length else { return false }
        guard isLetter(first) || (mayBeginWithDigit && isDigit(first)) else { return false }
        return word.allSatisfy { isLetter($0) || isDigit($0) || "_-*/".utf8.contains($0) }
    }

    private static func isLetter(_ byte: UInt8) -> Bool { (0x61...0x7a).contains(byte) }
    private static func isDigit(_ byte: UInt8) -> Bool { (0x30...0x39).contains(byte) }

    /// 1 to 256 printable characters but `,` and `=`; a blank is not the last, for it was trimmed.
    private static func isValue(_ value: Substring.UTF8View) -> Bool {
        (1...256).contains(value.count)
            && value.allSatisfy { (0x20...0x7e).contains($0) && $0 != 0x2c && $0 != 0x3d }
    }
}
