internal import NodeTransport

extension TransportContract {
    /// How far a sender may get ahead of a reader that does not read.
    private static let maximumLeadBytes = 16 * 1_048_576
    private static let chunk = pattern(65_536)

    private static func chunkCount(_ test: any TransportUnderTest) -> Int {
        max(test.bulkBytes, 24 * 1_048_576) / chunk.count
    }

    static let backPressure: [ContractCase] = [
        ContractCase("a client that reads slowly slows the server") { test in
            let chunkCount = chunkCount(test)
            let sent = Counter()
            let handlers = [
                ContractMethods.serverStream.handle { _, responses, _ in
                    for _ in 0..<chunkCount {
                        try await responses.send(chunk)
                        sent.add()
                    }
                },
                ContractMethods.ask.handle { _, _ in String(sent.value) },
            ]
            try await Rig.with(test, serving: handlers) { rig in
                let stream = try await rig.connection.call(ContractMethods.serverStream, Bytes())
                let lead = try await rig.settledAnswer() * chunk.count
                try require(
                    lead <= maximumLeadBytes,
                    "a server is held back by a client that does not read; it sent \(lead) bytes")
                var received = 0
                while let message = try await stream.next() {
                    try requireEqual(message.count, chunk.count, "messages arrive whole")
                    received += 1
                    let ahead = (sent.value - received) * chunk.count
                    try require(
                        ahead <= maximumLeadBytes, "a server is held back by a slow client; it was \(ahead) bytes ahead"
                    )
                }
                try requireEqual(received, chunkCount, "everything arrives in the end")
            }
        },
        ContractCase("a server that reads slowly slows the client") { test in
            let chunkCount = chunkCount(test)
            let (sent, mayRead) = (Counter(), Signal())
            let handlers = [
                ContractMethods.clientStream.handle { requests, _ in
                    try await mayRead.wait()
                    var count = 0
                    while try await requests.next() != nil { count += 1 }
                    return Bytes(number: count)
                },
                ContractMethods.ask.handle { _, _ in String(sent.value) },
            ]
            try await Rig.with(test, serving: handlers) { rig in
                let call = try await rig.connection.call(ContractMethods.clientStream)
                async let sending: Void = {
                    for _ in 0..<chunkCount {
                        try await call.requests.send(chunk)
                        sent.add()
                    }
                }()
                let lead = try await rig.settledAnswer() * chunk.count
                try require(
                    lead <= maximumLeadBytes,
                    "a client is held back by a server that does not read; it sent \(lead) bytes")
                mayRead.fire()
                try await sending
                let response = try await call.response()
                try requireEqual(response.number, chunkCount, "everything arrives in the end")
            }
        },
        ContractCase("both directions can be held back at once") { test in
            let chunkCount = chunkCount(test) / 4
            let sent = Counter()
            let handlers = [
                ContractMethods.bidirectional.handle { requests, responses, _ in
                    for _ in 0..<chunkCount {
                        try await responses.send(chunk)
                        sent.add()
                    }
                    while try await requests.next() != nil {}
                },
                ContractMethods.ask.handle { _, _ in String(sent.value) },
            ]
            try await Rig.with(test, serving: handlers) { rig in
                let call = try await rig.connection.call(ContractMethods.bidirectional)
                async let sending: Void = {
                    for _ in 0..<chunkCount {
                        try await call.requests.send(chunk)
                        sent.add()
                    }
                    try await call.requests.finish()
                }()
                let lead = try await rig.settledAnswer() * chunk.count
                try require(lead <= 2 * maximumLeadBytes, "two senders are held back; they sent \(lead) bytes")
                var received = 0
                while try await call.responses.next() != nil { received += 1 }
                try await sending
                try requireEqual(received, chunkCount, "everything arrives in the end")
            }
        },
        ContractCase("messages of a slow writer arrive one by one") { test in
            let received = Counter()
            let handlers = [
                ContractMethods.bidirectional.handle { requests, responses, _ in
                    while let request = try await requests.next() {
                        guard request.number == received.value else {
                            throw TransportError(.dataLoss, "message \(request.text) came late")
                        }
                        received.add()
                        try await responses.send(Bytes(number: received.value))
                    }
                }
            ]
            try await Rig.with(test, serving: handlers) { rig in
                let call = try await rig.connection.call(ContractMethods.bidirectional)
                for number in 0..<20 {
                    // Another call in between, so that the stream is seen idle.
                    _ = try? await rig.connection.call(ContractMethods.ask, "")
                    try await call.requests.send(Bytes(number: number))
                    let response = try await call.responses.next()
                    try requireEqual(response?.number, number + 1, "a lone message is not held back")
                }
                call.cancel()
            }
        },
    ]
}
