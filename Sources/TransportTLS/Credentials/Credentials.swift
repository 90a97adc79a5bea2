package import NodeTransport
internal import Synchronization

/// Who we are and whom we believe, as it is now: values that may be replaced while connections are open.
///
/// Transports that were given the same object follow it at once: every handshake that begins after a change uses the
/// new values. Connections that are open go on, except those of a peer that is revoked, which are closed.
public final class Credentials: Sendable {
    /// How often what has happened.
    public struct Statistics: Sendable, Hashable {
        /// Identities and trusts that took the place of others.
        public var replacements = 0
        /// Replacements that were refused; what was there before stayed.
        public var failedReplacements = 0
        /// Peers that were accepted although none of the pins of an auditing trust matched.
        public var auditedMismatches = 0
    }

    struct Snapshot: Sendable {
        var identity: Identity?
        var trust: Trust
        var revoked: Set<Pin> = []
        /// Grows with every change.
        var generation = 0
    }

    private struct State: Sendable {
        var current: Snapshot
        var statistics = Statistics()
        var observers: [Int: @Sendable () -> Void] = [:]
        var nextObserver = 0
    }

    private let state: Mutex<State>
    private let generation: Atomic<Int>

    /// - Parameters:
    ///   - identity: Who we are; `nil` for a client that need not say.
    ///   - trust: Whom we believe.
    public init(identity: Identity?, trust: Trust) {
        state = Mutex(State(current: Snapshot(identity: identity, trust: trust)))
        generation = Atomic(0)
    }

    /// Who we are now.
    public var identity: Identity? { state.withLock { $0.current.identity } }

    /// Whom we believe now.
    public var trust: Trust { state.withLock { $0.current.trust } }

    /// The certificates and keys that are revoked.
    public var revoked: Set<Pin> { state.withLock { $0.current.revoked } }

    /// How often what has happened since the object was made.
    public var statistics: Statistics { state.withLock { $0.statistics } }

    // MARK: Changes

    /// Takes another identity for all handshakes from now on.
    ///
    /// - Throws: ``TLSError`` when TLS cannot use it; the old one stays, and the failure is counted.
    public func replace(identity: Identity) throws(TLSError) {
        try counting { () throws(TLSError) in try take(identity: identity) }
    }

    /// Takes another trust for all handshakes from now on.
    ///
    /// Connections that are open were judged by the old one and go on.
    ///
    /// - Throws: ``TLSError`` when it cannot be used; the old one stays, and the failure is counted.
    public func replace(trust: Trust) throws(TLSError) {
        try counting { () throws(TLSError) in try take(trust: trust) }
    }

    private func counting(_ body: () throws(TLSError) -> Void) throws(TLSError) {
        do throws(TLSError) {
            try body()
        } catch {
            countFailedReplacement()
            throw error
        }
    }

    func take(identity: Identity) throws(TLSError) {
        _ = try TLSContext(TLSConfiguration(identity: identity, trust: trust), role: .client)
        change { state in
            state.current.identity = identity
            state.statistics.replacements += 1
        }
    }

    func take(trust: Trust) throws(TLSError) {
        _ = try TLSContext(TLSConfiguration(identity: nil, trust: trust), role: .client)
        change { state in
            state.current.trust = trust
            state.statistics.replacements += 1
        }
    }

    /// Refuses whoever shows a chain with one of `pins` in it from now on, and closes the connections of such peers.
    ///
    /// Holds for connections in both directions, on every transport that uses these credentials.
    public func revoke(_ pins: some Sequence<Pin>) {
        changeRevoked { $0.formUnion(pins) }
    }

    /// Takes back a revocation.
    public func reinstate(_ pins: some Sequence<Pin>) {
        changeRevoked { $0.subtract(pins) }
    }

    /// In one step, so that of two changes at the same time none is lost; whoever observes hears of it afterwards.
    func changeRevoked(_ body: (inout Set<Pin>) -> Void) {
        let observers = state.withLock { state in
            var revoked = state.current.revoked
            body(&revoked)
            guard revoked != state.current.revoked else { return [@Sendable () -> Void]() }
            state.current.revoked = revoked
            advance(&state)
            return Array(state.observers.values)
        }
        for observer in observers { observer() }
    }

    private func change(_ body: (inout State) -> Void) {
        state.withLock { state in
            body(&state)
            advance(&state)
        }
    }

    private func advance(_ state: inout State) {
        state.current.generation += 1
        generation.store(state.current.generation, ordering: .releasing)
    }

    func countFailedReplacement() {
        state.withLock { $0.statistics.failedReplacements += 1 }
    }

    package func countAuditedMismatch() {
        state.withLock { $0.statistics.auditedMismatches += 1 }
    }

    // MARK: For transports

    var snapshot: Snapshot { state.withLock { $0.current } }

    /// The number of changes so far.
    package var currentGeneration: Int { generation.load(ordering: .acquiring) }

    /// Whether `peer` shows a certificate or key that is revoked by now.
    package func isRevoked(_ peer: PeerIdentity) -> Bool {
        let revoked = revoked
        guard !revoked.isEmpty else { return false }
        return revoked.contain(anyOf: peer.chain.compactMap { Certificate(der: $0) })
    }

    /// Calls `body` after every change of what is revoked, until the subscription is dropped.
    package func onRevocation(_ body: @escaping @Sendable () -> Void) -> RevocationSubscription {
        let number = state.withLock { state in
            state.nextObserver += 1
            state.observers[state.nextObserver] = body
            return state.nextObserver
        }
        return RevocationSubscription(credentials: self, number: number)
    }

    fileprivate func drop(_ number: Int) {
        state.withLock { _ = $0.observers.removeValue(forKey: number) }
    }
}

extension Credentials: CustomStringConvertible {
    public var description: String {
        let current = snapshot
        return "\(current.identity?.description ?? "no identity"); trust: \(current.trust)"
    }
}

/// Keeps a call back alive; ends it when it goes.
package final class RevocationSubscription: Sendable {
    private let credentials: Credentials
    private let number: Int

    fileprivate init(credentials: Credentials, number: Int) {
        self.credentials = credentials
        self.number = number
    }

    deinit { credentials.drop(number) }
}
