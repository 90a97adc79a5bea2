import ForeignPeers
import GRPCTransport
import NodeTransport
import Testing

/// Large messages over TLS, whole and cut off.
@Suite(.timeLimit(.minutes(5))) struct TLSMessageTests {
    private static let large = pattern(4 << 20)

    @Test func `messages of 4 MiB go both ways at once`() async throws {
        try await ConnectionRig.run(ConnectionRig.mutualTLS) { rig in
            let large = Self.large
            try await withThrowingTaskGroup { group in
                for _ in 0..<3 {
                    group.addTask {
                        let answer = try await rig.connection.call(Echo.unary, large)
                        #expect(answer == large)
                    }
                }
                group.addTask {
                    let call = try await rig.connection.call(Echo.bidi)
                    async let answers = call.responses.reduce(into: 0) { if $1 == large { $0 += 1 } }
                    for _ in 0..<3 { try await call.requests.send(large) }
                    try await call.requests.finish()
                    let count = try await answers
                    #expect(count == 3)
                }
                try await group.waitForAll()
            }
        }
    }

    @Test func `a message over the limit ends its call and no other`() async throws {
        try await ConnectionRig.run(ConnectionRig.mutualTLS) { rig in
            let tooLarge = pattern((4 << 20) + 1)
            let error = try await TransportError.thrown { _ = try await rig.connection.call(Echo.unary, tooLarge) }
            #expect(error.code == .resourceExhausted)
            #expect(error.message == "a message of 4194305 bytes is over the limit of 4194304 bytes", "\(error)")
            #expect(try await rig.connection.call(Echo.unary, Self.large) == Self.large)
        }
    }

    @Test func `calls cancelled in the middle of a message leave the connection whole`() async throws {
        try await ConnectionRig.run(ConnectionRig.mutualTLS) { rig in
            let large = Self.large
            var request = BytesBuilder(capacity: large.count)
            request.append(bigEndian: UInt32(100))
            request.append(large.slice(0..<1 << 20))
            let head = request.finish()
            for round in 0..<5 {
                // One that the server is in the middle of sending.
                let responses = try await rig.connection.call(Echo.serverStream, head)
                var read = 0
                for try await response in responses {
                    #expect(response.count == 1 << 20)
                    read += 1
                    if read > round { break }
                }
                responses.cancel()
                // One that the client is in the middle of sending.
                let sending = Task { try await rig.connection.call(Echo.unary, large) }
                let small = Bytes(utf8: "round \(round)")
                #expect(try await rig.connection.call(Echo.unary, small) == small)
                sending.cancel()
                if case .failure(let error as TransportError) = await sending.result {
                    #expect(error.code == .cancelled, "\(error)")
                }
                #expect(try await rig.connection.call(Echo.unary, small) == small)
            }
            #expect(try await rig.connection.call(Echo.unary, large) == large)
        }
    }
}
