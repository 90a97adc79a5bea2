import NodeTransport
import Synchronization
import Testing
import TransportTestKit

@Suite("Interceptors, over memory", .timeLimit(.minutes(5)))
struct InterceptorTests {
    private static let echo = Method<Unary, String, String>("test.Test", "Echo", request: .utf8, response: .utf8)
    private static let chat = Method<Bidirectional, String, String>(
        "test.Test", "Chat", request: .utf8, response: .utf8)

    private struct TestService: Service {
        var handlers: [MethodHandler] {
            [
                echo.handle { text, _ in text + "!" },
                chat.handle { lines, answers, _ in
                    while let line = try await lines.next() { try await answers.send(line + "!") }
                },
            ]
        }
    }

    /// Puts its letter before what goes down and after what comes up.
    private struct Letter: ClientInterceptor, ServerInterceptor {
        let letter: String

        func unary(_ head: CallHead, _ request: Bytes, next: ClientInterceptor.UnaryNext) async throws -> UnaryReply {
            var reply = try await next(head, around(request, before: letter))
            reply.message = around(reply.message, after: letter)
            return reply
        }

        func unary(
            _ request: Bytes, _ context: ServerContext, next: ServerInterceptor.UnaryNext
        ) async throws -> Bytes {
            around(try await next(around(request, before: letter), context), after: letter)
        }

        private func around(_ message: Bytes, before: String = "", after: String = "") -> Bytes {
            Bytes(utf8: before + String(decoding: message, as: UTF8.self) + after)
        }
    }

    @Test("The first of each list is the outermost")
    func order() async throws {
        let transport = InMemoryTransport()
        let intercepted = transport.intercepted(
            client: [Letter(letter: "a"), Letter(letter: "b")], server: [Letter(letter: "c"), Letter(letter: "d")])
        _ = try await intercepted.listen(on: "memory://test", services: [TestService()])
        let connection = try await intercepted.connect(to: "memory://test")
        #expect(try await connection.call(Self.echo, "x") == "dcbax!dcba")
        await intercepted.shutdown(within: .zero)
    }

    @Test("Those who do not care for streams let them pass")
    func streams() async throws {
        let intercepted = InMemoryTransport().intercepted(client: [Letter(letter: "a")], server: [Letter(letter: "b")])
        _ = try await intercepted.listen(on: "memory://test", services: [TestService()])
        let call = try await intercepted.connect(to: "memory://test").call(Self.chat)
        try await call.requests.send("x")
        #expect(try await call.responses.next() == "x!")
        await intercepted.shutdown(within: .zero)
    }

    @Test("A client's interceptor may answer by itself")
    func shortCircuit() async throws {
        struct Cache: ClientInterceptor {
            func unary(_ head: CallHead, _ request: Bytes, next: UnaryNext) async throws -> UnaryReply {
                UnaryReply(message: Bytes(utf8: "cached"))
            }
        }
        let intercepted = InMemoryTransport().intercepted(client: [Cache()])
        _ = try await intercepted.listen(on: "memory://test", services: [TestService()])
        #expect(try await intercepted.connect(to: "memory://test").call(Self.echo, "x") == "cached")
        await intercepted.shutdown(within: .zero)
    }
}
