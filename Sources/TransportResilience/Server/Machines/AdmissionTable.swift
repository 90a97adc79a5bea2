internal import NodeTransport

/// How many calls each peer has, and how much of its rate is used up. Bounded: of peers without a call, the ones that
/// were away the longest are forgotten, and begin with a full bucket when they come back.
struct AdmissionTable<Key: Hashable> {
    private struct Entry {
        let key: Key
        var calls = 0
        var bucket = RateBucket()
    }

    /// Why a call is not admitted.
    enum Refusal: Equatable {
        /// The rate is used up for so long.
        case rate(wait: Duration)
        case calls
    }

    private let rate: RateBucket.Rate?
    private let maximumCalls: Int
    private var tickets: [Key: SlotTicket] = [:]
    /// Those without a call are chained, the one that was away the longest first.
    private var entries: LinkedSlots<Entry>

    /// - Parameter capacity: How many peers are known at most; more than there can be calls at once, so that there is
    ///   always one to forget.
    init(_ limit: AdmissionLimit, capacity: Int) {
        rate = limit.rate.map(RateBucket.Rate.init)
        maximumCalls = max(limit.maximumCalls ?? .max, 0)
        entries = LinkedSlots(capacity: capacity)
    }

    /// How many peers are known.
    var count: Int { entries.count }
    /// How many of them have calls.
    var busyCount: Int { entries.count - entries.linkedCount }
    /// How many calls `key` has.
    func calls(of key: Key) -> Int { tickets[key].flatMap { entries[$0]?.calls } ?? 0 }

    /// Whether a call of `key` is within the limits; changes nothing.
    func refusal(of key: Key, weight: Int, now: ContinuousClock.Instant) -> Refusal? {
        guard let ticket = tickets[key], let entry = entries[ticket] else { return maximumCalls > 0 ? nil : .calls }
        if let rate, let wait = entry.bucket.wait(for: weight, of: rate, now: now) { return .rate(wait: wait) }
        return entry.calls < maximumCalls ? nil : .calls
    }

    /// Counts a call of `key`, until ``leave(_:)``. `nil`, and not counted, when every place has a call.
    mutating func enter(_ key: Key, weight: Int, now: ContinuousClock.Instant) -> SlotTicket? {
        guard let ticket = tickets[key] ?? insert(key) else { return nil }
        entries.unlink(ticket)
        entries.modify(ticket) { entry in
            entry.calls += 1
            if let rate { entry.bucket.take(weight, of: rate, now: now) }
        }
        return ticket
    }

    /// The call is over.
    mutating func leave(_ ticket: SlotTicket) {
        var isIdle = false
        entries.modify(ticket) { entry in
            entry.calls -= 1
            isIdle = entry.calls == 0
        }
        if isIdle { entries.link(ticket) }
    }

    private mutating func insert(_ key: Key) -> SlotTicket? {
        if entries.count >= entries.capacity, let oldest = entries.first, let entry = entries.remove(oldest) {
            tickets[entry.key] = nil
        }
        guard let ticket = entries.insert(Entry(key: key)) else { return nil }
        tickets[key] = ticket
        return ticket
    }
}
