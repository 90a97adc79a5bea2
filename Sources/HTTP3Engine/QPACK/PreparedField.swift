internal import NodeTransport

/// What the encoder may do with a field (RFC 9204 §7.1.3).
package enum FieldIndexing: Sendable {
    /// Put it into the dynamic table, if there is room.
    case indexed
    /// Send it as a literal that no intermediary may put into a table: for secrets.
    case neverIndexed
}

/// A field that is sent often: what is sent of it lies ready.
///
/// It is immutable, but belongs to its connection's loop as the engine does.
@safe
package final class PreparedField {
    package let name: String
    package let value: String
    package let indexing: FieldIndexing

    /// Whether this is `:method: HEAD`, to whose answer no content belongs.
    let isHead: Bool
    let isConnect: Bool

    /// Its bytes, in ``storage``.
    let text: FieldText
    /// Owned; the name and the value, and behind them the field line without the dynamic table.
    private let storage: UnsafeMutablePointer<UInt8>
    let lineBytes: Int
    /// Whether a place in the dynamic table would make it shorter.
    let isWorthIndexing: Bool

    /// - Parameters:
    ///   - name: lower-case, as RFC 9114 §4.2 asks for.
    ///   - value: without leading or trailing blanks and control characters.
    package init(name: String, value: String, indexing: FieldIndexing = .indexed) {
        self.name = name
        self.value = value
        self.indexing = indexing
        isHead = name == ":method" && value == "HEAD"
        isConnect = name == ":method" && value == "CONNECT"
        let byteCount = name.utf8.count + value.utf8.count
        unsafe storage = .allocate(capacity: byteCount * 2 + FieldLine.overheadBytes)
        unsafe text = FieldText(name, value, writtenTo: storage)
        let match = StaticTable.match(name: name, value: value)
        let isSensitive = indexing == .neverIndexed
        unsafe lineBytes = FieldLine.write(text, match, isSensitive: isSensitive, to: storage + byteCount)
        isWorthIndexing = !isSensitive && match?.isExact != true
    }

    deinit { unsafe storage.deallocate() }

    var line: UnsafePointer<UInt8> { unsafe UnsafePointer(storage + text.byteCount) }
}

/// The bytes of a field's name and value, one behind the other in somebody else's memory, and what they are found by.
@unsafe
struct FieldText {
    let start: UnsafePointer<UInt8>
    let nameBytes: Int
    let valueBytes: Int
    let hash: UInt64

    /// Writes both to `target`, which has the room.
    init(_ name: String, _ value: String, writtenTo target: UnsafeMutablePointer<UInt8>) {
        let nameBytes = unsafe Self.copy(name, to: target)
        let valueBytes = unsafe Self.copy(value, to: target + nameBytes)
        let bytes = unsafe RawSpan(_unsafeStart: target, byteCount: nameBytes + valueBytes)
        unsafe start = unsafe UnsafePointer(target)
        unsafe self.nameBytes = nameBytes
        unsafe self.valueBytes = valueBytes
        unsafe hash = ByteHash.hash(bytes, seed: UInt64(nameBytes))
    }

    private static func copy(_ text: String, to target: UnsafeMutablePointer<UInt8>) -> Int {
        var text = text
        return text.withUTF8 { source in
            if let start = source.baseAddress { unsafe target.update(from: start, count: source.count) }
            return source.count
        }
    }

    var name: UnsafeBufferPointer<UInt8> { unsafe UnsafeBufferPointer(start: start, count: nameBytes) }
    var value: UnsafeBufferPointer<UInt8> { unsafe UnsafeBufferPointer(start: start + nameBytes, count: valueBytes) }
    var byteCount: Int { unsafe nameBytes + valueBytes }
    /// RFC 9204 §3.2.1.
    var entryBytes: Int { unsafe byteCount + 32 }
}

/// A field that is sent once.
package struct HeaderPair: Sendable {
    package var name: String
    package var value: String
    /// Forbids intermediaries, and this side's encoder, to put it into a table.
    package var isSensitive: Bool

    /// - Parameters as of ``PreparedField/init(name:value:indexing:)``.
    package init(name: String, value: String, isSensitive: Bool = false) {
        self.name = name
        self.value = value
        self.isSensitive = isSensitive
    }
}
