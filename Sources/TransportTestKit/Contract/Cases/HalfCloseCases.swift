internal import NodeTransport

extension TransportContract {
    static let halfClose: [ContractCase] = [
        ContractCase("the client closes its side first") { test in
            let handler = ContractMethods.bidirectional.handle { requests, responses, _ in
                var count = 0
                while try await requests.next() != nil { count += 1 }
                for number in 0..<count { try await responses.send(Bytes(number: number)) }
            }
            try await Rig.with(test, serving: [handler]) { rig in
                let call = try await rig.connection.call(ContractMethods.bidirectional)
                for number in 0..<10 { try await call.requests.send(Bytes(number: number)) }
                try await call.requests.finish()
                for number in 0..<10 {
                    let response = try await call.responses.next()
                    try requireEqual(response?.number, number, "responses arrive after the client has half-closed")
                }
                let end = try await call.responses.next()
                try require(end == nil, "the stream ends when the handler returns")
            }
        },
        ContractCase("the server ends a call well while the client is still sending") { test in
            let handler = ContractMethods.bidirectional.handle { requests, responses, _ in
                let first = try await requests.next()
                try await responses.send(first ?? Bytes())
            }
            try await Rig.with(test, serving: [handler]) { rig in
                let call = try await rig.connection.call(ContractMethods.bidirectional)
                try await call.requests.send(Bytes(utf8: "first"))
                let response = try await call.responses.next()
                try requireEqual(response?.text, "first", "the response arrives")
                let end = try await call.responses.next()
                try require(end == nil, "the call ends well without the client's half-close")
                try await requireError(.failedPrecondition, promise: "sending after the call has ended well") {
                    try await call.requests.send(Bytes(utf8: "second"))
                }
                let still = try await call.responses.next()
                try require(still == nil, "the outcome stays")
            }
        },
        ContractCase("the server ends a call with an error while the client is still sending") { test in
            let handler = ContractMethods.bidirectional.handle { requests, _, _ in
                _ = try await requests.next()
                throw TransportError(.aborted, "enough")
            }
            try await Rig.with(test, serving: [handler]) { rig in
                let call = try await rig.connection.call(ContractMethods.bidirectional)
                try await call.requests.send(Bytes(utf8: "first"))
                try await requireError(.aborted, promise: "an early status reaches the client") {
                    try await call.responses.next()
                }
                try await requireError(.aborted, promise: "sending after that fails with the call's status") {
                    try await call.requests.send(Bytes(utf8: "second"))
                }
            }
        },
        ContractCase("an early answer ends an endless upload") { test in
            let handler = ContractMethods.clientStream.handle { requests, _ in
                for _ in 0..<3 { _ = try await requests.next() }
                return Bytes(utf8: "enough")
            }
            try await Rig.with(test, serving: [handler]) { rig in
                let response = try await rig.connection.call(ContractMethods.clientStream, Endless())
                try requireEqual(response.text, "enough", "an early answer is the call's response")
            }
        },
        ContractCase("an early refusal ends an endless upload") { test in
            let handler = ContractMethods.clientStream.handle { requests, _ in
                for _ in 0..<3 { _ = try await requests.next() }
                throw TransportError(.permissionDenied, "not you")
            }
            try await Rig.with(test, serving: [handler]) { rig in
                try await requireError(.permissionDenied, promise: "an early refusal is the call's status") {
                    try await rig.connection.call(ContractMethods.clientStream, Endless())
                }
            }
        },
        ContractCase("a client may close its side at once, and more than once") { test in
            let handler = ContractMethods.bidirectional.handle { requests, responses, _ in
                let first = try await requests.next()
                try await responses.send(Bytes(utf8: first == nil ? "none" : "some"))
            }
            try await Rig.with(test, serving: [handler]) { rig in
                let call = try await rig.connection.call(ContractMethods.bidirectional)
                try await call.requests.finish()
                try await call.requests.finish()
                let response = try await call.responses.next()
                try requireEqual(response?.text, "none", "a half-close without messages reaches the handler")
                let end = try await call.responses.next()
                try require(end == nil, "the call ends well")
                try await call.requests.finish()
            }
        },
        ContractCase("sending after the half-close is refused and harms nothing") { test in
            try await Rig.with(test, serving: [ContractMethods.echoStream]) { rig in
                let call = try await rig.connection.call(ContractMethods.bidirectional)
                try await call.requests.send(Bytes(utf8: "one"))
                try await call.requests.finish()
                try await requireError(.failedPrecondition, promise: "sending after finishSending()") {
                    try await call.requests.send(Bytes(utf8: "two"))
                }
                let response = try await call.responses.next()
                try requireEqual(response?.text, "one", "the call goes on after a refused message")
                let end = try await call.responses.next()
                try require(end == nil, "the refused message was not sent")
            }
        },
    ]

    /// Requests without end, each made when the transport takes it.
    private struct Endless: AsyncSequence, AsyncIteratorProtocol, Sendable {
        func makeAsyncIterator() -> Endless { self }

        func next() async throws -> Bytes? {
            try Task.checkCancellation()
            return Bytes(utf8: "and more")
        }
    }
}
