import ForeignPeers
import NodeTransport
import Synchronization
import StreamTables
import Testing
import TransportTLS

@testable import QUICTransport

/// Calls in a client's first flight (0-RTT). A relay keeps the server's answers back, so that what happens meanwhile is early.
@Suite("Early data", .timeLimit(.minutes(3)))
struct EarlyDataTests {
    private static let look = Method<Unary, Bytes, Bytes>(
        "early.Test", "Look", request: .bytes, response: .bytes, isIdempotent: true)
    private static let chat = Method<Bidirectional, Bytes, Bytes>(
        "early.Test", "Chat", request: .bytes, response: .bytes, isIdempotent: true)
    private static let pay = Method<Unary, Bytes, Bytes>(
        "early.Test", "Pay", request: .bytes, response: .bytes)
    /// What a client that does not care says of the same method.
    private static let payClaimedIdempotent = Method<Unary, Bytes, Bytes>(
        "early.Test", "Pay", request: .bytes, response: .bytes, isIdempotent: true)

    /// What handlers ran, in order.
    private final class Log: Sendable {
        private let ran = Mutex<(list: [String], waiters: [(String, AsyncStream<Void>.Continuation)])>(([], []))

        var all: [String] { ran.withLock { $0.list } }

        func note(_ text: String) {
            let waiting = ran.withLock { ran -> [AsyncStream<Void>.Continuation] in
                ran.list.append(text)
                defer { ran.waiters.removeAll { $0.0 == text } }
                return ran.waiters.filter { $0.0 == text }.map(\.1)
            }
            for continuation in waiting { continuation.finish() }
        }

        /// Ends also when the task is cancelled, as the test's time limit does.
        func waitFor(_ text: String) async {
            let (stream, continuation) = AsyncStream.makeStream(of: Void.self)
            ran.withLock { ran in
                if ran.list.contains(text) { continuation.finish() } else { ran.waiters.append((text, continuation)) }
            }
            for await _ in stream {}
        }
    }

    private struct Handlers: Service {
        let log: Log

        var handlers: [MethodHandler] {
            [
                EarlyDataTests.look.handle { request, _ in
                    log.note("look \(String(decoding: request, as: UTF8.self))")
                    return request
                },
                EarlyDataTests.chat.handle { requests, responses, _ in
                    while let request = try await requests.next() {
                        log.note("chat \(String(decoding: request, as: UTF8.self))")
                        try await responses.send(request)
                    }
                },
                EarlyDataTests.pay.handle { request, _ in
                    log.note("pay \(String(decoding: request, as: UTF8.self))")
                    return request
                },
            ]
        }
    }

    private struct Lab: Sendable {
        let client: QUICTransport
        let relay: GatedRelay
        let credentials: Credentials
        let clientCredentials: Credentials
        let log: Log

        var endpoint: Endpoint { get throws { try Endpoint(parsing: "quic://127.0.0.1:\(relay.port)") } }

        /// Makes a first connection, which leaves a ticket; then the relay keeps the server's datagrams back.
        func visit() async throws {
            let connection = try await client.connect(to: endpoint)
            _ = try await connection.call(EarlyDataTests.look, Bytes(utf8: "first"))
            await connection.close(within: .zero)
            relay.setOpen(toClient: false)
        }

        static func run(
            clientSends: Bool = true, serverAccepts: Bool = true,
            configure: (inout QUICTransport.Configuration) -> Void = { _ in },
            _ body: (Lab) async throws -> Void
        ) async throws {
            let identities = TestIdentities.shared
            let credentials = Credentials(identity: identities.node, trust: identities.trust)
            let log = Log()
            var configuration = QUICTransport.Configuration()
            configuration.acceptsEarlyData = serverAccepts
            // While the relay is closed, each side waits for the other.
            configuration.handshakeTimeout = .seconds(60)
            let server = try QUICTransport(
                tls: TLSConfiguration(credentials: credentials, clientAuthentication: .none),
                configuration: configuration)
            let listener = try await server.listen(on: "quic://127.0.0.1:0", services: [Handlers(log: log)])
            let relay = try GatedRelay(to: listener.endpoint.port ?? 0)
            configuration.acceptsEarlyData = false
            configuration.sendsEarlyData = clientSends
            configure(&configuration)
            let clientCredentials = Credentials(identity: identities.node, trust: identities.trust)
            let client = try QUICTransport(credentials: clientCredentials, configuration: configuration)
            let lab = Lab(
                client: client, relay: relay, credentials: credentials, clientCredentials: clientCredentials, log: log)
            let outcome = await Result { try await body(lab) }
            await client.shutdown(within: .zero)
            await server.shutdown(within: .zero)
            await relay.stop()
            try outcome.get()
        }
    }

