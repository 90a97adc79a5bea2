import NodeTransport
import Testing

@testable import TransportTestKit

@Suite("The queue of messages")
struct MessageQueueTests {
    @Test("Keeps the order, however long it never runs empty")
    func order() {
        var queue = MessageQueue(maximumBytes: 1000, maximumMessages: 10)
        queue.append(Bytes(utf8: "0"))
        for number in 1..<1000 {
            queue.append(Bytes(utf8: "\(number)"))
            #expect(queue.popFirst() == Bytes(utf8: "\(number - 1)"))
            #expect(!queue.isEmpty && !queue.isFull)
        }
        #expect(queue.popFirst() == Bytes(utf8: "999"))
        #expect(queue.popFirst() == nil)
        #expect(queue.isEmpty)
    }

    @Test func isFullByNumberOrBytes() {
        var queue = MessageQueue(maximumBytes: 10, maximumMessages: 3)
        for _ in 0..<3 {
            #expect(!queue.isFull)
            queue.append([1])
        }
        #expect(queue.isFull)
        while queue.popFirst() != nil {}
        queue.append(Bytes(repeatElement(0, count: 10)))
        #expect(queue.isFull)
    }
}
