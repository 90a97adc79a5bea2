package import NodeTransport
internal import Testing

/// What a client of ours finds with a server of ``Echo``, whoever wrote it.
package struct EchoCases {
    private let connection: any Connection

    package init(_ connection: any Connection) { self.connection = connection }

    package func all() async throws {
        try await shapes()
        try await errors()
        try await metadata()
        try await deadline()
        try await cancellation()
        try await hundredsAtOnce()
    }

    package func shapes() async throws {
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

    package func errors() async throws {
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

    package func metadata() async throws {
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

    /// On a busy machine the handler may begin when it is too late; then it gets more time.
    package func deadline() async throws {
        for seconds in [2, 10] where try await hasBegun(within: seconds) { return }
        #expect(try await hasBegun(within: 60), "the handler has not begun")
    }

    /// False when the deadline has passed before the handler has answered.
    private func hasBegun(within seconds: Int) async throws -> Bool {
        let key = Bytes(utf8: "deadline \(seconds)")
        let call = try await connection.open(
            CallHead(method: Echo.slow.name, shape: .unary, deadline: .after(.seconds(seconds))))
        let head: Metadata
        do {
            try await call.send(key)
            try await call.finishSending()
            head = try await call.initialMetadata()
        } catch let error as TransportError where error.code == .deadlineExceeded {
            return false
        }
        let left = try #require(head[text: "x-deadline-ms"].flatMap(Int.init))
        #expect(left <= seconds * 1000)
        guard left > 0 else { return false }
        await #expect { try await call.receive() } throws: { ($0 as? TransportError)?.code == .deadlineExceeded }
        #expect(try await connection.call(Echo.wasCancelled, key) == "cancelled")
        return true
    }

    package func cancellation() async throws {
        let key = Bytes(utf8: "cancelled")
        let call = try await connection.open(CallHead(method: Echo.slow.name, shape: .unary))
        try await call.send(key)
        try await call.finishSending()
        _ = try await call.initialMetadata()
        call.cancel()
        await #expect { try await call.receive() } throws: { ($0 as? TransportError)?.code == .cancelled }
        #expect(try await connection.call(Echo.wasCancelled, key) == "cancelled")
    }

    package func hundredsAtOnce() async throws {
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
