/// What an address, an identity, or all peers together may ask for.
public struct AdmissionLimit: Sendable, Hashable {
    /// How many calls may begin in a time; `nil` for any number.
    public var rate: CallRate?

    /// How many calls there may be at once, those that wait included; `nil` for any number.
    public var maximumCalls: Int?

    public init(rate: CallRate? = nil, maximumCalls: Int? = nil) {
        self.rate = rate
        self.maximumCalls = maximumCalls
    }

    var isUnlimited: Bool { rate == nil && maximumCalls == nil }
}

/// A number of calls in a time: so many a second in the long run, and so many at once after a rest.
public struct CallRate: Sendable, Hashable {
    /// Calls a second in the long run; 0.001...1,000,000,000.
    public let perSecond: Double
    /// Calls at once after a rest; 1...1,000,000,000.
    public let burst: Int

    /// Brings both into their ranges.
    public init(perSecond: Double, burst: Int) {
        // Also what "not a number" becomes.
        self.perSecond = perSecond >= 0.001 ? min(perSecond, 1e9) : 0.001
        self.burst = min(max(burst, 1), 1_000_000_000)
    }
}
