internal import NodeTransport

/// One of the two wires of a race.
enum RacedWire: Sendable, Hashable {
    case first
    case second

    var other: RacedWire { self == .first ? .second : .first }
}

/// One race: who begins when, and who wins. Pure.
///
///     leader under way ── head start over, or leader failed ──▶ both under way or failed ──▶ won | failed
///
/// A refusal of an identity ends the race. Fall back, and whoever can break one wire's handshake chooses the other.
struct RaceMachine {
    enum Runner {
        case waiting
        case underWay
        case failed(TransportError)
    }

    /// What follows from a failure.
    enum Verdict {
        /// The other is under way.
        case wait
        /// The other begins now.
        case beginOther
        /// It is over; nobody won.
        case lost(TransportError)
        /// It was over before.
        case ignore
    }

    let leader: RacedWire
    private(set) var first = Runner.waiting
    private(set) var second = Runner.waiting
    private(set) var isOver = false

    /// - Parameter leader: Who begins at once.
    init(leader: RacedWire) {
        self.leader = leader
        self[leader] = .underWay
    }

    private(set) subscript(wire: RacedWire) -> Runner {
        get { wire == .first ? first : second }
        set { if wire == .first { first = newValue } else { second = newValue } }
    }

    /// The head start is over. Returns whether the other begins.
    mutating func headStartOver() -> Bool {
        guard !isOver, case .waiting = self[leader.other] else { return false }
        self[leader.other] = .underWay
        return true
    }

    /// A wire is connected. Returns whether it has won; if not, its connection is not needed.
    mutating func connected(_ wire: RacedWire) -> Bool {
        defer { isOver = true }
        return !isOver
    }

    mutating func failed(_ wire: RacedWire, _ error: TransportError) -> Verdict {
        guard !isOver else { return .ignore }
        self[wire] = .failed(error)
        if error.code == .unauthenticated {
            isOver = true
            return .lost(error)
        }
        switch self[wire.other] {
        case .waiting:
            self[wire.other] = .underWay
            return .beginOther
        case .underWay: return .wait
        case .failed(let other):
            isOver = true
            let (first, second) = wire == .first ? (error, other) : (other, error)
            return .lost(RaceFailure(first: first, second: second).error)
        }
    }
}
