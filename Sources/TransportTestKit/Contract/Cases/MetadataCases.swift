internal import NodeTransport

extension TransportContract {
    static let metadata: [ContractCase] = [
        ContractCase("metadata arrives unchanged, both ways") { test in
            let sent = try sampleMetadata()
            let unary = ContractMethods.unary.handle { request, context in
                context.setInitialMetadata(context.metadata)
                context.setTrailers(context.metadata)
                return request
            }
            let stream = ContractMethods.serverStream.handle { request, responses, context in
                context.setInitialMetadata(context.metadata)
                context.setTrailers(context.metadata)
                try await responses.send(request)
            }
            try await Rig.with(test, serving: [unary, stream]) { rig in
                let reply = try await rig.connection.callWithMetadata(ContractMethods.unary, Bytes(), metadata: sent)
                try requireSame(reply.initialMetadata, sent, "initial metadata of a unary call")
                try requireSame(reply.trailers, sent, "trailers of a unary call")
                let call = try await rig.connection.call(ContractMethods.serverStream, Bytes(), metadata: sent)
                try requireSame(try await call.initialMetadata(), sent, "initial metadata of a stream")
                while try await call.next() != nil {}
                try requireSame(call.trailers, sent, "trailers of a stream")
            }
        },
        ContractCase("initial metadata comes with the first message, trailers with the end") { test in
            let mayEnd = Signal()
            let handlers = [
                ContractMethods.bidirectional.handle { _, responses, context in
                    var metadata = Metadata()
                    try metadata.add("when", "first")
                    context.setInitialMetadata(metadata)
                    try await responses.send(Bytes(utf8: "message"))
                    var late = Metadata()
                    try late.add("when", "late")
                    context.setInitialMetadata(late)
                    context.setTrailers(late)
                    try await mayEnd.wait()
                }
            ]
            try await Rig.with(test, serving: handlers) { rig in
                let call = try await rig.connection.call(ContractMethods.bidirectional)
                let metadata = try await call.responses.initialMetadata()
                try requireEqual(metadata[text: "when"], "first", "initial metadata arrives while the call is open")
                let message = try await call.responses.next()
                try requireEqual(message?.text, "message", "asking for metadata takes no message")
                try require(call.responses.trailers.isEmpty, "trailers are empty before the end")
                mayEnd.fire()
                let end = try await call.responses.next()
                try require(end == nil, "the call ends well")
                try requireEqual(call.responses.trailers[text: "when"], "late", "trailers come with the end")
                let again = try await call.responses.initialMetadata()
                try requireEqual(again[text: "when"], "first", "initial metadata set late is not sent")
            }
        },
        ContractCase("initial metadata can be sent ahead of the first message") { test in
            let mayEnd = Signal()
            let handler = ContractMethods.bidirectional.handle { _, _, context in
                var metadata = Metadata()
                try metadata.add("when", "ahead")
                try await context.sendInitialMetadata(metadata)
                try await mayEnd.wait()
            }
            try await Rig.with(test, serving: [handler]) { rig in
                let call = try await rig.connection.call(ContractMethods.bidirectional)
                let metadata = try await call.responses.initialMetadata()
                try requireEqual(metadata[text: "when"], "ahead", "initial metadata arrives without a message")
                mayEnd.fire()
                let end = try await call.responses.next()
                try require(end == nil, "the call ends well")
            }
        },
        ContractCase("a call that fails at once has trailers and no initial metadata") { test in
            let handler = ContractMethods.serverStream.handle { _, _, context in
                var trailers = Metadata()
                try trailers.add("reason", "early")
                context.setTrailers(trailers)
                throw TransportError(.unauthenticated, "who are you")
            }
            try await Rig.with(test, serving: [handler]) { rig in
                let stream = try await rig.connection.call(ContractMethods.serverStream, Bytes())
                let error = try await requireError(.unauthenticated, promise: "the status of a call that fails at once")
                {
                    try await stream.next()
                }
                try requireEqual(error.metadata[text: "reason"], "early", "an error carries the trailers")
                try requireEqual(stream.trailers[text: "reason"], "early", "trailers come with an error too")
            }
        },
        ContractCase("a handler knows its method and its peer") { test in
            let handler = ContractMethods.ask.handle { _, context in
                guard context.method == ContractMethods.ask.name else { return "the method is \(context.method)" }
                return "\(context.peer == nil ? "nobody" : "somebody") \(context.remoteEndpoint)"
            }
            try await Rig.with(test, serving: [handler]) { rig in
                let answer = try await rig.connection.call(ContractMethods.ask, "")
                let words = answer.split(separator: " ", maxSplits: 1)
                try require(
                    words.count == 2 && !words[1].isEmpty, "a handler knows where its peer is; it said \"\(answer)\"")
                if test.authenticatesPeers {
                    try requireEqual(words[0], "somebody", "a handler knows who its peer is")
                    try require(rig.connection.peer != nil, "a client knows who its peer is")
                }
                try requireEqual(rig.connection.endpoint, rig.listener.endpoint, "a connection knows its endpoint")
            }
        },
    ]

    /// Many values of a key, every byte, empty and long values.
    private static func sampleMetadata() throws -> Metadata {
        var metadata = Metadata()
        for number in 0..<5 { try metadata.add("many", "value \(number)") }
        try metadata.add("comma", "a,b, c")
        try metadata.add("empty", "")
        try metadata.add("printable", String((0x21...0x7e).map { Character(UnicodeScalar($0)) }))
        try metadata.add("long", String(repeating: "0123456789abcdef", count: 256))
        try metadata.add("all-bin", Bytes((0...255).map { UInt8($0) }))
        try metadata.add("empty-bin", Bytes())
        try metadata.add("many-bin", Bytes([0]))
        try metadata.add("many-bin", Bytes([255, 254]))
        return metadata
    }

    /// Compares key by key: the order of values of one key is promised, that of keys among each other is not.
    private static func requireSame(_ actual: Metadata, _ expected: Metadata, _ what: String) throws {
        for key in Set(expected.map(\.key)) {
            try requireEqual(actual.values(key), expected.values(key), "\(what) keeps \"\(key)\"")
        }
    }
}
