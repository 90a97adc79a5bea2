package import NodeTransport
internal import Synchronization

/// The service that all peers serve; `Tests/Interop/README.md` says what each method does.
package enum Echo {
    package static let unary = Method<Unary, Bytes, Bytes>(
        "echo.Echo", "Unary", request: .bytes, response: .bytes, isIdempotent: true)
    package static let serverStream = Method<ServerStream, Bytes, Bytes>(
        "echo.Echo", "ServerStream", request: .bytes, response: .bytes)
    package static let clientStream = Method<ClientStream, Bytes, Bytes>(
        "echo.Echo", "ClientStream", request: .bytes, response: .bytes)
    package static let bidi = Method<Bidirectional, Bytes, Bytes>(
        "echo.Echo", "Bidi", request: .bytes, response: .bytes)
    package static let fail = Method<Unary, String, Bytes>("echo.Echo", "Fail", request: .utf8, response: .bytes)
    package static let metadata = Method<Unary, Bytes, Bytes>(
        "echo.Echo", "Metadata", request: .bytes, response: .bytes)
    package static let slow = Method<Unary, Bytes, Bytes>("echo.Echo", "Slow", request: .bytes, response: .bytes)
    package static let slowStream = Method<ServerStream, Bytes, Bytes>(
        "echo.Echo", "Slow", request: .bytes, response: .bytes)
    package static let wasCancelled = Method<Unary, Bytes, String>(
        "echo.Echo", "WasCancelled", request: .bytes, response: .utf8)
    /// Whether the call was in early data: "early" or "late". aioquic's server alone serves it.
    package static let wasEarly = Method<Unary, Bytes, String>(
        "echo.Echo", "WasEarly", request: .bytes, response: .utf8, isIdempotent: true)
    package static let wasEarlyNotIdempotent = Method<Unary, Bytes, String>(
        "echo.Echo", "WasEarly", request: .bytes, response: .utf8)
    package static let absent = Method<Unary, Bytes, Bytes>("echo.Echo", "Absent", request: .bytes, response: .bytes)

    package static let codeNames = [
        "OK", "CANCELLED", "UNKNOWN", "INVALID_ARGUMENT", "DEADLINE_EXCEEDED", "NOT_FOUND", "ALREADY_EXISTS",
        "PERMISSION_DENIED", "RESOURCE_EXHAUSTED", "FAILED_PRECONDITION", "ABORTED", "OUT_OF_RANGE", "UNIMPLEMENTED",
        "INTERNAL", "UNAVAILABLE", "DATA_LOSS", "UNAUTHENTICATED",
    ]
}

package final class EchoService: Service {
    private enum SlowCall {
        case running([CheckedContinuation<Void, Never>])
        case cancelled
    }

    private let slowCalls = Mutex<[Bytes: SlowCall]>([:])

    package init() {}

    package var handlers: [MethodHandler] {
        [
            Echo.unary.handle { request, _ in request },
            Echo.serverStream.handle { request, responses, _ in
                guard request.count >= 4 else { throw TransportError(.invalidArgument, "needs 4 bytes") }
                let count = request.prefix(4).reduce(0) { $0 << 8 | Int($1) }
                for _ in 0..<count { try await responses.send(request.slice(4..<request.count)) }
            },
            Echo.clientStream.handle { requests, _ in
                var (bytes, count) = (UInt64(0), UInt64(0))
                for try await request in requests {
                    bytes += UInt64(request.count)
                    count += 1
                }
                var builder = BytesBuilder(capacity: 16)
                builder.append(bigEndian: bytes)
                builder.append(bigEndian: count)
                return builder.finish()
            },
            Echo.bidi.handle { requests, responses, _ in
                for try await request in requests { try await responses.send(request) }
            },
            Echo.fail.handle { request, _ in throw try Self.failure(request) },
            Echo.metadata.handle { request, context in
                let echoed = try Self.echoed(context.metadata)
                context.setInitialMetadata(echoed)
                context.setTrailers(echoed)
                return request
            },
            slowHandler,
            Echo.wasCancelled.handle { [self] key, _ in await outcome(of: key) },
        ]
    }

    private static func failure(_ request: String) throws -> TransportError {
        let parts = request.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        guard let code = Echo.codeNames.firstIndex(of: String(parts[0])) else {
            return TransportError(.invalidArgument, "\(parts[0]) is not a status code")
        }
        var trailers = Metadata()
        try trailers.add("x-fail-bin", Bytes(utf8: request))
        return TransportError(
            StatusCode(rawValue: code), parts.count > 1 ? String(parts[1]) : "", metadata: trailers)
    }

    private static func echoed(_ metadata: Metadata) throws -> Metadata {
        var echoed = Metadata()
        for entry in metadata where entry.key.hasPrefix("x-") {
            switch entry.value {
            case .text(let text): try echoed.add(entry.key, text)
            case .binary(let bytes): try echoed.add(entry.key, bytes)
            }
        }
        return echoed
    }

    /// Served as a stream, so that its metadata goes out while it waits.
    private var slowHandler: MethodHandler {
        MethodHandler(
            name: Echo.slow.name, shape: .unary, execution: .eventLoop,
            body: .stream { [self] context in
                guard let key = try await context.call.receive() else { return }
                slowCalls.withLock { $0[key] = .running([]) }
                var metadata = Metadata()
                if let deadline = context.deadline {
                    try metadata.add("x-deadline-ms", "\(Int(deadline.remaining() / .milliseconds(1)))")
                }
                try await context.sendInitialMetadata(metadata)
                try await waitForCancellation()
                let before = slowCalls.withLock { $0.updateValue(.cancelled, forKey: key) }
                if case .running(let waiters) = before { for waiter in waiters { waiter.resume() } }
                throw CancellationError()
            })
    }

    private func waitForCancellation() async throws {
        let (stream, continuation) = AsyncStream.makeStream(of: Void.self)
        await withTaskCancellationHandler {
            for await _ in stream {}
        } onCancel: {
            continuation.finish()
        }
    }

    private func outcome(of key: Bytes) async -> String {
        await withCheckedContinuation { (continuation: CheckedContinuation<Void, Never>) in
            let isOver = slowCalls.withLock { calls in
                guard case .running(let waiters) = calls[key] else { return true }
                calls[key] = .running(waiters + [continuation])
                return false
            }
            if isOver { continuation.resume() }
        }
        return slowCalls.withLock { calls in
            switch calls[key] {
            case .cancelled: "cancelled"
            case .running: "running"
            case nil: "unknown"
            }
        }
    }
}
