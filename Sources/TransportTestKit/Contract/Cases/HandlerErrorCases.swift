internal import NodeTransport

extension TransportContract {
    /// Messages that are not plain ASCII words.
    private static let texts = [
        "plain", "größer als 中文 🙂", "100% of %41 and %", "two\nlines\r\nand\ta tab", "",
        String(repeating: "long ", count: 200),
    ]

    private struct Secret: Error { let password = "hunter2" }

    static let handlerErrors: [ContractCase] = [
        ContractCase("a handler's error arrives with its code") { test in
            let handler = ContractMethods.unary.handle { request, _ in
                throw TransportError(StatusCode(rawValue: request.number), "code \(request.text)")
            }
            try await Rig.with(test, serving: [handler]) { rig in
                for code in 1...16 {
                    let code = StatusCode(rawValue: code)
                    let error = try await requireError(code, promise: "a handler's error arrives with its code") {
                        try await rig.connection.call(ContractMethods.unary, Bytes(number: code.rawValue))
                    }
                    try requireEqual(error.message, "code \(code.rawValue)", "a handler's error keeps its message")
                    try requireEqual(error.origin, .remote, "a handler's error is of remote origin")
                    try require(error.endpoint != nil, "an error names the peer it is about")
                }
            }
        },
        ContractCase("a handler's error arrives with its message, whatever is in it") { test in
            let handler = ContractMethods.unary.handle { request, _ in
                throw TransportError(.invalidArgument, texts[request.number])
            }
            try await Rig.with(test, serving: [handler]) { rig in
                for (index, text) in texts.enumerated() {
                    let error = try await requireError(.invalidArgument, promise: "the error arrives") {
                        try await rig.connection.call(ContractMethods.unary, Bytes(number: index))
                    }
                    try requireEqual(error.message, text, "an error's message arrives unchanged")
                }
            }
        },
        ContractCase("a handler's error arrives with its metadata") { test in
            let handler = ContractMethods.unary.handle { _, _ in
                var metadata = Metadata()
                try metadata.add("reason", "too early")
                try metadata.add("detail-bin", Bytes([0, 1, 254, 255]))
                throw TransportError(.failedPrecondition, "no", metadata: metadata)
            }
            try await Rig.with(test, serving: [handler]) { rig in
                let error = try await requireError(.failedPrecondition, promise: "the error arrives") {
                    try await rig.connection.call(ContractMethods.unary, Bytes())
                }
                try requireEqual(error.metadata[text: "reason"], "too early", "an error carries its text metadata")
                try requireEqual(
                    error.metadata[binary: "detail-bin"], [0, 1, 254, 255], "an error carries its binary metadata")
            }
        },
        ContractCase("another error becomes unknown and gives nothing away") { test in
            let handler = ContractMethods.unary.handle { _, _ in throw Secret() }
            try await Rig.with(test, serving: [handler]) { rig in
                let error = try await requireError(.unknown, promise: "an error that is not a TransportError") {
                    try await rig.connection.call(ContractMethods.unary, Bytes())
                }
                try require(
                    !"\(error)".contains("hunter2") && !"\(error)".contains("Secret"),
                    "an error of the server's own gives nothing away: \(error)")
            }
        },
        ContractCase("a handler that throws CancellationError answers cancelled") { test in
            let handler = ContractMethods.unary.handle { _, _ in throw CancellationError() }
            try await Rig.with(test, serving: [handler]) { rig in
                try await requireError(.cancelled, promise: "a handler that throws CancellationError") {
                    try await rig.connection.call(ContractMethods.unary, Bytes())
                }
            }
        },
        ContractCase("an error before the first message, in every shape") { test in
            let error = TransportError(.notFound, "nothing here")
            let handlers = [
                ContractMethods.unary.handle { _, _ in throw error },
                ContractMethods.serverStream.handle { _, _, _ in throw error },
                ContractMethods.clientStream.handle { _, _ in throw error },
                ContractMethods.bidirectional.handle { _, _, _ in throw error },
            ]
            try await Rig.with(test, serving: handlers) { rig in
                let connection = rig.connection
                try await requireError(.notFound, promise: "a unary handler that throws") {
                    try await connection.call(ContractMethods.unary, Bytes())
                }
                try await requireError(.notFound, promise: "a server stream's handler that throws") {
                    try await connection.call(ContractMethods.serverStream, Bytes()).next()
                }
                try await requireError(.notFound, promise: "a client stream's handler that throws") {
                    try await connection.call(ContractMethods.clientStream).response()
                }
                let call = try await connection.call(ContractMethods.bidirectional)
                try await requireError(.notFound, promise: "a bidirectional handler that throws") {
                    try await call.responses.next()
                }
                try await requireError(.notFound, promise: "the initial metadata of a call without any") {
                    try await call.responses.initialMetadata()
                }
                try require(connection.state.isReady, "a handler's error leaves the connection alone")
            }
        },
        ContractCase("an error after messages comes after them") { test in
            let handler = ContractMethods.serverStream.handle { _, responses, _ in
                for number in 0..<3 { try await responses.send(Bytes(number: number)) }
                throw TransportError(.dataLoss, "the disk ends here")
            }
            try await Rig.with(test, serving: [handler]) { rig in
                let stream = try await rig.connection.call(ContractMethods.serverStream, Bytes())
                for number in 0..<3 {
                    let response = try await stream.next()
                    try requireEqual(response?.number, number, "messages before an error arrive")
                }
                for _ in 0..<2 {
                    try await requireError(.dataLoss, promise: "the error follows the messages, each time one asks") {
                        try await stream.next()
                    }
                }
            }
        },
    ]

    static let unknownMethods: [ContractCase] = [
        ContractCase("an unknown method is unimplemented, by name") { test in
            let methods = [
                Method<Unary, Bytes, Bytes>("contract.Contract", "Missing", request: .bytes, response: .bytes),
                Method<Unary, Bytes, Bytes>("contract.Absent", "Method", request: .bytes, response: .bytes),
            ]
            let stream = Method<Bidirectional, Bytes, Bytes>(
                "contract.Contract", "MissingStream", request: .bytes, response: .bytes)
            try await Rig.with(test, serving: [ContractMethods.echo]) { rig in
                for method in methods {
                    let error = try await requireError(.unimplemented, promise: "an unknown method") {
                        try await rig.connection.call(method, Bytes(utf8: "x"))
                    }
                    try require(
                        error.message.contains(method.name.path), "the refusal names the method: \(error.message)")
                }
                let call = try await rig.connection.call(stream)
                try await requireError(.unimplemented, promise: "an unknown streaming method") {
                    try await call.responses.next()
                }
                let response = try await rig.connection.call(ContractMethods.unary, Bytes(utf8: "x"))
                try requireEqual(response.text, "x", "the connection goes on after an unknown method")
            }
        }
    ]
}
