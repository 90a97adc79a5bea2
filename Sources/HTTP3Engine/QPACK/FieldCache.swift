internal import CNGHTTP3

/// The fields received lately, so that one that comes again costs neither strings nor checks.
///
/// Two-way associative. Sensitive and long values are never kept.
@safe
struct FieldCache: ~Copyable {
    @unsafe
    private struct Entry {
        /// References to nghttp3's buffers, dropped when the entry is replaced or the cache goes.
        var name: OpaquePointer?
        var value: OpaquePointer?
        var nameBytes: UnsafePointer<UInt8>?
        var valueBytes: UnsafePointer<UInt8>?
        var hash: UInt64 = 0
        var field: HeaderField?
    }

    private static let sets = 32
    private static let longestValueBytes = 128
    // Owned; allocated with the first field.
    private var entries: UnsafeMutablePointer<Entry>?

    deinit {
        guard let entries = unsafe entries else { return }
        for index in 0..<Self.sets * 2 { unsafe Self.drop(entries[index]) }
        unsafe entries.deinitialize(count: Self.sets * 2)
        unsafe entries.deallocate()
    }

    private static func drop(_ entry: Entry) {
        if let name = unsafe entry.name { unsafe nghttp3_rcbuf_decref(name) }
        if let value = unsafe entry.value { unsafe nghttp3_rcbuf_decref(value) }
    }

    /// The field of what nghttp3 decoded, whose references this takes over.
    mutating func take(_ decoded: cnghttp3_field) -> HeaderField {
        let value = unsafe RawSpan(_unsafeStart: decoded.value_bytes, byteCount: decoded.value_count)
        guard unsafe !decoded.is_sensitive, unsafe decoded.value_count <= Self.longestValueBytes else {
            defer { unsafe nghttp3_rcbuf_decref(decoded.name) }
            defer { unsafe nghttp3_rcbuf_decref(decoded.value) }
            return unsafe Self.make(decoded)
        }
        let entries = unsafe storage()
        let hash = unsafe ByteHash.hash(
            value,
            seed: UInt64(truncatingIfNeeded: decoded.token) &* 31 &+ UInt64(truncatingIfNeeded: decoded.name_count))
        let place = Int(hash >> 59) * 2
        for index in place...place + 1 {
            if unsafe entries[index].hash == hash, let field = unsafe entries[index].field,
                unsafe Self.matches(entries[index], decoded, field)
            {
                unsafe nghttp3_rcbuf_decref(decoded.name)
                unsafe nghttp3_rcbuf_decref(decoded.value)
                return field
            }
        }
        let field = unsafe Self.make(decoded)
        // The newer goes first, the older makes room.
        unsafe Self.drop(entries[place + 1])
        unsafe entries[place + 1] = entries[place]
        unsafe entries[place] = Entry(
            name: decoded.name, value: decoded.value, nameBytes: decoded.name_bytes, valueBytes: decoded.value_bytes,
            hash: hash, field: field)
        return field
    }

    private mutating func storage() -> UnsafeMutablePointer<Entry> {
        if let entries = unsafe entries { return unsafe entries }
        let made = UnsafeMutablePointer<Entry>.allocate(capacity: Self.sets * 2)
        unsafe made.initialize(repeating: Entry(), count: Self.sets * 2)
        unsafe entries = made
        return unsafe made
    }

    private static func matches(_ entry: Entry, _ decoded: cnghttp3_field, _ field: HeaderField) -> Bool {
        guard unsafe field.sectionBytes == decoded.name_count + decoded.value_count + 32 else { return false }
        let isSameValue = unsafe entry.value == decoded.value
        if unsafe !isSameValue && !cnghttp3_equal(entry.valueBytes, decoded.value_bytes, decoded.value_count) {
            return false
        }
        let isSameName = unsafe entry.name == decoded.name
        return unsafe isSameName || cnghttp3_equal(entry.nameBytes, decoded.name_bytes, decoded.name_count)
    }

    private static func make(_ decoded: cnghttp3_field) -> HeaderField {
        let nameSpan = unsafe RawSpan(_unsafeStart: decoded.name_bytes, byteCount: decoded.name_count)
        let valueSpan = unsafe RawSpan(_unsafeStart: decoded.value_bytes, byteCount: decoded.value_count)
        let name = unsafe String(
            decoding: UnsafeBufferPointer(start: decoded.name_bytes, count: decoded.name_count), as: UTF8.self)
        let value = unsafe String(
            decoding: UnsafeBufferPointer(start: decoded.value_bytes, count: decoded.value_count), as: UTF8.self)
        return unsafe HeaderField(
            name: name, value: value, known: KnownHeader(token: decoded.token, name: name),
            isSensitive: decoded.is_sensitive,
            isWellFormed: FieldSyntax.isName(nameSpan) && FieldSyntax.isValue(valueSpan),
            sectionBytes: decoded.name_count + decoded.value_count + 32)
    }
}
