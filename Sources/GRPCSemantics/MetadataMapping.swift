package import NodeTransport

/// How metadata stands in header fields (gRPC over HTTP/2, "Custom-Metadata").
package enum MetadataMapping {
    /// The header field's value for `entry`. Blanks at its ends cannot travel (RFC 9113 §8.2.1) and are left out, as the
    /// specification allows.
    package static func fieldValue(_ entry: Metadata.Entry) -> String {
        switch entry.value {
        case .text(let text): trimmed(text)
        case .binary(let bytes): Base64.encode(bytes)
        }
    }

    private static func trimmed(_ text: String) -> String {
        guard text.utf8.first == UInt8(ascii: " ") || text.utf8.last == UInt8(ascii: " ") else { return text }
        let start = text.firstIndex { $0 != " " } ?? text.endIndex
        let end = text.lastIndex { $0 != " " }.map(text.index(after:)) ?? start
        return String(text[start..<end])
    }

    /// The entries in one header field; none when the field belongs to the protocol.
    ///
    /// A `-bin` field may hold several values behind commas; one that is not base64 is dropped, as the
    /// specification allows.
    package static func append(name: String, value: String, to entries: inout [Metadata.Entry]) {
        guard !Metadata.isReserved(name) else { return }
        guard name.hasSuffix("-bin") else {
            entries.append(Metadata.Entry(key: name, value: .text(value)))
            return
        }
        for part in value.split(separator: ",", omittingEmptySubsequences: false) {
            if let bytes = Base64.decode(part.filter { $0 != " " }) {
                entries.append(Metadata.Entry(key: name, value: .binary(bytes)))
            }
        }
    }
}
