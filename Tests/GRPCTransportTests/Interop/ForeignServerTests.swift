import GRPCTransport
import NodeTransport
import Testing

/// Our client against servers that we did not write.
@Suite struct ForeignServerTests {
    @Test(.enabled(if: Peers.isThere(Peers.python)))
    func grpcioServesUsInPlaintext() async throws {
        let (peer, port) = try await PeerProcess.server(Peers.python, [Peers.script("echo_server.py"), "--port", "0"])
        defer { withExtendedLifetime(peer) {} }
        try await expectAllCases(.plaintext, port)
    }

    @Test(.enabled(if: Peers.isThere(Peers.python)))
    func grpcioServesUsUnderMutualTLS() async throws {
        let files = try IdentityFiles()
        defer { files.remove() }
        let (peer, port) = try await PeerProcess.server(
            Peers.python, [Peers.script("echo_server.py"), "--port", "0"] + files.serverArguments)
        defer { withExtendedLifetime(peer) {} }
        try await expectAllCases(files.security("client"), port)
    }

    @Test(.enabled(if: Peers.isThere(Peers.cpp)))
    func grpcCppServesUs() async throws {
        let (peer, port) = try await PeerProcess.server(Peers.cpp, ["serve", "--port", "0"])
        defer { withExtendedLifetime(peer) {} }
        try await connected(.plaintext, port) { connection in
            for size in [0, 64, 1 << 20] {
                let message = Bytes([UInt8](repeating: 7, count: size))
                #expect(try await connection.call(Echo.unary, message) == message)
            }
            try await hundredsAtOnce(connection)
        }
    }

