internal import CNGHTTP3

/// What the encoder may do with a field (RFC 9204 §7.1.3).
package enum FieldIndexing: Sendable {
    /// Put it into the dynamic table, if nghttp3 thinks that worth it.
    case indexed
    /// Send it as a literal that no intermediary may put into a table: for secrets.
    case neverIndexed
}

/// A field that is sent often: its bytes lie ready for the encoder.
///
/// It is immutable, but belongs to its connection's loop as the engine does.
@safe
package final class PreparedField {
    package let name: String
    package let value: String
    package let indexing: FieldIndexing

    /// Owned; the name, then the value.
    private let storage: UnsafeMutablePointer<UInt8>
    let nameBytes: Int
    let valueBytes: Int

    /// Whether this is `:method: HEAD`, to whose answer no content belongs.
    let isHead: Bool

    /// - Parameters:
    ///   - name: lower-case, as RFC 9114 §4.2 asks for.
    ///   - value: without leading or trailing blanks and control characters.
    package init(name: String, value: String, indexing: FieldIndexing = .indexed) {
        self.name = name
        self.value = value
        self.indexing = indexing
        isHead = name == ":method" && value == "HEAD"
        let bytes = Array(name.utf8) + Array(value.utf8)
        let nameBytes = name.utf8.count
        self.nameBytes = nameBytes
        valueBytes = bytes.count - nameBytes
        unsafe storage = .allocate(capacity: max(bytes.count, 1))
        unsafe storage.initialize(from: bytes, count: bytes.count)
        unsafe entry = nghttp3_nv(
            name: storage, value: storage + nameBytes, namelen: nameBytes, valuelen: bytes.count - nameBytes,
            flags: UInt8(indexing == .neverIndexed ? NGHTTP3_NV_FLAG_NEVER_INDEX : NGHTTP3_NV_FLAG_NONE))
    }

    /// What nghttp3 takes; the pointers are valid while this field is alive.
    let entry: nghttp3_nv

    deinit { unsafe storage.deallocate() }
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
