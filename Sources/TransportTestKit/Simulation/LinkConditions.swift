/// What happens to the datagrams that one host sends to another: one direction of a link.
///
/// The default is perfect: all arrive at once and in order. Probabilities lie within 0...1, anything beyond counts as
/// the nearer end. A datagram passes in this order: cut or blackout, ``maximumDatagramBytes``, ``loss``,
/// ``burstLoss``, ``rateLimit``, ``ecn``, ``duplication``, ``corruption``, ``delay``.
public struct LinkConditions: Sendable, Hashable {
    /// The probability that a datagram is lost, each by itself.
    public var loss: Double = 0
    /// Losses that come in rows.
    public var burstLoss: BurstLoss?
    /// How long a datagram is under way.
    public var delay: Duration = .zero
    /// Up to how much longer it may take, evenly distributed. Datagrams keep their order all the same.
    public var jitter: Duration = .zero
    /// The probability that a datagram is held back by ``reorderingDelay``, so that later ones may overtake it.
    public var reordering: Double = 0
    /// How much longer a datagram that is reordered takes.
    public var reorderingDelay: Duration = .milliseconds(10)
    /// The probability that a second copy arrives, right behind the first but for ``jitter``.
    public var duplication: Double = 0
    /// The probability that one to three bits of a datagram are flipped; each copy by itself.
    public var corruption: Double = 0
    /// How much passes, and how much may wait.
    public var rateLimit: RateLimit?
    /// A black hole: longer datagrams vanish without a word. `nil` for none.
    public var maximumDatagramBytes: Int?
    /// What becomes of the marks.
    public var ecn: ECNTreatment = .preserved
    /// Times at which nothing passes.
    public var blackouts: Blackouts?

    public init() {}

    /// A link with a delay, and a loss.
    public init(delay: Duration, loss: Double = 0) {
        self.delay = delay
        self.loss = loss
    }

    /// Losses that come in rows (the model of Gilbert): with ``start`` a row begins, and it is ``length`` datagrams long
    /// on average.
    public struct BurstLoss: Sendable, Hashable {
        /// The probability that a datagram begins a row.
        public var start: Double
        /// The mean length of a row, in datagrams, at least 1.
        public var length: Double

        public init(start: Double, length: Double) {
            self.start = start
            self.length = length
        }
    }

    /// A bottleneck with a queue before it.
    public struct RateLimit: Sendable, Hashable {
        /// At least 1.
        public var bytesPerSecond: Int
        /// What may wait; a datagram that does not fit any more is dropped.
        public var queueBytes: Int
        /// When more than this waits, ECN-capable datagrams are marked with CE. `nil`: never.
        public var markingThresholdBytes: Int?

        public init(bytesPerSecond: Int, queueBytes: Int, markingThresholdBytes: Int? = nil) {
            self.bytesPerSecond = bytesPerSecond
            self.queueBytes = queueBytes
            self.markingThresholdBytes = markingThresholdBytes
        }
    }

    /// What becomes of ECN marks.
    public enum ECNTreatment: Sendable, Hashable {
        case preserved
        /// Every mark is erased, as some routers do.
        case bleached
    }

    /// The link works for a while and is dead for a while, by turns, from the network's beginning on.
    public struct Blackouts: Sendable, Hashable {
        public var up: Duration
        public var down: Duration
        /// When the first time of working begins; before that it works too.
        public var beginning: Duration

        public init(up: Duration, down: Duration, beginning: Duration = .zero) {
            self.up = up
            self.down = down
            self.beginning = beginning
        }

        func isDown(at time: Int64) -> Bool {
            let (up, down) = (self.up.simulatedNanoseconds, self.down.simulatedNanoseconds)
            let since = time - beginning.simulatedNanoseconds
            guard since >= 0, down > 0 else { return false }
            return since % (up + down) >= up
        }
    }
}

extension Duration {
    /// Whole nanoseconds, not negative, and so small that a few can be added up (73 years).
    package var simulatedNanoseconds: Int64 {
        let limit = Int64.max / 4
        if self >= .nanoseconds(limit) { return limit }
        if self <= .zero { return 0 }
        let (seconds, attoseconds) = components
        return seconds * 1_000_000_000 + attoseconds / 1_000_000_000
    }
}
