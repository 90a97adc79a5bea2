import ForeignPeers
import GRPCTransport
import NodeTransport
import Testing

/// Shutting down takes as long as there is work, and no longer than it may.
@Suite(.timeLimit(.minutes(5))) struct ShutdownTests {
    /// Much less than `long`, and more than a busy machine takes.
    private static let soon: Duration = .seconds(60)
    private static let long: Duration = .seconds(240)

    @Test(arguments: [false, true], [false, true])
    func `idle connections hold nothing up`(_ usesTLS: Bool, _ isServer: Bool) async throws {
        try await ConnectionRig.run(usesTLS ? ConnectionRig.mutualTLS : .plaintext) { rig in
            var connections = [rig.connection]
            for _ in 0..<20 { connections.append(try await rig.client.connect(to: rig.listener.endpoint)) }
            let took = await ContinuousClock().measure {
                await (isServer ? rig.server : rig.client).shutdown(within: Self.long)
            }
            #expect(took < Self.soon)
            for connection in connections {
                for await state in connection.stateUpdates() where state.isClosed {}
                #expect(connection.state.isClosed)
            }
        }
    }

    /// A connection on which a peer says nothing any more must not keep a server.
    @Test func `a client that does not answer is left when the time is over`() async throws {
        let events = EventLog()
        try await ConnectionRig.run(server: { $0.onEvent = { events.note($0) } }) { rig in
            let endpoint = rig.listener.endpoint
            let socket = try await blocking {
                let socket = try RawSocket(to: endpoint)
                socket.send(Raw.opening + Raw.ping)
                var frames = FrameReader(socket)
                _ = try frames.next(RawFrame.Kind.ping)
                return socket
            }
            let took = await ContinuousClock().measure { await rig.server.shutdown(within: .milliseconds(100)) }
            #expect(took < Self.soon)
            _ = try await blocking { try socket.drain() }
        }
    }

    @Test(arguments: [false, true])
    func `a shutdown whose task is cancelled does not wait for calls`(_ isServer: Bool) async throws {
        try await ConnectionRig.run(services: [DeafService()]) { rig in
            let call = try await rig.open(DeafService.method)
            let shutdown = Task {
                withUnsafeCurrentTask { $0?.cancel() }
                await (isServer ? rig.server : rig.client).shutdown(within: Self.long)
            }
            let took = await ContinuousClock().measure { await shutdown.value }
            #expect(took < Self.soon)
            let error = try await TransportError.thrown { _ = try await call.receive() }
            #expect(error.code == .unavailable, "\(error)")
        }
    }

    /// The calls that a client had sent when the server said goodbye are answered (RFC 9113 §6.8).
    @Test func `no call is lost in a graceful shutdown`() async throws {
        for _ in 0..<5 {
            try await ConnectionRig.run { rig in
                await withTaskGroup { group in
                    for _ in 0..<8 {
                        group.addTask {
                            while true {
                                do {
                                    _ = try await rig.connection.call(Echo.unary, Bytes())
                                } catch let error as TransportError {
                                    // Refused before it was sent, never cut off.
                                    #expect(error.code == .unavailable, "\(error)")
                                    #expect(error.processing == .notProcessed, "\(error)")
                                    return
                                } catch {
                                    Issue.record(error)
                                    return
                                }
                            }
                        }
                    }
                    _ = try? await rig.connection.call(Echo.unary, Bytes())
                    await rig.server.shutdown(within: Self.long)
                }
            }
        }
    }
}
