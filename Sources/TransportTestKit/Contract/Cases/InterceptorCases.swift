internal import NodeTransport

extension TransportContract {
    static let interceptors: [ContractCase] = [
        ContractCase("interceptors of both sides run in order around every call") { test in
            let log = Recorder<String>()
            let handlers = [
                ContractMethods.unary.handle { request, context in
                    log.append("handler sees \(context.metadata.values("from").count)")
                    return request
                },
                ContractMethods.echoStream,
            ]
            let interceptors: (client: [any ClientInterceptor], server: [any ServerInterceptor]) = (
                [Tracer(name: "client 1", log: log), Tracer(name: "client 2", log: log)],
                [Tracer(name: "server 1", log: log), Tracer(name: "server 2", log: log)]
            )
            try await Rig.with(test, serving: handlers, intercepting: interceptors) { rig in
                _ = try await rig.connection.call(ContractMethods.unary, Bytes())
                try requireEqual(
                    log.elements,
                    [
                        "client 1 unary", "client 2 unary", "server 1 unary", "server 2 unary", "handler sees 2",
                        "server 2 after", "server 1 after", "client 2 after", "client 1 after",
                    ], "interceptors run in order around a unary call")
                let call = try await rig.connection.call(ContractMethods.bidirectional)
                try await call.requests.send(Bytes())
                _ = try await call.responses.next()
                try requireEqual(
                    log.elements.dropFirst(9).filter { !$0.contains("after") },
                    ["client 1 stream", "client 2 stream", "server 1 stream", "server 2 stream"],
                    "interceptors run in order around a stream")
                call.cancel()
            }
        },
        ContractCase("a server's interceptor can refuse a call") { test in
            let ran = Counter()
            let handler = ContractMethods.unary.handle { request, _ in
                ran.add()
                return request
            }
            try await Rig.with(test, serving: [handler, ContractMethods.echoStream], intercepting: ([], [Refuser()])) {
                rig in
                let error = try await requireError(.permissionDenied, promise: "a call that an interceptor refuses") {
                    try await rig.connection.call(ContractMethods.unary, Bytes())
                }
                try requireEqual(error.message, "not today", "a refusal keeps its message")
                let call = try await rig.connection.call(ContractMethods.bidirectional)
                try await requireError(.permissionDenied, promise: "a stream that an interceptor refuses") {
                    try await call.responses.next()
                }
                try requireEqual(ran.value, 0, "the handler of a refused call does not run")
            }
        },
    ]

    /// Writes down that it was passed; as a client, adds metadata.
    private struct Tracer: ClientInterceptor, ServerInterceptor {
        let name: String
        let log: Recorder<String>

        func unary(_ head: CallHead, _ request: Bytes, next: ClientInterceptor.UnaryNext) async throws -> UnaryReply {
            log.append("\(name) unary")
            defer { log.append("\(name) after") }
            var head = head
            try head.metadata.add("from", name)
            return try await next(head, request)
        }

        func stream(_ head: CallHead, next: ClientInterceptor.StreamNext) async throws -> any ClientCall {
            log.append("\(name) stream")
            return try await next(head)
        }

        func unary(
            _ request: Bytes, _ context: ServerContext, next: ServerInterceptor.UnaryNext
        ) async throws -> Bytes {
            log.append("\(name) unary")
            defer { log.append("\(name) after") }
            return try await next(request, context)
        }

        func stream(_ context: ServerContext, next: ServerInterceptor.StreamNext) async throws {
            log.append("\(name) stream")
            try await next(context)
        }
    }

    private struct Refuser: ServerInterceptor {
        func unary(_ request: Bytes, _ context: ServerContext, next: UnaryNext) async throws -> Bytes {
            throw TransportError(.permissionDenied, "not today")
        }

        func stream(_ context: ServerContext, next: StreamNext) async throws {
            throw TransportError(.permissionDenied, "not today")
        }
    }
}
