/// Passes ``TraceContext/current`` from call to call: a server's handlers run within the context that the client sent, and
/// each call made there takes a child of it along, in the fields `traceparent` and `tracestate`.
///
/// It records nothing. Fields that are malformed are ignored, and a call that has the fields already keeps them.
///
/// ```swift
/// let transport = wire.propagatingTraceContext()
/// ```
public struct TracePropagation: ClientInterceptor, ServerInterceptor {
    public init() {}

    public func unary(
        _ head: CallHead, _ request: Bytes, next: ClientInterceptor.UnaryNext
    ) async throws -> UnaryReply {
        try await next(head.withTraceContext(), request)
    }

    public func stream(_ head: CallHead, next: ClientInterceptor.StreamNext) async throws -> any ClientCall {
        try await next(head.withTraceContext())
    }

    public func unary(
        _ request: Bytes, _ context: ServerContext, next: ServerInterceptor.UnaryNext
    ) async throws -> Bytes {
        try await TraceContext.$current.withValue(context.metadata.traceContext) { try await next(request, context) }
    }

    public func stream(_ context: ServerContext, next: ServerInterceptor.StreamNext) async throws {
        try await TraceContext.$current.withValue(context.metadata.traceContext) { try await next(context) }
    }
}

extension Transport {
    /// This transport, passing the trace context on; see ``TracePropagation``.
    public func propagatingTraceContext() -> some Transport {
        intercepted(client: [TracePropagation()], server: [TracePropagation()])
    }
}

extension Metadata {
    /// What the fields `traceparent` and `tracestate` say; `nil` without the first, when it is there twice, or malformed.
    /// A malformed `tracestate` alone is dropped.
    public var traceContext: TraceContext? {
        let parents = values("traceparent")
        guard parents.count == 1, case .text(let parent) = parents[0] else { return nil }
        let fields = values("tracestate").compactMap { if case .text(let text) = $0 { text } else { nil } }
        return TraceContext(traceparent: parent, state: TraceState(parsing: fields) ?? TraceState())
    }

    /// Replaces the fields by what `context` says.
    public mutating func setTraceContext(_ context: TraceContext) {
        remove("traceparent")
        remove("tracestate")
        var entries = [Entry(key: "traceparent", value: .text(context.traceparent))]
        if !context.state.text.isEmpty { entries.append(Entry(key: "tracestate", value: .text(context.state.text))) }
        add(contentsOf: Metadata(entries: entries))
    }
}

extension CallHead {
    /// The head with a child of the current context, if there is one and the head has none yet.
    fileprivate func withTraceContext() -> CallHead {
        guard let current = TraceContext.current, metadata.values("traceparent").isEmpty else { return self }
        var (head, random) = (self, SystemRandomNumberGenerator())
        head.metadata.setTraceContext(current.child(using: &random))
        return head
    }
}
