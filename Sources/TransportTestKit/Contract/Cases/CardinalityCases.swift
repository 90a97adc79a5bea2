internal import NodeTransport

extension TransportContract {
    static let cardinality: [ContractCase] = [
        ContractCase("a method that takes one request refuses none and two") { test in
            let handlers = [
                ContractMethods.echo,
                ContractMethods.serverStream.handle { request, responses, _ in try await responses.send(request) },
            ]
            try await Rig.with(test, serving: handlers) { rig in
                for count in [0, 2] {
                    // Opened as streams, so that it is the server who counts.
                    for call in [
                        try await rig.open(ContractMethods.unary, as: .bidirectional),
                        try await rig.open(ContractMethods.serverStream, as: .bidirectional),
                    ] {
                        try await requireError(.unimplemented, promise: "\(count) requests where one is due") {
                            do {
                                for _ in 0..<count { try await call.send(Bytes(utf8: "x")) }
                                try await call.finishSending()
                            } catch let error as TransportError where error.code != .cancelled {
                                // Answered before all was sent; the status is read below.
                            }
                            while try await call.receive() != nil {}
                        }
                    }
                }
                let response = try await rig.connection.call(ContractMethods.unary, Bytes(utf8: "x"))
                try requireEqual(response.text, "x", "the connection goes on")
            }
        },
        ContractCase("a client that takes one response refuses none and two") { test in
            let handler = MethodHandler(
                name: ContractMethods.unary.name, shape: .bidirectional, execution: .eventLoop,
                body: .stream { context in
                    let request = try await context.call.receive() ?? Bytes()
                    for _ in 0..<request.number { try await context.call.send(request) }
                })
            try await Rig.with(test, serving: [handler]) { rig in
                for count in [0, 2] {
                    try await requireError(.internal, promise: "\(count) responses where one is due") {
                        try await rig.connection.call(ContractMethods.unary, Bytes(number: count))
                    }
                }
                let response = try await rig.connection.call(ContractMethods.unary, Bytes(number: 1))
                try requireEqual(response.number, 1, "the connection goes on")
            }
        },
    ]
}
