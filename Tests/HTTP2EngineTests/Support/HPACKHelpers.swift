import Testing

@testable import HTTP2Engine

/// A decoder whose results are plain values.
final class TestDecoder {
    var decoder: HPACKDecoder

    init(tableLimit: Int = 4096) { decoder = HPACKDecoder(tableLimit: tableLimit) }

    /// The fields as "name: value", or nil when the block is over `maxListBytes`.
    func decode(_ block: [UInt8], maxListBytes: Int = 1 << 20) throws -> [String]? {
        var fields: [HeaderField] = []
        let isWhole = try unsafe decoder.decode(block.span.bytes, maxListBytes: maxListBytes, into: &fields)
        return isWhole ? fields.map { "\($0.name): \($0.value)" } : nil
    }

    /// The fault that `block` leads to, or nil.
    func fault(_ block: [UInt8]) -> HPACKFault? {
        do {
            _ = try decode(block)
            return nil
        } catch {
            return error as? HPACKFault
        }
    }
}

/// An encoder whose results are plain bytes.
final class TestEncoder {
    var encoder: HPACKEncoder

    init(ownLimit: Int = 4096) { encoder = HPACKEncoder(ownLimit: ownLimit) }

    func encode(_ prepared: [PreparedField], _ extra: [HeaderPair] = []) -> [UInt8] {
        var output = OutputQueue()
        encoder.encode(prepared, extra, into: &output)
        return output.takeBack(from: 0)
    }
}

/// The bytes of hexadecimal text with blanks.
func hex(_ text: String) -> [UInt8] {
    let digits = text.filter { !$0.isWhitespace }.compactMap(\.hexDigitValue)
    return stride(from: 0, to: digits.count - 1, by: 2).map { UInt8(digits[$0] << 4 | digits[$0 + 1]) }
}
