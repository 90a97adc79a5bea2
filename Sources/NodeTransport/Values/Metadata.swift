/// The key-value pairs that travel with a call beside its messages: an ordered multimap.
///
/// Keys are lower-case ASCII letters, digits, `-`, `_` and `.`. A key that ends in `-bin` carries
/// bytes, any other key printable ASCII text (gRPC over HTTP/2, "Custom-Metadata"). Keys that begin
/// with `grpc-` or `:` belong to the protocol and cannot be set, but for two of gRFC A6: `grpc-retry-pushback-ms`, by
/// which a server's trailers say when to come back, and `grpc-previous-rpc-attempts`, by which a client says how often
/// it has tried before.
public struct Metadata: Sendable, Hashable {
    /// What a key carries.
    public enum Value: Sendable, Hashable {
        case text(String)
        case binary(Bytes)
    }

    /// One pair.
    public struct Entry: Sendable, Hashable {
        public let key: String
        public let value: Value

        /// For pairs that are known to be well-formed.
        package init(key: String, value: Value) {
            self.key = key
            self.value = value
        }
    }

    private var entries: [Entry] = []

    public init() {}

    package init(entries: [Entry]) { self.entries = entries }

    /// Appends a text value.
    ///
    /// - Throws: ``TransportError`` with ``StatusCode/invalidArgument`` that names the key, when the key or
    ///   the value has a character that cannot travel, or when the key ends in `-bin`.
    public mutating func add(_ key: String, _ value: String) throws {
        let key = try Self.checked(key)
        guard !key.hasSuffix("-bin") else {
            throw TransportError(.invalidArgument, "metadata key \"\(key)\" ends in -bin and takes bytes, not text")
        }
        guard value.utf8.allSatisfy({ (0x20...0x7e).contains($0) }) else {
            throw TransportError(.invalidArgument, "metadata value of \"\(key)\" is not printable ASCII")
        }
        entries.append(Entry(key: key, value: .text(value)))
    }

    /// Appends a binary value; `key` must end in `-bin`.
    ///
    /// - Throws: ``TransportError`` with ``StatusCode/invalidArgument`` that names the key.
    public mutating func add(_ key: String, _ value: Bytes) throws {
        let key = try Self.checked(key)
        guard key.hasSuffix("-bin") else {
            throw TransportError(.invalidArgument, "metadata key \"\(key)\" must end in -bin to take bytes")
        }
        entries.append(Entry(key: key, value: .binary(value)))
    }

    /// Appends all pairs of `other`.
    public mutating func add(contentsOf other: Metadata) { entries.append(contentsOf: other.entries) }

    /// Removes every pair with `key` (lower case).
    public mutating func remove(_ key: String) { entries.removeAll { $0.key == key } }

    /// The first text value of `key` (lower case).
    public subscript(text key: String) -> String? {
        for entry in entries where entry.key == key {
            if case .text(let text) = entry.value { return text }
        }
        return nil
    }

    /// The first binary value of `key` (lower case).
    public subscript(binary key: String) -> Bytes? {
        for entry in entries where entry.key == key {
            if case .binary(let bytes) = entry.value { return bytes }
        }
        return nil
    }

    /// Every value of `key` (lower case), in order.
    public func values(_ key: String) -> [Value] { entries.filter { $0.key == key }.map(\.value) }

    private static func checked(_ key: String) throws -> String {
        let key = key.lowercased()
        let isToken = key.utf8.allSatisfy { byte in
            (0x61...0x7a).contains(byte) || (0x30...0x39).contains(byte) || byte == 0x2d || byte == 0x5f || byte == 0x2e
        }
        guard !key.isEmpty, isToken else {
            throw TransportError(
                .invalidArgument, "metadata key \"\(key)\" must consist of letters, digits, '-', '_' and '.'")
        }
        guard !isReserved(key) else {
            throw TransportError(.invalidArgument, "metadata key \"\(key)\" is reserved for the protocol")
        }
        return key
    }

    /// Whether `key` belongs to the protocol and never shows up in metadata.
    package static func isReserved(_ key: String) -> Bool {
        if key == "grpc-retry-pushback-ms" || key == "grpc-previous-rpc-attempts" { return false }
        return key.hasPrefix(":") || key.hasPrefix("grpc-") || key == "te" || key == "content-type"
            || key == "content-length" || key == "connection" || key == "host" || key == "transfer-encoding"
    }
}

extension Metadata: RandomAccessCollection {
    public var startIndex: Int { 0 }
    public var endIndex: Int { entries.count }
    public subscript(position: Int) -> Entry { entries[position] }
}
