/// The Huffman code of RFC 7541, Appendix B, and the tables made from it once.
///
/// The code is canonical: the lengths alone define it.
final class HuffmanCode: Sendable {
    static let shared = HuffmanCode()

    /// The symbol that ends a string, never sent whole.
    private static let endOfString = 256

    /// By symbol: the code in the low bits.
    let codes: [UInt32]

    /// By symbol: the code's length in bits.
    let lengths: [UInt8]

    /// By state × 16 + the next four bits; see `Step`.
    let steps: [Step]

    /// What four bits do to the decoder in one of its 256 states, the inner nodes of the code's tree.
    struct Step: Sendable {
        var next: UInt8 = 0
        var symbol: UInt8 = 0
        var emits = false
        /// The string may end here: the bits since the last symbol are at most seven ones.
        var mayEnd = false
        var fails = false
    }

    private init() {
        let lengths = Self.lengthTable
        var codes = [UInt32](repeating: 0, count: lengths.count)
        var code: UInt32 = 0
        for length in 5...30 as ClosedRange<UInt8> {
            for symbol in lengths.indices where lengths[symbol] == length {
                codes[symbol] = code
                code += 1
            }
            code <<= 1
        }
        self.codes = codes
        self.lengths = lengths
        steps = Self.makeSteps(codes: codes, lengths: lengths)
    }

    private static func makeSteps(codes: [UInt32], lengths: [UInt8]) -> [Step] {
        // A child is an inner node (≥ 0) or a symbol (−1 − symbol).
        var children: [[Int]] = [[0, 0]]
        for symbol in codes.indices {
            var node = 0
            for bit in stride(from: Int(lengths[symbol]) - 1, through: 0, by: -1) {
                let side = Int((codes[symbol] >> UInt32(bit)) & 1)
                if bit == 0 {
                    children[node][side] = -1 - symbol
                } else {
                    if children[node][side] == 0 {
                        children.append([0, 0])
                        children[node][side] = children.count - 1
                    }
                    node = children[node][side]
                }
            }
        }
        var endings: Set<Int> = [0]
        var node = 0
        for _ in 0..<7 {
            node = children[node][1]
            endings.insert(node)
        }
        var steps: [Step] = []
        steps.reserveCapacity(children.count * 16)
        for state in children.indices {
            for nibble in 0..<16 {
                var step = Step()
                var node = state
                for bit in [3, 2, 1, 0] where !step.fails {
                    let child = children[node][(nibble >> bit) & 1]
                    if child == -1 - endOfString {
                        step.fails = true
                    } else if child < 0 {
                        step.emits = true
                        step.symbol = UInt8(-1 - child)
                        node = 0
                    } else {
                        node = child
                    }
                }
                step.next = step.fails ? 0 : UInt8(node)
                step.mayEnd = !step.fails && endings.contains(node)
                steps.append(step)
            }
        }
        return steps
    }

    private static let lengthTable: [UInt8] = [
        13, 23, 28, 28, 28, 28, 28, 28, 28, 24, 30, 28, 28, 30, 28, 28,
        28, 28, 28, 28, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 28,
        6, 10, 10, 12, 13, 6, 8, 11, 10, 10, 8, 11, 8, 6, 6, 6,
        5, 5, 5, 6, 6, 6, 6, 6, 6, 6, 7, 8, 15, 6, 12, 10,
        13, 6, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7,
        7, 7, 7, 7, 7, 7, 7, 7, 8, 7, 8, 13, 19, 13, 14, 6,
        15, 5, 6, 5, 6, 5, 6, 6, 6, 5, 7, 7, 6, 6, 6, 5,
        6, 7, 6, 5, 5, 6, 7, 7, 7, 7, 7, 15, 11, 14, 13, 28,
        20, 22, 20, 20, 22, 22, 22, 23, 22, 23, 23, 23, 23, 23, 24, 23,
        24, 24, 22, 23, 24, 23, 23, 23, 23, 21, 22, 23, 22, 23, 23, 24,
        22, 21, 20, 22, 22, 23, 23, 21, 23, 22, 22, 24, 21, 22, 23, 23,
        21, 21, 22, 21, 23, 22, 23, 23, 20, 22, 22, 22, 23, 22, 22, 23,
        26, 26, 20, 19, 22, 23, 22, 25, 26, 26, 26, 27, 27, 26, 24, 25,
        19, 21, 26, 27, 27, 26, 27, 24, 21, 21, 26, 26, 28, 27, 27, 27,
        20, 24, 20, 21, 22, 21, 21, 23, 22, 22, 25, 25, 24, 24, 26, 23,
        26, 27, 26, 26, 27, 27, 27, 27, 27, 28, 27, 27, 27, 27, 27, 26,
        30,
    ]
}

extension HuffmanCode {
    /// How many bytes `text` takes in this code.
    func encodedCount(_ text: RawSpan) -> Int {
        var bits = 0
        for offset in 0..<text.byteCount { bits += Int(lengths[Int(text.byte(offset))]) }
        return (bits + 7) / 8
    }

    /// Writes `text` in this code, byte by byte.
    func encode(_ text: RawSpan, _ write: (UInt8) -> Void) {
        var pending: UInt64 = 0
        var bits = 0
        for offset in 0..<text.byteCount {
            let byte = text.byte(offset)
            let length = Int(lengths[Int(byte)])
            pending = pending << UInt64(length) | UInt64(codes[Int(byte)])
            bits += length
            while bits >= 8 {
                bits -= 8
                write(UInt8(truncatingIfNeeded: pending >> UInt64(bits)))
            }
        }
        if bits > 0 {
            let padding = 8 - bits
            write(UInt8(truncatingIfNeeded: pending << UInt64(padding) | (1 << UInt64(padding) - 1)))
        }
    }

    /// Appends the text that `source` stands for to `output`; false when it is not in this code.
    func decode(_ source: RawSpan, into output: inout [UInt8]) -> Bool {
        var state = 0
        var mayEnd = true
        for offset in 0..<source.byteCount {
            let byte = Int(source.byte(offset))
            let high = steps[state << 4 | byte >> 4]
            if high.emits { output.append(high.symbol) }
            let low = steps[Int(high.next) << 4 | byte & 15]
            if low.emits { output.append(low.symbol) }
            if high.fails || low.fails { return false }
            state = Int(low.next)
            mayEnd = low.mayEnd
        }
        return mayEnd
    }
}
