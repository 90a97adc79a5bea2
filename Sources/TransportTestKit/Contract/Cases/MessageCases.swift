internal import NodeTransport

extension TransportContract {
    static let messages: [ContractCase] =
        [
            messageCase("1 MiB") { _ in 1_048_576 },
            messageCase("the limit less 16 bytes") { $0.maximumMessageBytes - 16 },
        ] + [
            ContractCase("a request over the limit is refused, and the connection goes on") { test in
                let size = test.maximumMessageBytes + 1
                try await Rig.with(test, serving: [ContractMethods.echo, ContractMethods.echoStream]) { rig in
                    let error = try await requireError(
                        .resourceExhausted, promise: "a request over the limit is refused"
                    ) {
                        try await rig.connection.call(ContractMethods.unary, pattern(size))
                    }
                    try requireNames(error, size: size, limit: test.maximumMessageBytes)
                    let call = try await rig.connection.call(ContractMethods.bidirectional)
                    try await call.requests.send(Bytes(utf8: "before"))
                    let before = try await call.responses.next()
                    try requireEqual(before?.text, "before", "a message before the large one arrives")
                    try await requireError(.resourceExhausted, promise: "a large message ends a stream") {
                        try await call.requests.send(pattern(size))
                        _ = try await call.responses.next()
                    }
                    try await requireError(.resourceExhausted, promise: "the call has ended with that status") {
                        try await call.responses.next()
                    }
                    let after = try await rig.connection.call(ContractMethods.unary, Bytes(utf8: "after"))
                    try requireEqual(after.text, "after", "the connection goes on after a large request")
                }
            },
            ContractCase("a response over the limit is refused, and the connection goes on") { test in
                let size = test.maximumMessageBytes + 1
                let handlers = [
                    ContractMethods.unary.handle { request, _ in pattern(request.number) },
                    ContractMethods.serverStream.handle { request, responses, _ in
                        try await responses.send(Bytes(utf8: "small"))
                        try await responses.send(pattern(request.number))
                        try await responses.send(Bytes(utf8: "never"))
                    },
                ]
                try await Rig.with(test, serving: handlers) { rig in
                    let error = try await requireError(
                        .resourceExhausted, promise: "a response over the limit is refused"
                    ) {
                        try await rig.connection.call(ContractMethods.unary, Bytes(number: size))
                    }
                    try requireNames(error, size: size, limit: test.maximumMessageBytes)
                    let stream = try await rig.connection.call(ContractMethods.serverStream, Bytes(number: size))
                    // The first message may still be on its way when the receiving end refuses the second.
                    try await requireError(.resourceExhausted, promise: "a large message ends a stream") {
                        while let message = try await stream.next() {
                            try requireEqual(message.text, "small", "nothing follows the refused message")
                        }
                    }
                    let after = try await rig.connection.call(ContractMethods.unary, Bytes(number: 5))
                    try requireEqual(after.count, 5, "the connection goes on after a large response")
                }
            },
        ]

    private static func messageCase(
        _ size: String, _ byteCount: @escaping @Sendable (any TransportUnderTest) -> Int
    ) -> ContractCase {
        ContractCase("a message of \(size) arrives unchanged both ways") { test in
            let message = pattern(byteCount(test))
            try await Rig.with(test, serving: [ContractMethods.echo, ContractMethods.echoStream]) { rig in
                let response = try await rig.connection.call(ContractMethods.unary, message)
                try require(response == message, "a message of \(size) arrives unchanged in a unary call")
                let call = try await rig.connection.call(ContractMethods.bidirectional)
                for _ in 0..<3 {
                    async let sending: Void = call.requests.send(message)
                    let response = try await call.responses.next()
                    try await sending
                    try require(response == message, "a message of \(size) arrives unchanged in a stream")
                }
                try await call.requests.finish()
                let end = try await call.responses.next()
                try require(end == nil, "the stream ends after large messages")
            }
        }
    }

    private static func requireNames(_ error: TransportError, size: Int, limit: Int) throws {
        for number in [size, limit] {
            try require(
                error.message.contains(String(number)), "the refusal names the size and the limit: \(error.message)")
        }
    }
}
