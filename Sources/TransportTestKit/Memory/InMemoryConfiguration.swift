public import NodeTransport

/// What an ``InMemoryTransport`` allows.
public struct InMemoryConfiguration: Sendable {
    /// How many bytes wait in one direction of a call before its sender is suspended; 64 KiB. The message that goes
    /// over the bound is still taken.
    public var maximumBufferedBytes = 65_536

    /// How many messages wait in one direction of a call before its sender is suspended.
    public var maximumBufferedMessages = 16

    /// The largest message that is sent or received; 4 MiB, gRPC's default.
    public var maximumMessageBytes = 4_194_304

    /// The largest datagram; 1,200 bytes, which every QUIC path carries (RFC 9000 §14).
    public var maximumDatagramBytes = 1200

    /// How many datagrams wait for a reader; the oldest is dropped for one more.
    public var maximumBufferedDatagrams = 256

    /// Who this side proves to be; `nil` for nobody, as without TLS.
    public var identity: PeerIdentity?

    public init() {}
}
