/// Where unary calls wait while all places are taken.
///
/// It is first come, first served, until the queue has not been empty for ``patience``. From then on the server is
/// overloaded: the newest call is served first, whose client is the most likely to be waiting still, and none waits
/// longer than ``overloadedWait``. That is Facebook's "adaptive LIFO" with a controlled delay after CoDel (B. Maurer,
/// "Fail at Scale", ACM Queue 13(8), 2015; K. Nichols, V. Jacobson, "Controlling Queue Delay", ACM Queue 10(5), 2012).
public struct QueueLimit: Sendable, Hashable {
    /// How many calls may wait; 0 refuses whatever finds no place.
    public let length: Int
    /// How long a call may wait.
    public let longestWait: Duration
    /// For how long the queue must not have been empty until the server counts as overloaded.
    public let patience: Duration
    /// How long a call may wait at an overloaded server; the recent mean time of service where that is longer.
    public let overloadedWait: Duration

    /// - Parameters:
    ///   - length: Within 0...1,000,000.
    ///   - longestWait: Within 1 ms...1 h.
    ///   - patience: At least zero.
    ///   - overloadedWait: At least zero.
    ///
    /// Other values are brought into these ranges.
    public init(
        length: Int = 1024, longestWait: Duration = .seconds(1), patience: Duration = .milliseconds(100),
        overloadedWait: Duration = .milliseconds(20)
    ) {
        self.length = min(max(length, 0), 1_000_000)
        self.longestWait = min(max(longestWait, .milliseconds(1)), .seconds(3600))
        self.patience = max(patience, .zero)
        self.overloadedWait = max(overloadedWait, .zero)
    }

    /// Nobody waits.
    public static let none = QueueLimit(length: 0)
}
