public import NodeTransport
internal import TransportProtobuf

/// The methods of `poh.PoHService`: passing transactions on, and proofs of holding.
public enum PoH {
    /// Hands a transaction to a peer.
    public static let broadcast = Method<Unary, Tx, Ack>(
        "poh.PoHService", "Broadcast", request: .protobuf(), response: .protobuf(), isIdempotent: true)

    /// Asks a holder for a proof of holding. Not idempotent: a nonce is answered once.
    public static let challenge = Method<Unary, PoHRequest, PoHAck>(
        "poh.PoHService", "Challenge", request: .protobuf(), response: .protobuf())
}
