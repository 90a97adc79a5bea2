internal import NodeTransport

/// What a wire knows a call's stream by.
package struct CallHandle: Hashable, Sendable {
    /// The wire's dense index, where it has one.
    package let slot: Int
    /// The stream's identifier; -1 for a call that has no stream yet.
    package let id: Int64

    package init(slot: Int = 0, id: Int64) {
        self.slot = slot
        self.id = id
    }

    package static let none = CallHandle(id: -1)
}

/// What a call may send, and hold back.
package struct CallLimits: Sendable {
    package var maximumReceiveMessageBytes: Int
    package var maximumSendMessageBytes: Int
    /// A stream with so much unsent takes no further message for now.
    package var sendQueueBytes: Int

    package init(maximumReceiveMessageBytes: Int, maximumSendMessageBytes: Int, sendQueueBytes: Int) {
        self.maximumReceiveMessageBytes = maximumReceiveMessageBytes
        self.maximumSendMessageBytes = maximumSendMessageBytes
        self.sendQueueBytes = sendQueueBytes
    }

    /// Why a message is not sent.
    func refusal(of message: Bytes, _ endpoint: Endpoint? = nil) -> TransportError? {
        guard message.count > maximumSendMessageBytes else { return nil }
        return TransportError(
            .resourceExhausted,
            "a message of \(message.count) bytes is over the limit of \(maximumSendMessageBytes) bytes",
            endpoint: endpoint)
    }
}
