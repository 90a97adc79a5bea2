public import DAGProtocol

/// What came of a challenge to this node.
public enum AnswerOutcome: Sendable {
    case answered(PoHAck)
    /// The nonce has been answered before.
    case nonceUsed
}

/// A question and its answer.
public struct PoHExchange: Sendable, Hashable {
    public let request: PoHRequest
    public let answer: PoHAck

    public init(request: PoHRequest, answer: PoHAck) {
        self.request = request
        self.answer = answer
    }
}

/// What came of a challenge to a peer.
public struct PoHCheck: Sendable, Hashable {
    /// In the order of the numbers under which they are stored.
    public enum Result: Int, Sendable, Hashable, CaseIterable {
        /// The peer has the payload.
        case held = 0
        /// The peer's answer proves nothing.
        case wrong = 1
        /// The peer did not answer in time.
        case silent = 2
        /// The peer refused.
        case refused = 3
    }

    public let peer: String
    public let request: PoHRequest
    public let result: Result
    /// Why, unless it is held.
    public let message: String
    /// The end of the peer's chain with this answer, when it is held.
    public let head: PoHChainHead?

    public init(peer: String, request: PoHRequest, result: Result, message: String, head: PoHChainHead?) {
        self.peer = peer
        self.request = request
        self.result = result
        self.message = message
        self.head = head
    }
}
