import NodeTransport
import Synchronization
import Testing
import TransportTestKit

@Suite("Typed calls, over memory", .timeLimit(.minutes(5)))
struct TypedCallTests {
    private struct Odd: Error {}

    private enum Test {
        static let unary = Method<Unary, String, String>("test.Test", "Unary", request: .utf8, response: .utf8)
        static let upload = Method<ClientStream, String, String>("test.Test", "Upload", request: .utf8, response: .utf8)
        static let download = Method<ServerStream, String, String>(
            "test.Test", "Download", request: .utf8, response: .utf8)
        /// The same method, with messages that cannot be read.
        static let unreadable = Method<Unary, String, Int>(
            MethodName("test.Test", "Unary"), request: .utf8,
            response: Codec(encode: { _ in Bytes() }, decode: { _ in throw Odd() }))
        static let unwritable = Method<Unary, Int, String>(
            MethodName("test.Test", "Unary"), request: Codec(encode: { _ in throw Odd() }, decode: { _ in 0 }),
            response: .utf8)
    }

    private struct TestService: Service {
        let sawEnd: Flag
        var handlers: [MethodHandler] {
            [
                Test.unary.handle { text, _ in text },
                Test.upload.handle { requests, _ in
                    while try await requests.next() != nil {}
                    sawEnd.set()
                    return "all"
                },
                Test.download.handle { text, responses, _ in
                    for character in text { try await responses.send(String(character)) }
                },
            ]
        }
    }

    private final class Flag: Sendable {
        private let value = Mutex(false)
        var isSet: Bool { value.withLock { $0 } }
        func set() { value.withLock { $0 = true } }
    }

    private func withConnection(_ body: (any Connection, Flag) async throws -> Void) async throws {
        let (transport, sawEnd) = (InMemoryTransport(), Flag())
        _ = try await transport.listen(on: "memory://test", services: [TestService(sawEnd: sawEnd)])
        try await body(try await transport.connect(to: "memory://test"), sawEnd)
        await transport.shutdown(within: .zero)
    }

    @Test func aMessageThatCannotBeReadFailsTheCall() async throws {
        try await withConnection { connection, _ in
            let error = await #expect(throws: TransportError.self) { try await connection.call(Test.unreadable, "x") }
            #expect(error?.code == .internal)
            #expect(error?.cause is Odd)
        }
    }

    @Test func aMessageThatCannotBeWrittenFailsTheCall() async throws {
        try await withConnection { connection, _ in
            let error = await #expect(throws: TransportError.self) { try await connection.call(Test.unwritable, 1) }
            #expect(error?.code == .internal)
            #expect(error?.message.contains("encoded") == true)
        }
    }

    @Test("An error of the requests cancels the upload and does not look like its end")
    func brokenUpload() async throws {
        try await withConnection { connection, sawEnd in
            let requests = AsyncThrowingStream<String, any Error> { continuation in
                continuation.yield("one")
                // As of another call that failed.
                continuation.finish(throwing: TransportError(.dataLoss, "the source broke", origin: .remote))
            }
            let error = await #expect(throws: TransportError.self) {
                try await connection.call(Test.upload, requests)
            }
            #expect(error?.code == .dataLoss)
            _ = try await connection.call(Test.unary, "still there")
            #expect(!sawEnd.isSet)
        }
    }

    @Test func aStreamCanBeIterated() async throws {
        try await withConnection { connection, _ in
            var text = ""
            for try await part in try await connection.call(Test.download, "abc") { text += part }
            #expect(text == "abc")
        }
    }

    @Test func bytesThatAreNotUTF8AreTheServersFault() async throws {
        try await withConnection { connection, _ in
            let raw = Method<Unary, Bytes, Bytes>(Test.unary.name, request: .bytes, response: .bytes)
            let error = await #expect(throws: TransportError.self) { try await connection.call(raw, [0xff]) }
            #expect(error?.origin == .remote)
        }
    }
}
