/// What layers above the wires go by when they choose a peer for a call: balancers, retries, reconnecting channels.
/// Wires ignore it, and nothing of it goes to the peer.
public struct CallRouting: Sendable, Equatable {
    /// Whether the call waits, until its deadline, for a peer to be ready; otherwise it fails at once while none is
    /// ("wait for ready" and "fail fast" in gRPC's terms).
    public var waitsForReady: Bool

    /// Calls with the same key go to the same peer, where the balancer hashes; `nil` leaves it to the balancer's
    /// own idea of a key.
    public var key: String?

    /// Peers that this call had better not be sent to, for earlier attempts failed there; they are still taken when
    /// there is no other.
    public var avoided: [Endpoint]

    /// What is to be told about where the call goes; `nil` where nobody asks.
    package var attempt: CallAttempt?

    public init(waitsForReady: Bool = false, key: String? = nil, avoided: [Endpoint] = []) {
        self.waitsForReady = waitsForReady
        self.key = key
        self.avoided = avoided
    }

    /// No wishes.
    public static let `default` = CallRouting()
}

extension Connection {
    /// The same connection for calls with these wishes.
    ///
    /// ```swift
    /// let ack = try await peer.routed { $0.waitsForReady = true }.call(DAG.submit, transaction)
    /// ```
    public func routed(_ change: @escaping @Sendable (inout CallRouting) -> Void) -> any Connection {
        InterceptedConnection(base: self, interceptor: RoutingInterceptor(change: change))
    }
}

/// Changes the routing of each call.
private struct RoutingInterceptor: ClientInterceptor {
    let change: @Sendable (inout CallRouting) -> Void

    func unary(_ head: CallHead, _ request: Bytes, next: UnaryNext) async throws -> UnaryReply {
        try await next(changed(head), request)
    }

    func stream(_ head: CallHead, next: StreamNext) async throws -> any ClientCall { try await next(changed(head)) }

    private func changed(_ head: CallHead) -> CallHead {
        var head = head
        change(&head.routing)
        return head
    }
}
