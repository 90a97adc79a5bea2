import DAGProtocol
import NodeTransport
import Testing

@testable import DAGNode

@Suite("Acknowledgements of a stream", .timeLimit(.minutes(5)))
struct StreamProgressTests {
    @Test func `Only what has no gap before it is acknowledged`() async throws {
        let progress = StreamProgress(maximumUnderWay: 10)
        for sequence in 3...6 as ClosedRange<UInt64> { try await progress.begin(sequence) }
        progress.end(4, refusal: nil)
        progress.end(3, refusal: nil)
        #expect(try await progress.nextResponse()?.acknowledgedBelow == 5)
        progress.end(6, refusal: TransportError(.aborted, "no"))
        let refusal = try await progress.nextResponse()
        #expect(refusal?.acknowledgedBelow == 5)
        #expect(refusal?.refusals.map(\.sequence) == [6])
        #expect(refusal?.refusals.first?.code == 10)
        progress.end(5, refusal: nil)
        progress.finish()
        #expect(try await progress.nextResponse()?.acknowledgedBelow == 7)
        #expect(try await progress.nextResponse() == nil)
    }

    @Test func `The reader waits for acknowledgements to be taken`() async throws {
        let progress = StreamProgress(maximumUnderWay: 2)
        try await progress.begin(0)
        try await progress.begin(1)
        let third = Task { try await progress.begin(2) }
        progress.end(0, refusal: nil)
        #expect(try await progress.nextResponse()?.acknowledgedBelow == 1)
        try await third.value
    }

    @Test func `Whoever waits is released by cancellation`() async throws {
        let progress = StreamProgress(maximumUnderWay: 1)
        try await progress.begin(0)
        let reader = Task { try await progress.begin(1) }
        let responder = Task { try await progress.nextResponse() }
        reader.cancel()
        responder.cancel()
        await #expect(throws: CancellationError.self) { try await reader.value }
        await #expect(throws: CancellationError.self) { try await responder.value }
    }

    @Test func `Numbers must follow each other`() async throws {
        let progress = StreamProgress(maximumUnderWay: 10)
        await #expect(throws: TransportError.self) { try await progress.begin(1 << 63) }
        try await progress.begin(7)
        await #expect(throws: TransportError.self) { try await progress.begin(7) }
        await #expect(throws: TransportError.self) { try await progress.begin(9) }
        try await progress.begin(8)
    }
}
