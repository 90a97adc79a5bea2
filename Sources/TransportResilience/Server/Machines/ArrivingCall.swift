internal import NodeTransport

/// What admission knows about a call.
struct ArrivingCall {
    /// The method's number, for its times.
    let method: Int
    let isStream: Bool
    /// At least 1.
    let weight: Int
    let deadline: ContinuousClock.Instant?
    let address: AddressKey?
    let identity: IdentityCountKey?
}

/// Why a call does not begin.
struct Refusal: Equatable {
    let limit: ServerLimit
    /// When to come back; `nil` where there is no point in it.
    let retryAfter: Duration?

    /// Its deadline has passed.
    static let tooLate = Refusal(limit: .deadline, retryAfter: nil)
}

/// Leave to run, given back when the call is over.
struct AdmissionPermit {
    /// Where the call is counted.
    struct Counts {
        var address: SlotTicket?
        var identity: SlotTicket?
    }

    let call: ArrivingCall
    let began: ContinuousClock.Instant
    let counts: Counts
}