    @Test func `an idempotent call is served before the server's first answer has come`() async throws {
        try await Lab.run { lab in
            try await lab.visit()
            let connection = try await lab.client.connect(to: lab.endpoint)
            #expect(!connection.state.isReady && connection.peer == nil)
            async let reply = connection.call(Self.look, Bytes(utf8: "early"))
            async let chat = Self.chat(connection, ["one", "two"])
            await lab.log.waitFor("look early")
            await lab.log.waitFor("chat one")
            lab.relay.setOpen()
            #expect(try await reply == Bytes(utf8: "early"))
            #expect(try await chat == ["one", "two"])
            for await state in connection.stateUpdates() where state.isReady { break }
            #expect(connection.peer?.fingerprint == TestIdentities.shared.node.fingerprint)
            let statistics = try await QUICControl(connection)?.statistics()
            #expect(statistics?.isResumed == true && statistics?.isEarlyDataAccepted == true)
        }
    }

    @Test func `other calls wait for the end of the handshake`() async throws {
        try await Lab.run { lab in
            try await lab.visit()
            let connection = try await lab.client.connect(to: lab.endpoint)
            async let paid = connection.call(Self.pay, Bytes(utf8: "100"))
            async let page = HTTP3Client(connection)?.get("/")
            let quic = try #require(connection as? QUICClientConnection)
            try await wait(for: quic) { $0.queue.count == 1 }
            async let reply = connection.call(Self.look, Bytes(utf8: "early"))
            await lab.log.waitFor("look early")
            #expect(lab.log.all == ["look first", "look early"])
            lab.relay.setOpen()
            #expect(try await paid == Bytes(utf8: "100"))
            #expect(try await reply == Bytes(utf8: "early"))
            #expect(try await page?.status == 405)
        }
    }

    @Test func `a server holds an early call of a method that is not idempotent, whatever its client says`()
        async throws
    {
        try await Lab.run { lab in
            try await lab.visit()
            let connection = try await lab.client.connect(to: lab.endpoint)
            async let paid = connection.call(Self.payClaimedIdempotent, Bytes(utf8: "100"))
            let quic = try #require(connection as? QUICClientConnection)
            // It has its stream, and so have those that follow: the server has seen it when it has seen them.
            try await wait(for: quic) { $0.calls.count == 1 }
            async let last = connection.call(Self.look, Bytes(utf8: "behind it"))
            await lab.log.waitFor("look behind it")
            #expect(lab.log.all == ["look first", "look behind it"])
            lab.relay.setOpen()
            #expect(try await paid == Bytes(utf8: "100"))
            #expect(try await last == Bytes(utf8: "behind it"))
            #expect(lab.log.all == ["look first", "look behind it", "pay 100"])
            #expect(try await QUICControl(connection)?.statistics().isEarlyDataAccepted == true)
        }
    }

    @Test func `calls that were sent early are sent again when the server does not take early data`() async throws {
        try await Lab.run { lab in
            try await lab.visit()
            // The server no longer knows its tickets.
            lab.credentials.revoke([.certificate(try TestIdentities.shared.issue(name: "other").fingerprint)])
            let connection = try await lab.client.connect(to: lab.endpoint)
            async let paid = connection.call(Self.pay, Bytes(utf8: "100"))
            async let reply = connection.call(Self.look, Bytes(utf8: "early"))
            async let chat = Self.chat(connection, (0..<20).map { "\($0)" + String(repeating: "x", count: 3000) })
            let quic = try #require(connection as? QUICClientConnection)
            try await wait(for: quic) { $0.calls.count == 2 }
            #expect(lab.log.all == ["look first"])
            lab.relay.setOpen()
            #expect(try await reply == Bytes(utf8: "early"))
            #expect(try await paid == Bytes(utf8: "100"))
            #expect(try await chat.count == 20)
            #expect(lab.log.all.count { $0 == "look early" } == 1)
            #expect(try await QUICControl(connection)?.statistics().isEarlyDataAccepted == false)
            // The connection and its next session are as good as any.
            await connection.close(within: .zero)
            let next = try await lab.client.connect(to: lab.endpoint)
            #expect(try await next.call(Self.look, Bytes(utf8: "later")) == Bytes(utf8: "later"))
            #expect(try await QUICControl(next)?.statistics().isEarlyDataAccepted == true)
        }
    }

