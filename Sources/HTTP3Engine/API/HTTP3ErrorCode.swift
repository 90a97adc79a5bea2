/// Why a stream or a connection was ended (RFC 9114 §8.1, RFC 9204 §6, RFC 9297 §5.2).
///
/// Any 62-bit number may arrive from a peer, so this is a struct with names for the known ones.
package struct HTTP3ErrorCode: Hashable, Sendable, RawRepresentable {
    package let rawValue: UInt64

    package init(rawValue: UInt64) { self.rawValue = rawValue }

    package static let datagramError = Self(rawValue: 0x33)
    package static let noError = Self(rawValue: 0x100)
    package static let generalProtocolError = Self(rawValue: 0x101)
    package static let internalError = Self(rawValue: 0x102)
    package static let streamCreationError = Self(rawValue: 0x103)
    package static let closedCriticalStream = Self(rawValue: 0x104)
    package static let frameUnexpected = Self(rawValue: 0x105)
    package static let frameError = Self(rawValue: 0x106)
    package static let excessiveLoad = Self(rawValue: 0x107)
    package static let idError = Self(rawValue: 0x108)
    package static let settingsError = Self(rawValue: 0x109)
    package static let missingSettings = Self(rawValue: 0x10a)
    package static let requestRejected = Self(rawValue: 0x10b)
    package static let requestCancelled = Self(rawValue: 0x10c)
    package static let requestIncomplete = Self(rawValue: 0x10d)
    package static let messageError = Self(rawValue: 0x10e)
    package static let connectError = Self(rawValue: 0x10f)
    package static let versionFallback = Self(rawValue: 0x110)
    package static let qpackDecompressionFailed = Self(rawValue: 0x200)
    package static let qpackEncoderStreamError = Self(rawValue: 0x201)
    package static let qpackDecoderStreamError = Self(rawValue: 0x202)
}

extension HTTP3ErrorCode: CustomStringConvertible {
    private static let names = [
        "H3_NO_ERROR", "H3_GENERAL_PROTOCOL_ERROR", "H3_INTERNAL_ERROR", "H3_STREAM_CREATION_ERROR",
        "H3_CLOSED_CRITICAL_STREAM", "H3_FRAME_UNEXPECTED", "H3_FRAME_ERROR", "H3_EXCESSIVE_LOAD", "H3_ID_ERROR",
        "H3_SETTINGS_ERROR", "H3_MISSING_SETTINGS", "H3_REQUEST_REJECTED", "H3_REQUEST_CANCELLED",
        "H3_REQUEST_INCOMPLETE", "H3_MESSAGE_ERROR", "H3_CONNECT_ERROR", "H3_VERSION_FALLBACK",
    ]

    package var description: String {
        switch rawValue {
        case 0x33: "H3_DATAGRAM_ERROR"
        case 0x100..<0x100 + UInt64(Self.names.count): Self.names[Int(rawValue - 0x100)]
        case 0x200: "QPACK_DECOMPRESSION_FAILED"
        case 0x201: "QPACK_ENCODER_STREAM_ERROR"
        case 0x202: "QPACK_DECODER_STREAM_ERROR"
        default: "error 0x\(String(rawValue, radix: 16))"
        }
    }
}
