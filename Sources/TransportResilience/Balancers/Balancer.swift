public import NodeTransport

/// How a channel chooses among the peers behind its target.
///
/// Whatever the choice: only peers that are connected are taken; of their priorities the lowest that has any; never one
/// that is ejected; and those that `CallRouting.avoided` names only when there is no other.
public struct Balancer: Sendable {
    /// Finds a call's key.
    public typealias Key = @Sendable (CallHead) -> String?

    enum Kind: Sendable {
        case pickFirst(attemptDelay: Duration)
        case roundRobin
        case leastRequest
        case consistentHashing(loadFactor: Double, key: Key?)
    }

    let kind: Kind

    /// One connection, to the first peer that can be reached.
    ///
    /// Addresses of the two families take turns, and the next is tried when the one before has failed or has not
    /// answered for 250 ms; the first that answers is kept (RFC 8305). A peer of a higher priority number is left for
    /// one of a lower number as soon as that can be reached.
    public static let pickFirst = pickFirst(attemptDelay: .milliseconds(250))

    /// As `pickFirst`, with another delay.
    ///
    /// - Parameter attemptDelay: How long the peer before may take; 10 ms to 1 minute (RFC 8305 §8).
    public static func pickFirst(attemptDelay: Duration) -> Balancer {
        Balancer(kind: .pickFirst(attemptDelay: min(max(attemptDelay, .milliseconds(10)), .seconds(60))))
    }

    /// A connection to each peer; they take turns, each as often as its weight says, spread evenly.
    public static let roundRobin = Balancer(kind: .roundRobin)

    /// A connection to each peer; of two by chance, the one with fewer calls in flight for its weight.
    public static let leastRequest = Balancer(kind: .leastRequest)

    /// A connection to each peer; calls with the same key go to the same one, in this process and in others, and few
    /// keys move when peers come and go (rendezvous hashing).
    ///
    /// A peer takes no more than its share of the calls in flight times `loadFactor`; what is above that goes to the
    /// key's next peer. Calls without a key go where ``leastRequest`` would send them.
    ///
    /// - Parameters:
    ///   - loadFactor: By how much a peer may be above its share; at least 1.
    ///   - key: The key of a call whose `CallRouting.key` is `nil`.
    public static func consistentHashing(loadFactor: Double = 1.25, key: Key? = nil) -> Balancer {
        // Also what "not a number" becomes.
        Balancer(kind: .consistentHashing(loadFactor: loadFactor >= 1 ? loadFactor : 1, key: key))
    }

    /// Whether one connection is enough.
    var usesOneConnection: Bool {
        if case .pickFirst = kind { true } else { false }
    }
}
