internal import NodeTransport

/// One direction of a link: decides what becomes of each datagram. Knows no clock and no queue of events.
struct LinkState {
    /// A copy of a datagram that will come out of the link.
    struct Passing {
        var datagram: SimulatedDatagram
        /// Nanoseconds of the network's time.
        var arrival: Int64
        /// Its place among all that was sent.
        var number: Int
    }

    /// Why nothing comes out.
    enum Fate: Equatable {
        case passes
        case dropped(SimulationTrace.Event)
    }

    var conditions: LinkConditions
    var isCut = false
    var statistics = LinkStatistics()
    private var random: SeededRandom
    private var isInBurst = false
    /// When the bottleneck has let out what waits before it.
    private var busyUntil: Int64 = 0
    /// The latest arrival so far: order is kept unless a datagram is reordered on purpose.
    private var lastArrival: Int64 = 0
    private var latestDelivered = 0

    init(conditions: LinkConditions, random: SeededRandom) {
        self.conditions = conditions
        self.random = random
    }

    /// Takes a datagram that is sent at `now`; appends what will arrive to `passing`.
    mutating func send(_ datagram: SimulatedDatagram, now: Int64, passing: inout [Passing]) -> Fate {
        statistics.sent += 1
        statistics.sentBytes += datagram.payload.count
        if isCut || conditions.blackouts?.isDown(at: now) == true {
            statistics.cutOff += 1
            return .dropped(.cutOff)
        }
        if let limit = conditions.maximumDatagramBytes, datagram.payload.count > limit {
            statistics.blackHoled += 1
            return .dropped(.blackHoled)
        }
        guard !isLost() else {
            statistics.lost += 1
            return .dropped(.lost)
        }
        var datagram = datagram
        guard let departure = passBottleneck(&datagram, now: now) else {
            statistics.queueDropped += 1
            return .dropped(.queueFull)
        }
        if conditions.ecn == .bleached { datagram.ecn = .notCapable }
        passing.append(passed(datagram, departure))
        if random.happens(conditions.duplication) {
            statistics.duplicated += 1
            passing.append(passed(datagram, departure))
        }
        return .passes
    }

    /// Notes that one was sent while a host at an end was cut off.
    mutating func cutOff(_ datagram: SimulatedDatagram) {
        statistics.sent += 1
        statistics.sentBytes += datagram.payload.count
        statistics.cutOff += 1
    }

    /// Notes that one came out.
    mutating func delivered(_ passing: Passing) {
        statistics.delivered += 1
        statistics.deliveredBytes += passing.datagram.payload.count
        if passing.number < latestDelivered { statistics.reordered += 1 }
        latestDelivered = max(latestDelivered, passing.number)
    }

    private mutating func isLost() -> Bool {
        if random.happens(conditions.loss) { return true }
        guard let burst = conditions.burstLoss else {
            isInBurst = false
            return false
        }
        // Leaving a row with 1/length after each loss makes its mean length just that.
        if isInBurst, random.happens(1 / max(burst.length, 1)) { isInBurst = false }
        if !isInBurst, random.happens(burst.start) { isInBurst = true }
        return isInBurst
    }

    /// When the datagram leaves the bottleneck; `nil` when the queue is full.
    private mutating func passBottleneck(_ datagram: inout SimulatedDatagram, now: Int64) -> Int64? {
        guard let limit = conditions.rateLimit else { return now }
        let rate = Double(max(limit.bytesPerSecond, 1))
        let waiting = Double(max(busyUntil - now, 0)) * rate / 1e9
        guard waiting + Double(datagram.payload.count) <= Double(limit.queueBytes) else { return nil }
        if let threshold = limit.markingThresholdBytes, waiting > Double(threshold), datagram.ecn != .notCapable {
            datagram.ecn = .congestionExperienced
            statistics.marked += 1
        }
        let nanoseconds = min(Double(datagram.payload.count) / rate * 1e9, 1e17)
        // Bounded as the other times are, however slow the link.
        busyUntil = min(max(busyUntil, now) + Int64(nanoseconds), Int64.max / 4)
        return busyUntil
    }

    private mutating func passed(_ datagram: SimulatedDatagram, _ departure: Int64) -> Passing {
        var datagram = datagram
        if !datagram.payload.isEmpty, random.happens(conditions.corruption) {
            statistics.corrupted += 1
            var bytes = Array(datagram.payload)
            // Distinct bits, so that no flip takes another back.
            let count = min(Int.random(in: 1...3, using: &random), bytes.count * 8)
            var flipped: Set<Int> = []
            while flipped.count < count { flipped.insert(Int.random(in: 0..<bytes.count * 8, using: &random)) }
            for bit in flipped { bytes[bit / 8] ^= 1 << UInt8(bit % 8) }
            datagram.payload = Bytes(bytes)
        }
        var arrival = departure + conditions.delay.simulatedNanoseconds
        arrival += random.upTo(conditions.jitter.simulatedNanoseconds)
        if random.happens(conditions.reordering) {
            arrival += conditions.reorderingDelay.simulatedNanoseconds
        } else {
            arrival = max(arrival, lastArrival)
            lastArrival = arrival
        }
        return Passing(datagram: datagram, arrival: arrival, number: statistics.sent)
    }
}
