import NodeTransport
import Testing

@testable import TransportTestKit

@Suite("The machine of an in-memory call")
struct CallMachineTests {
    private var machine = CallMachine(
        requests: MessageQueue(maximumBytes: 100, maximumMessages: 2),
        responses: MessageQueue(maximumBytes: 100, maximumMessages: 2))
    private var effects = CallMachine.Effects()
    private let one: Bytes = [1]
    private let error = TransportError(.aborted, "no")

    @Test mutating func aSenderWaitsWhenTheBufferIsFull() {
        #expect(machine.clientSend(one, &effects).isDone)
        #expect(machine.clientSend(one, &effects).isDone)
        #expect(machine.clientSend(one, &effects).mustWait)
        effects = CallMachine.Effects()
        #expect(machine.serverReceive(&effects).value == one)
        #expect(effects.wake == [.clientSend])
        #expect(machine.clientSend(one, &effects).isDone)
    }

    @Test mutating func bytesFillTheBufferToo() {
        #expect(machine.serverSend(Bytes(repeatElement(0, count: 1000)), &effects).isDone, "one message always fits")
        #expect(machine.serverSend(one, &effects).mustWait)
        #expect(machine.clientReceive(&effects).value??.count == 1000)
        #expect(machine.serverSend(one, &effects).isDone)
    }

    @Test mutating func theHalfCloseComesAfterTheMessages() {
        _ = machine.clientSend(one, &effects)
        _ = machine.clientFinish(&effects)
        #expect(machine.clientSend(one, &effects).error?.code == .failedPrecondition)
        #expect(machine.serverReceive(&effects).value == one)
        #expect(machine.serverReceive(&effects).value == .some(nil))
    }

    @Test mutating func theStatusComesAfterTheMessages() throws {
        var trailers = Metadata()
        try trailers.add("a", "b")
        _ = machine.serverSend(one, &effects)
        machine.setTrailers(trailers)
        machine.answer(error, &effects)
        #expect(effects.hasLeft)
        #expect(!effects.cancelsHandler)
        #expect(machine.clientReceive(&effects).value == one)
        #expect(machine.trailers.isEmpty)
        #expect(machine.clientReceive(&effects).error?.code == .aborted)
        #expect(machine.clientReceive(&effects).error?.metadata[text: "a"] == "b")
        #expect(machine.trailers[text: "a"] == "b")
        #expect(machine.clientMetadata().isDone, "a message was sent, so there is initial metadata")
    }

    @Test mutating func cuttingEndsBothSidesAndLosesWhatIsBuffered() {
        _ = machine.serverSend(one, &effects)
        machine.cut(error, &effects)
        #expect(effects.cancelsHandler)
        #expect(effects.hasLeft)
        #expect(machine.clientReceive(&effects).error?.code == .aborted)
        #expect(machine.clientSend(one, &effects).error?.code == .aborted)
        #expect(machine.serverReceive(&effects).error?.code == .cancelled)
        #expect(machine.serverSend(one, &effects).error?.code == .cancelled)
    }

    @Test mutating func theFirstEndCounts() {
        machine.answer(nil, &effects)
        #expect(machine.clientReceive(&effects).value == .some(nil))
        effects = CallMachine.Effects()
        machine.cut(error, &effects)
        machine.answer(error, &effects)
        #expect(effects.wake.isEmpty && !effects.hasLeft && !effects.cancelsHandler)
        #expect(machine.clientReceive(&effects).value == .some(nil))
    }

    @Test mutating func metadataSetLateIsNotSent() throws {
        var (early, late) = (Metadata(), Metadata())
        try early.add("a", "early")
        try late.add("a", "late")
        machine.setInitialMetadata(early)
        #expect(machine.clientMetadata().mustWait)
        _ = machine.sendInitialMetadata(&effects)
        machine.setInitialMetadata(late)
        #expect(machine.clientMetadata().value?[text: "a"] == "early")
    }
}

extension CallMachine.Step {
    fileprivate var value: Value? {
        if case .done(let value) = self { value } else { nil }
    }

    fileprivate var isDone: Bool { value != nil }

    fileprivate var error: TransportError? {
        if case .failed(let error) = self { error } else { nil }
    }

    fileprivate var mustWait: Bool {
        if case .wait = self { true } else { false }
    }
}
