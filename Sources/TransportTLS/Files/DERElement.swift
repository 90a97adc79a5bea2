internal import NodeTransport

/// One element of DER (X.690), as far as telling what a file holds takes: its tag and where it ends.
///
/// OpenSSL does the parsing proper.
struct DERElement {
    let tag: UInt8
    /// Where the content lies in the bytes that were read.
    let content: Range<Int>

    static let sequence: UInt8 = 0x30
    static let integer: UInt8 = 0x02
    static let bitString: UInt8 = 0x03
    static let octetString: UInt8 = 0x04
    static let objectIdentifier: UInt8 = 0x06

    /// The element that starts at `start`, which must end at or before `limit`.
    init?(in bytes: Bytes, at start: Int, limit: Int) {
        guard start >= 0, limit <= bytes.count, limit - start >= 2 else { return nil }
        tag = bytes[start]
        let first = Int(bytes[start + 1])
        var begin = start + 2
        var count = first
        if first == 0x80 {
            // The indefinite length of BER: containers by old programs have it. They fill the rest.
            count = limit - begin
        } else if first > 0x80 {
            let digits = first & 0x7f
            guard digits <= 4, limit - begin >= digits else { return nil }
            count = bytes[begin..<begin + digits].reduce(0) { $0 << 8 | Int($1) }
            begin += digits
        }
        guard count <= limit - begin else { return nil }
        content = begin..<begin + count
    }

    /// The elements one behind the other in `range`, at most `maximum`; `nil` when one of them runs over the end.
    static func all(in bytes: Bytes, range: Range<Int>, maximum: Int) -> [DERElement]? {
        var elements: [DERElement] = []
        var position = range.lowerBound
        while position < range.upperBound, elements.count < maximum {
            guard let element = DERElement(in: bytes, at: position, limit: range.upperBound) else { return nil }
            elements.append(element)
            position = element.content.upperBound
        }
        return elements
    }
}
