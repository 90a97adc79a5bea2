internal import NodeTransport

extension TransportContract {
    static let shapes: [ContractCase] = [
        ContractCase("a unary call gets its response") { test in
            try await Rig.with(test, serving: [ContractMethods.echo]) { rig in
                let response = try await rig.connection.call(ContractMethods.unary, Bytes(utf8: "hello"))
                try requireEqual(response.text, "hello", "a unary call returns the handler's response")
            }
        },
        ContractCase("a server stream arrives whole and in order") { test in
            let handler = ContractMethods.serverStream.handle { request, responses, _ in
                for number in 0..<request.number { try await responses.send(Bytes(number: number)) }
            }
            try await Rig.with(test, serving: [handler]) { rig in
                let stream = try await rig.connection.call(ContractMethods.serverStream, Bytes(number: 100))
                var numbers: [Int] = []
                for try await response in stream { numbers.append(response.number) }
                try requireEqual(numbers, Array(0..<100), "a server stream arrives whole and in order")
                let after = try await stream.next()
                try require(after == nil, "receiving after the end returns nil again")
            }
        },
        ContractCase("a client stream arrives whole and in order") { test in
            let handler = ContractMethods.clientStream.handle { requests, _ in
                var next = 0
                while let request = try await requests.next() {
                    guard request.number == next else {
                        throw TransportError(.dataLoss, "\(request.text) after \(next)")
                    }
                    next += 1
                }
                return Bytes(number: next)
            }
            try await Rig.with(test, serving: [handler]) { rig in
                let (requests, continuation) = AsyncStream.makeStream(of: Bytes.self)
                for number in 0..<100 { continuation.yield(Bytes(number: number)) }
                continuation.finish()
                let response = try await rig.connection.call(ContractMethods.clientStream, requests)
                try requireEqual(response.number, 100, "a client stream arrives whole and in order")
            }
        },
        ContractCase("a bidirectional call goes back and forth") { test in
            try await Rig.with(test, serving: [ContractMethods.echoStream]) { rig in
                let call = try await rig.connection.call(ContractMethods.bidirectional)
                for number in 0..<100 {
                    try await call.requests.send(Bytes(number: number))
                    let response = try await call.responses.next()
                    try requireEqual(response?.number, number, "a message is delivered without waiting for the next")
                }
                try await call.requests.finish()
                let end = try await call.responses.next()
                try require(end == nil, "the stream ends when the handler returns")
            }
        },
        ContractCase("the server may speak first") { test in
            let handler = ContractMethods.bidirectional.handle { requests, responses, _ in
                for number in 0..<10 { try await responses.send(Bytes(number: number)) }
                while try await requests.next() != nil {}
            }
            try await Rig.with(test, serving: [handler]) { rig in
                let call = try await rig.connection.call(ContractMethods.bidirectional)
                for number in 0..<10 {
                    let response = try await call.responses.next()
                    try requireEqual(response?.number, number, "responses arrive before any request was sent")
                }
                try await call.requests.finish()
                let end = try await call.responses.next()
                try require(end == nil, "the stream ends when the handler returns")
            }
        },
        ContractCase("an empty message is a message") { test in
            let collect = ContractMethods.clientStream.handle { requests, _ in
                var count = 0
                while try await requests.next() != nil { count += 1 }
                return Bytes(number: count)
            }
            try await Rig.with(test, serving: [ContractMethods.echo, ContractMethods.echoStream, collect]) { rig in
                let response = try await rig.connection.call(ContractMethods.unary, Bytes())
                try require(response.isEmpty, "an empty unary message arrives empty")
                let call = try await rig.connection.call(ContractMethods.bidirectional)
                for _ in 0..<3 {
                    try await call.requests.send(Bytes())
                    let response = try await call.responses.next()
                    try requireEqual(response, Bytes(), "an empty message of a stream arrives empty")
                }
                try await call.requests.finish()
                let end = try await call.responses.next()
                try require(end == nil, "the stream ends after its empty messages")
                let counted = try await rig.connection.call(ContractMethods.clientStream)
                for _ in 0..<5 { try await counted.requests.send(Bytes()) }
                let count = try await counted.response()
                try requireEqual(count.number, 5, "each empty message counts")
            }
        },
        ContractCase("a stream may have no messages") { test in
            let handlers = [
                ContractMethods.serverStream.handle { _, _, _ in },
                ContractMethods.clientStream.handle { requests, _ in
                    let first = try await requests.next()
                    return Bytes(utf8: first == nil ? "none" : "some")
                },
                ContractMethods.bidirectional.handle { requests, _, _ in
                    while try await requests.next() != nil {}
                },
            ]
            try await Rig.with(test, serving: handlers) { rig in
                let stream = try await rig.connection.call(ContractMethods.serverStream, Bytes())
                let first = try await stream.next()
                try require(first == nil, "a server stream may be empty")
                let response = try await rig.connection.call(ContractMethods.clientStream).response()
                try requireEqual(response.text, "none", "a client stream may be empty")
                let call = try await rig.connection.call(ContractMethods.bidirectional)
                try await call.requests.finish()
                let end = try await call.responses.next()
                try require(end == nil, "both streams may be empty")
            }
        },
    ]
}
