internal import FoundationEssentials

/// A moment in microseconds since 1970-01-01T00:00:00Z (UTC), as all messages carry it.
public struct Timestamp: Sendable, Hashable, Comparable {
    public let microseconds: Int64

    public init(microseconds: Int64) { self.microseconds = microseconds }

    /// The system's clock.
    public static func now() -> Timestamp {
        // A Double holds today's microseconds exactly (2^51 < 2^53).
        Timestamp(microseconds: Int64(Date().timeIntervalSince1970 * 1_000_000))
    }

    /// How much later this is than `other`; saturates, so that no timestamp off the wire can overflow.
    public func duration(since other: Timestamp) -> Duration {
        let (difference, overflow) = microseconds.subtractingReportingOverflow(other.microseconds)
        return .microseconds(overflow ? (microseconds < 0 ? Int64.min : Int64.max) : difference)
    }

    public static func < (left: Timestamp, right: Timestamp) -> Bool { left.microseconds < right.microseconds }
}
