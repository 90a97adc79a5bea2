/// What the encoder may do with a field (RFC 7541 §6.2).
package enum FieldIndexing: Sendable {
    /// Put it into the dynamic table: for fields that will be sent again.
    case indexed
    /// Send it as a literal.
    case notIndexed
    /// Send it as a literal that no intermediary may put into a table: for secrets.
    case neverIndexed
}

/// A field that is sent often: encoded once, and one byte from the second time on.
///
/// It belongs to one engine and is confined to that engine's loop.
package final class PreparedField {
    package let name: String
    package let value: String
    package let indexing: FieldIndexing

    /// The index of the entry of the static table with this name and value, or 0.
    let staticIndex: Int

    /// The index of an entry of the static table with this name, or 0.
    let nameIndex: Int

    /// The string literals behind the index: the name, when `nameIndex` is 0, and the value.
    let literals: [UInt8]

    /// The number of the insertion into the encoder's table; it is checked before it is used.
    var insertion = -1

    let tableBytes: Int

    /// Whether this is `:method: HEAD`, to whose answer no content belongs.
    let isHead: Bool

    /// - Parameters:
    ///   - name: lower-case, as RFC 9113 §8.2 asks for.
    ///   - value: without leading or trailing blanks, NUL, CR and LF.
    package init(name: String, value: String, indexing: FieldIndexing = .indexed) {
        self.name = name
        self.value = value
        self.indexing = indexing
        isHead = name == ":method" && value == "HEAD"
        tableBytes = name.utf8.count + value.utf8.count + 32
        staticIndex = indexing == .neverIndexed ? 0 : StaticTable.index(name: name, value: value)
        var mutableName = name
        nameIndex = mutableName.withUTF8 { unsafe KnownNames.shared.match(RawSpan(_unsafeElements: $0)).staticIndex }
        var literals: [UInt8] = []
        if nameIndex == 0 { HPACKString.append(name, to: &literals) }
        HPACKString.append(value, to: &literals)
        self.literals = literals
    }
}

extension PreparedField: TableEntry {}

/// A field that is sent once: a literal, never put into a table.
package struct HeaderPair: Sendable {
    package var name: String
    package var value: String
    /// Forbids intermediaries to put it into a table.
    package var isSensitive: Bool

    /// - Parameters as of ``PreparedField/init(name:value:indexing:)``.
    package init(name: String, value: String, isSensitive: Bool = false) {
        self.name = name
        self.value = value
        self.isSensitive = isSensitive
    }
}
