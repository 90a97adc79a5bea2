import NodeTransport
import Testing
import TransportTestKit

@Suite("The in-memory transport", .timeLimit(.minutes(5)))
struct InMemoryTransportTests {
    private struct TestService: Service {
        var handlers: [MethodHandler] = []
        var datagramHandler: DatagramHandler?
    }

    private static let echo = Method<Unary, String, String>("test.Test", "Echo", request: .utf8, response: .utf8)
    private static let wait = Method<Unary, String, String>("test.Test", "Wait", request: .utf8, response: .utf8)
    private static let endpoint = "memory://test"

    /// Does not return before it is cancelled.
    private static let waiting = wait.handle { _, context in
        _ = try await context.call.receive()
        // Ends when the task is cancelled.
        for await _ in AsyncStream<Never>.makeStream().stream {}
        throw CancellationError()
    }

    @Test("Deadlines pass on the clock that was put in")
    func virtualDeadline() async throws {
        let clock = VirtualClock()
        let transport = InMemoryTransport(clock: clock)
        _ = try await transport.listen(on: Self.endpoint, services: [TestService(handlers: [Self.waiting])])
        let connection = try await transport.connect(to: Self.endpoint)
        async let answer = connection.call(Self.wait, "", deadline: .after(.seconds(1000), clock: clock))
        await clock.waitForSleepers()
        clock.advance(by: .seconds(1000))
        do {
            _ = try await answer
            Issue.record("the deadline did not pass")
        } catch let error as TransportError {
            #expect(error.code == .deadlineExceeded)
        }
        await transport.shutdown(within: .zero)
    }

    @Test("The bound of a shutdown passes on the clock that was put in")
    func virtualShutdown() async throws {
        let clock = VirtualClock()
        let transport = InMemoryTransport(clock: clock)
        let listener = try await transport.listen(on: Self.endpoint, services: [TestService(handlers: [Self.waiting])])
        let connection = try await transport.connect(to: Self.endpoint)
        let call = try await connection.open(CallHead(method: Self.wait.name, shape: .unary))
        async let stopping: Void = listener.shutdown(within: .seconds(30))
        await clock.waitForSleepers()
        clock.advance(by: .seconds(29))
        #expect(!connection.state.isClosed)
        clock.advance(by: .seconds(1))
        await stopping
        let error = await #expect(throws: TransportError.self) { try await call.receive() }
        #expect(error?.code == .unavailable)
    }

    @Test func disconnectingLeavesTheListener() async throws {
        let network = InMemoryNetwork()
        let transport = InMemoryTransport(network: network)
        let service = TestService(handlers: [Self.echo.handle { text, _ in text }])
        let listener = try await transport.listen(on: Self.endpoint, services: [service])
        let lost = try await transport.connect(to: Self.endpoint)
        network.disconnect(listener.endpoint)
        #expect(lost.state.isClosed)
        #expect(try await transport.connect(to: Self.endpoint).call(Self.echo, "x") == "x")
        await transport.shutdown(within: .zero)
    }

    @Test func aFullDatagramQueueDropsTheOldest() async throws {
        var configuration = InMemoryConfiguration()
        configuration.maximumBufferedDatagrams = 2
        let transport = InMemoryTransport(configuration: configuration)
        let (answered, continuation) = AsyncStream.makeStream(of: Bytes.self)
        let service = TestService(datagramHandler: { datagram, _ in
            continuation.yield(datagram)
            return datagram
        })
        _ = try await transport.listen(on: Self.endpoint, services: [service])
        let connection = try await transport.connect(to: Self.endpoint)
        var answers = answered.makeAsyncIterator()
        for number in 0..<5 as Range<UInt8> {
            try await connection.sendDatagram([number])
            #expect(await answers.next() == [number])
        }
        // The last answer may not be in the queue yet; what is read is in order, and the first are gone.
        let first = try await connection.receiveDatagram()
        #expect(first[0] >= 2)
        await transport.shutdown(within: .zero)
    }

    @Test func twoReadersOfOneCallAreRefused() async throws {
        let transport = InMemoryTransport()
        _ = try await transport.listen(on: Self.endpoint, services: [TestService(handlers: [Self.waiting])])
        let connection = try await transport.connect(to: Self.endpoint)
        let call = try await connection.open(CallHead(method: Self.wait.name, shape: .unary))
        await withTaskGroup(of: StatusCode?.self) { group in
            for _ in 0..<2 {
                group.addTask {
                    do {
                        _ = try await call.receive()
                        return nil
                    } catch { return (error as? TransportError)?.code }
                }
            }
            #expect(await group.next() == .failedPrecondition)
            call.cancel()
            #expect(await group.next() == .cancelled)
        }
        await transport.shutdown(within: .zero)
    }

    @Test func identitiesAreShownToThePeer() async throws {
        let network = InMemoryNetwork()
        let fingerprint = try #require(Fingerprint(bytes: Bytes(repeatElement(7, count: 32))))
        var configuration = InMemoryConfiguration()
        configuration.identity = PeerIdentity(
            names: [.dns("node-7")], commonName: nil, fingerprint: fingerprint, publicKeyFingerprint: fingerprint,
            chain: [])
        let client = InMemoryTransport(network: network, configuration: configuration)
        let server = InMemoryTransport(network: network)
        let service = TestService(handlers: [
            Self.echo.handle { _, context in context.peer.map { "\($0.names)" } ?? "nobody" }
        ])
        _ = try await server.listen(on: Self.endpoint, services: [service])
        let connection = try await client.connect(to: Self.endpoint)
        #expect(try await connection.call(Self.echo, "").contains("node-7"))
        #expect(connection.peer == nil)
        await client.shutdown(within: .zero)
        await server.shutdown(within: .zero)
    }
}