    @Test func `a call that was sent early can be cancelled, and its deadline holds`() async throws {
        try await Lab.run { lab in
            try await lab.visit()
            let connection = try await lab.client.connect(to: lab.endpoint)
            let error = await #expect(throws: TransportError.self) {
                try await connection.call(
                    Self.look, Bytes(utf8: "early"), deadline: Deadline(.now.advanced(by: .milliseconds(100))))
            }
            #expect(error?.code == .deadlineExceeded)
            lab.relay.setOpen()
            #expect(try await connection.call(Self.look, Bytes(utf8: "next")) == Bytes(utf8: "next"))
        }
    }

    @Test func `a server that does not answer fails the calls, and says which it may have seen`() async throws {
        // Long enough for both calls to begin.
        try await Lab.run(configure: { $0.handshakeTimeout = .seconds(10) }) { lab in
            try await lab.visit()
            let connection = try await lab.client.connect(to: lab.endpoint)
            async let paid = Result { try await connection.call(Self.pay, Bytes(utf8: "100")) }
            async let reply = Result { try await connection.call(Self.look, Bytes(utf8: "early")) }
            let (paidError, replyError) = await (paid.transportError, reply.transportError)
            #expect(paidError?.code == .unavailable && paidError?.processing == .notProcessed)
            #expect(replyError?.code == .unavailable && replyError?.processing == .unknown)
            #expect(connection.state.isClosed)
        }
    }

    @Test func `a server that is revoked before it has answered is left`() async throws {
        try await Lab.run { lab in
            try await lab.visit()
            let connection = try await lab.client.connect(to: lab.endpoint)
            async let paid = Result { try await connection.call(Self.pay, Bytes(utf8: "100")) }
            let quic = try #require(connection as? QUICClientConnection)
            try await wait(for: quic) { $0.queue.count == 1 }
            lab.clientCredentials.revoke([.certificate(TestIdentities.shared.node.fingerprint)])
            let error = await paid.transportError
            #expect(error?.code == .unauthenticated && error?.processing == .notProcessed)
            lab.relay.setOpen()
            let refusal = await #expect(throws: TransportError.self) { try await lab.client.connect(to: lab.endpoint) }
            #expect(refusal?.code == .unauthenticated)
            #expect(!lab.log.all.contains("pay 100"))
        }
    }

    /// A name may stand for several addresses, and early data shows nobody which of them answers.
    @Test func `early data goes to where the server was`() async throws {
        try await Lab.run { lab in
            let endpoint = try Endpoint(parsing: "quic://localhost:\(lab.relay.port)")
            for isFirst in [true, false] {
                let connection = try await lab.client.connect(to: endpoint)
                #expect(try await connection.call(Self.look, Bytes(utf8: "x")) == Bytes(utf8: "x"))
                #expect(try await QUICControl(connection)?.statistics().isEarlyDataAccepted == !isFirst)
                await connection.close(within: .zero)
            }
        }
    }

    @Test(arguments: [(true, false), (false, true)])
    func `nothing is early unless both sides want it`(clientSends: Bool, serverAccepts: Bool) async throws {
        try await Lab.run(clientSends: clientSends, serverAccepts: serverAccepts) { lab in
            try await lab.visit()
            lab.relay.setOpen()
            let connection = try await lab.client.connect(to: lab.endpoint)
            #expect(connection.state.isReady)
            #expect(try await connection.call(Self.look, Bytes(utf8: "x")) == Bytes(utf8: "x"))
            let statistics = try await QUICControl(connection)?.statistics()
            #expect(statistics?.isResumed == true && statistics?.isEarlyDataAccepted == false)
        }
    }

    /// Sends all and reads all.
    private static func chat(_ connection: any Connection, _ words: [String]) async throws -> [String] {
        let call = try await connection.call(chat)
        async let sent: Void = {
            for word in words { try await call.requests.send(Bytes(utf8: word)) }
            try await call.requests.finish()
        }()
        var heard: [String] = []
        for try await response in call.responses { heard.append(String(decoding: response, as: UTF8.self)) }
        try await sent
        return heard
    }
}

extension Result {
    fileprivate var transportError: TransportError? {
        if case .failure(let error) = self { error as? TransportError } else { nil }
    }
}
