internal import Glibc

/// A point of civil time, in whole seconds: what the validity of a certificate is measured with.
public struct WallTime: Sendable, Hashable, Comparable {
    /// Seconds since 1970-01-01 00:00:00 UTC; may be negative.
    public var secondsSince1970: Int64

    public init(secondsSince1970: Int64) {
        self.secondsSince1970 = secondsSince1970
    }

    /// What the system's clock shows.
    public static var now: WallTime {
        var time = timespec()
        unsafe clock_gettime(CLOCK_REALTIME, &time)
        return WallTime(secondsSince1970: Int64(time.tv_sec))
    }

    /// The time that is `days` days later (or earlier, when negative); stops at the ends of the range.
    public func adding(days: Int) -> WallTime {
        let (seconds, isTooFar) = Int64(days).multipliedReportingOverflow(by: 86_400)
        guard !isTooFar else { return WallTime(secondsSince1970: days < 0 ? .min : .max) }
        return adding(seconds: seconds)
    }

    func adding(seconds: Int64) -> WallTime {
        let (sum, isTooFar) = secondsSince1970.addingReportingOverflow(seconds)
        return WallTime(secondsSince1970: isTooFar ? (seconds < 0 ? .min : .max) : sum)
    }

    public static func < (left: WallTime, right: WallTime) -> Bool {
        left.secondsSince1970 < right.secondsSince1970
    }
}

extension WallTime: CustomStringConvertible {
    /// For instance `2024-05-01 12:00:00 UTC`.
    public var description: String {
        var seconds = time_t(secondsSince1970)
        var parts = unsafe tm()
        guard unsafe gmtime_r(&seconds, &parts) != nil else { return "\(secondsSince1970) s after 1970" }
        let (year, month, day) = unsafe (Int(parts.tm_year) + 1900, parts.tm_mon + 1, parts.tm_mday)
        let (hour, minute, second) = unsafe (parts.tm_hour, parts.tm_min, parts.tm_sec)
        func two(_ number: Int32) -> String { number < 10 ? "0\(number)" : "\(number)" }
        return "\(year)-\(two(month))-\(two(day)) \(two(hour)):\(two(minute)):\(two(second)) UTC"
    }
}
