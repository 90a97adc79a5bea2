/// What a SETTINGS frame says (RFC 9114 §7.2.4, RFC 9204 §5, RFC 9297 §2.1.1).
struct Settings: Sendable, Hashable {
    var dynamicTableBytes: UInt64 = 0
    var blockedStreams: UInt64 = 0
    var maxFieldSectionBytes: UInt64 = VariableInteger.max
    var allowsDatagrams = false

    private enum Identifier {
        static let dynamicTableBytes: UInt64 = 0x1
        static let maxFieldSectionBytes: UInt64 = 0x6
        static let blockedStreams: UInt64 = 0x7
        static let connectProtocol: UInt64 = 0x8
        static let datagrams: UInt64 = 0x33
    }

    /// Reads a frame's payload.
    static func decode(_ payload: RawSpan) throws(HTTP3Error) -> Settings {
        var settings = Settings()
        // The payload is bounded, and so is this.
        var seen: Set<UInt64> = []
        var offset = 0
        while offset < payload.byteCount {
            guard let (identifier, identifierLength) = VariableInteger.read(payload, at: offset),
                let (value, valueLength) = VariableInteger.read(payload, at: offset + identifierLength)
            else { throw HTTP3Error(.frameError, "the SETTINGS frame ends within a setting") }
            offset += identifierLength + valueLength
            guard seen.insert(identifier).inserted else {
                throw HTTP3Error(.settingsError, "setting 0x\(String(identifier, radix: 16)) came twice")
            }
            try settings.set(identifier, value)
        }
        return settings
    }

    private mutating func set(_ identifier: UInt64, _ value: UInt64) throws(HTTP3Error) {
        switch identifier {
        case Identifier.dynamicTableBytes: dynamicTableBytes = value
        case Identifier.maxFieldSectionBytes: maxFieldSectionBytes = value
        case Identifier.blockedStreams: blockedStreams = value
        case Identifier.connectProtocol, Identifier.datagrams:
            guard value <= 1 else {
                throw HTTP3Error(.settingsError, "setting 0x\(String(identifier, radix: 16)) is neither 0 nor 1")
            }
            if identifier == Identifier.datagrams { allowsDatagrams = value == 1 }
        case 0x2, 0x3, 0x4, 0x5:
            throw HTTP3Error(.settingsError, "setting 0x\(identifier) belongs to HTTP/2")
        default: break
        }
    }

    /// The payload that announces a configuration.
    static func encode(_ configuration: HTTP3Configuration) -> [UInt8] {
        var payload: [UInt8] = []
        func append(_ identifier: UInt64, _ value: UInt64) {
            VariableInteger.append(identifier, to: &payload)
            VariableInteger.append(value, to: &payload)
        }
        append(Identifier.maxFieldSectionBytes, UInt64(configuration.maxFieldSectionBytes))
        append(Identifier.dynamicTableBytes, UInt64(configuration.dynamicTableBytes))
        append(Identifier.blockedStreams, UInt64(configuration.maxBlockedStreams))
        if configuration.announcesDatagrams { append(Identifier.datagrams, 1) }
        return payload
    }
}
