/// What a handler knows about the call that it serves.
public struct ServerContext: Sendable {
    /// The transport's end of the call.
    public let call: any ServerCall

    public init(_ call: any ServerCall) { self.call = call }

    /// The method called.
    public var method: MethodName { call.head.method }

    /// What the client sent along.
    public var metadata: Metadata { call.head.metadata }

    /// By when the client wants the answer; calls made by the handler inherit it.
    public var deadline: Deadline? { call.head.deadline }

    /// Who the peer has proved to be; `nil` without mutual TLS.
    public var peer: PeerIdentity? { call.peer }

    /// The peer's address.
    public var remoteEndpoint: Endpoint { call.remoteEndpoint }

    /// Metadata to send before the first message.
    public func setInitialMetadata(_ metadata: Metadata) { call.setInitialMetadata(metadata) }

    /// Sends `metadata` now, ahead of the first message, so that a client can read it while it waits.
    ///
    /// - Throws: ``TransportError`` when the call has ended.
    public func sendInitialMetadata(_ metadata: Metadata) async throws {
        call.setInitialMetadata(metadata)
        try await call.sendInitialMetadata()
    }

    /// Metadata to send with the status.
    public func setTrailers(_ metadata: Metadata) { call.setTrailers(metadata) }
}
