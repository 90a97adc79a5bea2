public import NodeTransport

/// Finds out whether a peer that is connected wants calls, for example by asking it (`grpc.health.v1`).
public protocol PeerHealth: Sendable {
    /// Follows the health of the peer behind `connection`, until the task is cancelled: that happens when the
    /// connection is over. A peer that cannot be asked should count as serving: one of which nothing is reported gets no
    /// call.
    ///
    /// - Parameters:
    ///   - connection: For the questions.
    ///   - report: Takes whether the peer serves: first as soon as that is known, for it gets no call before, then each
    ///     change. Called by one task at a time.
    func follow(_ connection: any Connection, report: @escaping @Sendable (_ isServing: Bool) -> Void) async
}
