internal import NodeTransport

/// When a peer that answers badly is left out for a while, and for how long.
public struct OutlierPolicy: Sendable, Hashable {
    /// How many calls in a row have to fail. At least 1.
    public let failuresInARow: Int

    /// How often it is looked whether a peer may return. At least 1 ms.
    public let sweepInterval: Duration

    /// How long a peer is left out the first time, at least; each time more adds as much. At least 1 ms.
    public let ejection: Duration

    /// The longest that a peer is left out.
    public let maximumEjection: Duration

    /// The share of the peers that may be left out at one time, 0...1; one may be in any case where there are
    /// several.
    public let maximumEjectedShare: Double

    /// 5 failures in a row; a sweep each 10 s; 30 s, 60 s, … up to 300 s; a tenth of the peers.
    public static let `default` = OutlierPolicy()

    public init(
        failuresInARow: Int = 5, sweepInterval: Duration = .seconds(10), ejection: Duration = .seconds(30),
        maximumEjection: Duration = .seconds(300), maximumEjectedShare: Double = 0.1
    ) {
        let (least, most) = (Duration.milliseconds(1), Duration.seconds(86_400))
        self.failuresInARow = max(failuresInARow, 1)
        self.sweepInterval = min(max(sweepInterval, least), most)
        self.ejection = min(max(ejection, least), most)
        self.maximumEjection = min(max(maximumEjection, self.ejection), most)
        self.maximumEjectedShare = maximumEjectedShare >= 0 ? min(maximumEjectedShare, 1) : 0
    }

    /// Whether an error speaks against the peer: it was unavailable, failed inside, or did not answer in time. A peer
    /// that refuses a call is well.
    static func countsAsFailure(_ error: any Error) -> Bool {
        guard let error = error as? TransportError, error.processing != .notProcessed else { return false }
        switch error.code {
        case .unavailable, .internal, .unknown: return error.origin != .local
        // A deadline passes on this side, whoever is to blame.
        case .deadlineExceeded: return true
        default: return false
        }
    }
}
