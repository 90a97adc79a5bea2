import TransportTestKit

@testable import TransportResilience

/// A server with a few workers, and clients that call it at a rate: in virtual time, from a seed.
///
/// What is admitted waits its turn for a worker; the time from there to the end is what the limiter sees.
struct SimulatedServer {
    struct Load {
        /// Calls a second.
        var rate: Double
        var addresses = 1
        /// How long a client waits for its answer.
        var patience: Duration = .seconds(1)
    }

    /// What became of the calls.
    struct Outcome {
        var offered = 0
        var refused = 0
        /// Answered in time.
        var good = 0
        /// Answered to nobody.
        var late = 0
        /// Seconds from the arrival to the answer, of all that were answered.
        var latencies: [Double] = []
        var goodByAddress: [Int: Int] = [:]

        func percentile(_ share: Double) -> Double {
            let sorted = latencies.sorted()
            return sorted.isEmpty ? 0 : sorted[min(Int(Double(sorted.count) * share), sorted.count - 1)]
        }
    }

    private struct Call {
        let arrived: Double
        let address: Int
        let deadline: Double
    }

    private enum Event {
        case arrival
        case done(Call, AdmissionPermit?)
    }

    private let start = ContinuousClock.now
    private var random: SeededRandom
    /// `nil` for a server that takes on everything.
    private(set) var machine: AdmissionMachine<Int>?
    private var calls: [Int: Call] = [:]
    private var nextCall = 0
    private(set) var now = 0.0
    private var events: [(time: Double, event: Event)] = []
    private var backlog: [(Call, AdmissionPermit?)] = []
    private var backlogStart = 0
    private var working = 0
    /// The most that ran, and waited, at once.
    private(set) var (mostRunning, mostWaiting) = (0, 0)

    var workers: Int
    /// Seconds; times are spread exponentially around it where `isSpread`.
    var serviceTime: Double
    var isSpread = true

    init(_ limits: ServerLimits?, workers: Int, serviceTime: Double, seed: UInt64) {
        self.workers = workers
        self.serviceTime = serviceTime
        random = SeededRandom(seed: seed)
        let start = start
        machine = limits.map { AdmissionMachine($0, now: start) }
    }

    /// Calls that a second is enough for.
    var capacity: Double { Double(workers) / serviceTime }

    /// Lets `load` come for `seconds`, and tells what became of what was answered or refused meanwhile.
    mutating func run(_ load: Load, seconds: Double) -> Outcome {
        var outcome = Outcome()
        let end = now + seconds
        schedule(.arrival, at: now + exponential(1 / load.rate))
        while let first = events.last, first.time <= end {
            if let expiry = nextExpiry, expiry < first.time {
                now = expiry
                let (instant, chance) = (instant(now), chance())
                if let effects = machine?.expire(now: instant, chance: chance) { apply(effects, &outcome) }
                continue
            }
            events.removeLast()
            now = first.time
            switch first.event {
            case .arrival:
                arrive(load, &outcome)
                schedule(.arrival, at: now + exponential(1 / load.rate))
            case .done(let call, let permit): finish(call, permit, &outcome)
            }
            mostRunning = max(mostRunning, machine?.unitsInUse ?? 0)
            mostWaiting = max(mostWaiting, machine?.waitingCount ?? 0)
        }
        events.removeAll { if case .arrival = $0.event { true } else { false } }
        now = end
        return outcome
    }

    private mutating func arrive(_ load: Load, _ outcome: inout Outcome) {
        outcome.offered += 1
        let address = Int.random(in: 0..<load.addresses, using: &random)
        let call = Call(arrived: now, address: address, deadline: now + load.patience / .seconds(1))
        guard machine != nil else { return work(call, nil) }
        let arriving = ArrivingCall(
            method: 0, isStream: false, weight: 1, deadline: instant(call.deadline), address: .v4(UInt32(address)),
            identity: nil)
        nextCall += 1
        let (instant, chance) = (instant(now), chance())
        switch machine?.arrive(arriving, waiter: nextCall, now: instant, chance: chance) {
        case .begin(let permit): work(call, permit)
        case .wait: calls[nextCall] = call
        case .refuse, nil: outcome.refused += 1
        }
    }

    private mutating func work(_ call: Call, _ permit: AdmissionPermit?) {
        guard working < workers else { return backlog.append((call, permit)) }
        working += 1
        schedule(.done(call, permit), at: now + (isSpread ? exponential(serviceTime) : serviceTime))
    }

    private mutating func finish(_ call: Call, _ permit: AdmissionPermit?, _ outcome: inout Outcome) {
        working -= 1
        if now <= call.deadline {
            outcome.good += 1
            outcome.goodByAddress[call.address, default: 0] += 1
        } else {
            outcome.late += 1
        }
        outcome.latencies.append(now - call.arrived)
        if backlogStart < backlog.count {
            let (next, permit) = backlog[backlogStart]
            backlogStart += 1
            if backlogStart > 10_000 {
                backlog.removeFirst(backlogStart)
                backlogStart = 0
            }
            work(next, permit)
        }
        guard let permit else { return }
        let ending: CallSample.Outcome = now <= call.deadline ? .succeeded : .overloaded
        let (instant, chance) = (instant(now), chance())
        if let effects = machine?.finish(permit, ending, now: instant, chance: chance) { apply(effects, &outcome) }
    }

    private mutating func apply(_ effects: AdmissionMachine<Int>.Effects, _ outcome: inout Outcome) {
        for (waiter, permit) in effects.begun {
            if let call = calls.removeValue(forKey: waiter) { work(call, permit) }
        }
        for (waiter, _, _) in effects.refused where calls.removeValue(forKey: waiter) != nil { outcome.refused += 1 }
    }

    private var nextExpiry: Double? {
        // A little later, for seconds are rounded.
        machine?.nextExpiry(now: instant(now)).map { max(start.duration(to: $0) / .seconds(1), now) + 1e-9 }
    }

    /// The next event is the last element.
    private mutating func schedule(_ event: Event, at time: Double) {
        var (low, high) = (0, events.count)
        while low < high {
            let middle = (low + high) / 2
            if events[middle].time > time { low = middle + 1 } else { high = middle }
        }
        events.insert((time, event), at: low)
    }

    private func instant(_ seconds: Double) -> ContinuousClock.Instant { start.advanced(by: .seconds(seconds)) }

    private mutating func chance() -> Double { Double.random(in: 0..<1, using: &random) }

    private mutating func exponential(_ mean: Double) -> Double {
        -mean * _log(1 - Double.random(in: 0..<1, using: &random))
    }

    /// The natural logarithm of a number within 0<...1, to a few digits, without a library of mathematics.
    private func _log(_ number: Double) -> Double {
        let exponent = number.exponent
        let z = (number.significand - 1) / (number.significand + 1)
        let square = z * z
        let series = z * (1 + square * (1 / 3.0 + square * (1 / 5.0 + square * (1 / 7.0 + square / 9))))
        return 2 * series + Double(exponent) * 0.693_147_180_559_945
    }
}