    @Test(.enabled(if: Peers.isThere(Peers.python)))
    func aKilledServerIsNoticedAtOnce() async throws {
        let (peer, port) = try await PeerProcess.server(Peers.python, [Peers.script("echo_server.py"), "--port", "0"])
        try await connected(.plaintext, port) { connection in
            let call = try await connection.open(CallHead(method: Echo.slow.name, shape: .unary))
            try await call.send(Bytes(utf8: "doomed"))
            try await call.finishSending()
            _ = try await call.initialMetadata()
            peer.kill()
            await #expect { try await call.receive() } throws: { ($0 as? TransportError)?.code == .unavailable }
            for await state in connection.stateUpdates() where state.isClosed { break }
            await #expect { try await connection.call(Echo.unary, Bytes()) } throws: {
                ($0 as? TransportError)?.processing == .notProcessed
            }
        }
    }

    private func connected(
        _ security: GRPCTransport.Security, _ port: Int, _ body: (any Connection) async throws -> Void
    ) async throws {
        let transport = try GRPCTransport(security: security)
        let outcome: Result<Void, any Error>
        do {
            outcome = .success(try await body(transport.connect(to: "grpc://127.0.0.1:\(port)")))
        } catch {
            outcome = .failure(error)
        }
        await transport.shutdown(within: .zero)
        try outcome.get()
    }

    private func expectAllCases(_ security: GRPCTransport.Security, _ port: Int) async throws {
        try await connected(security, port) { connection in
            try await shapes(connection)
            try await errors(connection)
            try await metadata(connection)
            try await deadline(connection)
            try await cancellation(connection)
            try await hundredsAtOnce(connection)
        }
    }

    private func shapes(_ connection: any Connection) async throws {
        for size in [0, 1, 1 << 20] {
            let message = Bytes([UInt8](repeating: 9, count: size))
            #expect(try await connection.call(Echo.unary, message) == message)
        }
        var request = BytesBuilder()
        request.append(bigEndian: UInt32(1000))
        request.append(contentsOf: "payload".utf8)
        var received = 0
        for try await response in try await connection.call(Echo.serverStream, request.finish()) {
            #expect(response == Bytes(utf8: "payload"))
            received += 1
        }
        #expect(received == 1000)

        let upload = try await connection.call(Echo.clientStream)
        for size in 1...100 { try await upload.requests.send(Bytes([UInt8](repeating: 1, count: size))) }
        let sum = try await upload.response()
        #expect(sum.prefix(8).reduce(0) { $0 << 8 | Int($1) } == 5050)
        #expect(sum.suffix(8).reduce(0) { $0 << 8 | Int($1) } == 100)

        let chat = try await connection.call(Echo.bidi)
        for number in 0..<100 {
            try await chat.requests.send(Bytes(utf8: "message \(number)"))
            #expect(try await chat.responses.next() == Bytes(utf8: "message \(number)"))
        }
        try await chat.requests.finish()
        #expect(try await chat.responses.next() == nil)
    }

    private func errors(_ connection: any Connection) async throws {
        for (code, name) in Echo.codeNames.enumerated().dropFirst() {
            let message = "\(name) – nicht gefunden, 100 %\nline 2"
            await #expect {
                try await connection.call(Echo.fail, "\(name):\(message)")
            } throws: { error in
                guard let error = error as? TransportError else { return false }
                return error.code.rawValue == code && error.message == message && error.origin == .remote
                    && error.metadata[binary: "x-fail-bin"] == Bytes(utf8: "\(name):\(message)")
            }
        }
        await #expect { try await connection.call(Echo.absent, Bytes()) } throws: {
            ($0 as? TransportError)?.code == .unimplemented
        }
        let large = Bytes([UInt8](repeating: 0, count: 4_194_305))
        await #expect { try await connection.call(Echo.unary, large) } throws: {
            ($0 as? TransportError)?.code == .resourceExhausted
        }
    }

    private func metadata(_ connection: any Connection) async throws {
        var sent = Metadata()
        try sent.add("x-text", "one")
        try sent.add("x-text", "two")
        try sent.add("x-blob-bin", Bytes(0...255))
        try sent.add("x-empty-bin", Bytes())
        let reply = try await connection.callWithMetadata(Echo.metadata, Bytes(utf8: "hi"), metadata: sent)
        for echoed in [reply.initialMetadata, reply.trailers] {
            #expect(echoed.values("x-text") == [.text("one"), .text("two")])
            #expect(echoed.values("x-blob-bin") == [.binary(Bytes(0...255))])
            #expect(echoed.values("x-empty-bin") == [.binary(Bytes())])
        }
    }

    private func deadline(_ connection: any Connection) async throws {
        let key = Bytes(utf8: "deadline")
        let call = try await connection.open(
            CallHead(method: Echo.slow.name, shape: .unary, deadline: .after(.seconds(2))))
        try await call.send(key)
        try await call.finishSending()
        let left = try #require(try await call.initialMetadata()[text: "x-deadline-ms"].flatMap(Int.init))
        #expect((1...2000).contains(left))
        await #expect { try await call.receive() } throws: { ($0 as? TransportError)?.code == .deadlineExceeded }
        #expect(try await connection.call(Echo.wasCancelled, key) == "cancelled")
    }

    private func cancellation(_ connection: any Connection) async throws {
        let key = Bytes(utf8: "cancelled")
        let call = try await connection.open(CallHead(method: Echo.slow.name, shape: .unary))
        try await call.send(key)
        try await call.finishSending()
        _ = try await call.initialMetadata()
        call.cancel()
        await #expect { try await call.receive() } throws: { ($0 as? TransportError)?.code == .cancelled }
        #expect(try await connection.call(Echo.wasCancelled, key) == "cancelled")
    }

    private func hundredsAtOnce(_ connection: any Connection) async throws {
        try await withThrowingTaskGroup(of: Bool.self) { group in
            for number in 0..<500 {
                group.addTask {
                    let message = Bytes(utf8: "call \(number)")
                    return try await connection.call(Echo.unary, message) == message
                }
            }
            for try await isEqual in group { #expect(isEqual) }
        }
    }
}
