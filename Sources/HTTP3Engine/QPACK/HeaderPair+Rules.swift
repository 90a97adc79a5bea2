// What this side may send (RFC 9114 §4.2).

extension HeaderPair {
    /// Whether a message may have it as a regular field: its name and value have no forbidden byte, and it is neither a
    /// pseudo-header field nor one of the connection.
    package var isAllowed: Bool {
        guard name.utf8.first != UInt8(ascii: ":"), unsafe FieldSyntax.isName(Array(name.utf8).span.bytes),
            hasAllowedValue
        else { return false }
        switch name {
        case "connection", "keep-alive", "proxy-connection", "transfer-encoding", "upgrade": return false
        case "te": return value == "trailers"
        default: return true
        }
    }

    /// Whether its value has no byte that RFC 9110 §5.5 forbids.
    package var hasAllowedValue: Bool { unsafe FieldSyntax.isValue(Array(value.utf8).span.bytes) }
}
