/// Where in a distributed trace the running code is: W3C Trace Context, as its two header fields carry it.
///
/// A value that exists is valid: identifiers are not zero. See the W3C Recommendation "Trace Context", sections 3.2
/// (`traceparent`) and 3.3 (`tracestate`).
public struct TraceContext: Sendable, Hashable {
    /// The 16 bytes that all of one trace share, as two numbers; not both zero.
    public let traceID: (high: UInt64, low: UInt64)
    /// The 8 bytes of the caller's span; not zero.
    public let parentID: UInt64
    /// Bit 0: the caller may have recorded its span ("sampled"). Bit 1: the trace's identifier is random.
    public let flags: UInt8
    /// What tracing systems pass on to themselves; empty for nothing.
    public let state: TraceState

    /// `nil` when an identifier is zero. Flags that are not defined are dropped.
    public init?(
        traceID: (high: UInt64, low: UInt64), parentID: UInt64, flags: UInt8 = 0, state: TraceState = TraceState()
    ) {
        guard traceID.high != 0 || traceID.low != 0, parentID != 0 else { return nil }
        self.traceID = traceID
        self.parentID = parentID
        self.flags = flags & 0b11
        self.state = state
    }

    /// The beginning of a trace, with random identifiers.
    public static func root(
        isSampled: Bool = false, using random: inout some RandomNumberGenerator
    ) -> TraceContext {
        TraceContext(
            unchecked: (.random(in: 1 ... .max, using: &random), .random(in: 0 ... .max, using: &random)),
            parentID: .random(in: 1 ... .max, using: &random), flags: isSampled ? 0b11 : 0b10, state: TraceState())
    }

    /// The same trace with another span as the parent: what a call that is made here takes along.
    public func child(using random: inout some RandomNumberGenerator) -> TraceContext {
        TraceContext(
            unchecked: traceID, parentID: .random(in: 1 ... .max, using: &random), flags: flags, state: state)
    }

    private init(unchecked traceID: (high: UInt64, low: UInt64), parentID: UInt64, flags: UInt8, state: TraceState) {
        self.traceID = traceID
        self.parentID = parentID
        self.flags = flags
        self.state = state
    }

    /// Whether the caller may have recorded its span.
    public var isSampled: Bool { flags & 1 != 0 }

    /// The context of the call that the running handler serves, or that was bound otherwise; calls made here take a
    /// child of it along where ``TracePropagation`` is at work.
    @TaskLocal public static var current: TraceContext?

    public static func == (left: TraceContext, right: TraceContext) -> Bool {
        left.traceID == right.traceID && left.parentID == right.parentID && left.flags == right.flags
            && left.state == right.state
    }

    public func hash(into hasher: inout Hasher) {
        hasher.combine(traceID.high)
        hasher.combine(traceID.low)
        hasher.combine(parentID)
    }
}

extension TraceContext {
    /// Reads `traceparent`: version 00 exactly, later versions by what they share with it; `nil` for anything else.
    public init?(traceparent text: String, state: TraceState = TraceState()) {
        let bytes = Array(text.utf8.prefix(56))
        guard bytes.count >= 55, let version = Self.number(bytes[0..<2]), version != 0xff else { return nil }
        guard bytes.count == 55 || (version > 0 && bytes[55] == UInt8(ascii: "-")) else { return nil }
        let dashes = [2, 35, 52].allSatisfy { bytes[$0] == UInt8(ascii: "-") }
        guard dashes, let high = Self.number(bytes[3..<19]), let low = Self.number(bytes[19..<35]),
            let parent = Self.number(bytes[36..<52]), let flags = Self.number(bytes[53..<55])
        else { return nil }
        self.init(traceID: (high, low), parentID: parent, flags: UInt8(truncatingIfNeeded: flags), state: state)
    }

    /// Lower-case hexadecimal digits, at most 16.
    private static func number(_ digits: ArraySlice<UInt8>) -> UInt64? {
        var number: UInt64 = 0
        for digit in digits {
            switch digit {
            case 0x30...0x39: number = number << 4 | UInt64(digit - 0x30)
            case 0x61...0x66: number = number << 4 | UInt64(digit - 0x61 + 10)
            default: return nil
            }
        }
        return number
    }

    /// The field `traceparent`, in version 00.
    public var traceparent: String {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(55)
        for (number, digitCount) in [(0, 2), (traceID.high, 16), (traceID.low, 16), (parentID, 16), (UInt64(flags), 2)]
        {
            for shift in stride(from: 4 * (digitCount - 1), through: 0, by: -4) {
                let digit = UInt8(truncatingIfNeeded: number >> UInt64(shift) & 15)
                bytes.append(digit < 10 ? 0x30 + digit : 0x61 + digit - 10)
            }
            // The two halves of the trace's identifier are one field.
            if [2, 35, 52].contains(bytes.count) { bytes.append(UInt8(ascii: "-")) }
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
