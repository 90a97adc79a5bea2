internal import CSystem

/// What a socket is ready for.
package struct LoopEvents: OptionSet, Sendable {
    package let rawValue: UInt32

    package init(rawValue: UInt32) { self.rawValue = rawValue }

    package static let readable = LoopEvents(rawValue: UInt32(CS_READABLE))
    package static let writable = LoopEvents(rawValue: UInt32(CS_WRITABLE))
    /// Always reported, asked for or not.
    package static let error = LoopEvents(rawValue: UInt32(CS_ERROR))
    /// Always reported, asked for or not.
    package static let hangup = LoopEvents(rawValue: UInt32(CS_HANGUP))
    /// The peer has closed its sending side.
    package static let peerClosed = LoopEvents(rawValue: UInt32(CS_PEER_CLOSED))

    // Made once: a list in brackets is put together anew wherever it stands, on the way of every call.

    /// What a connection asks for.
    package static let input = LoopEvents(rawValue: readable.rawValue | peerClosed.rawValue)
    /// What a read finds the reason of.
    package static let inputOrEnd = LoopEvents(
        rawValue: input.rawValue | hangup.rawValue | error.rawValue)

    /// Whether any of `others` is among these.
    package func hasAny(of others: LoopEvents) -> Bool { rawValue & others.rawValue != 0 }
}

/// Takes the events of one descriptor, on the loop.
package protocol LoopEventHandler: AnyObject {
    func handle(_ events: LoopEvents)
}

/// Writes out what has gathered, on the loop.
package protocol LoopFlushable: AnyObject {
    func flush()
}

/// Takes the firing of a timer, on the loop.
package protocol LoopTimerHandler: AnyObject {
    func timerFired(_ timer: LoopTimer)
}

/// A descriptor that a loop watches.
package struct LoopRegistration: Sendable {
    let slot: UInt32
    let generation: UInt32

    init(slot: UInt32, generation: UInt32) {
        self.slot = slot
        self.generation = generation
    }

    init(token: UInt64) {
        slot = UInt32(truncatingIfNeeded: token)
        generation = UInt32(truncatingIfNeeded: token >> 32)
    }

    // A generation of all ones together with a slot of all ones would be the wake-up's token; no loop
    // has four billion descriptors.
    var token: UInt64 { UInt64(generation) << 32 | UInt64(slot) }
}

/// A system call that failed.
package struct LoopError: Error, CustomStringConvertible {
    package let operation: String
    package let errno: Int32

    package init(operation: String, errno: Int32) {
        self.operation = operation
        self.errno = errno
    }

    package var description: String { "\(operation): \(systemMessage(errno))" }
}
