import ForeignPeers
import Foundation
import NodeTransport
import QUICTransport
import Synchronization
import Testing

/// A listener with routes, and a client of it.
enum HTTPRig {
    typealias Configure = @Sendable (inout QUICTransport.Configuration) -> Void

    static func run(
        _ routes: HTTP3Routes, server configureServer: Configure = { _ in },
        client configureClient: Configure = { _ in },
        _ body: (HTTP3Client, any Connection) async throws -> Void
    ) async throws {
        let tls = TestIdentities.shared.mutual
        var (ofServer, ofClient) = (QUICTransport.Configuration(), QUICTransport.Configuration())
        configureServer(&ofServer)
        configureClient(&ofClient)
        let server = try QUICTransport(tls: tls, configuration: ofServer)
        let client = try QUICTransport(tls: tls, configuration: ofClient)
        let listener = try await server.listen(
            on: Endpoint(parsing: "quic://127.0.0.1:0"), serving: ServiceTable([RigService()]), routes: routes)
        let outcome = await Result {
            let connection = try await client.connect(to: listener.endpoint)
            try await body(try #require(HTTP3Client(connection)), connection)
        }
        await client.shutdown(within: .zero)
        await server.shutdown(within: .zero)
        try outcome.get()
    }
}

/// Something that happens once, and whoever waits for it.
final class Gate: Sendable {
    private let stream: AsyncStream<Void>
    private let continuation: AsyncStream<Void>.Continuation

    init() { (stream, continuation) = AsyncStream.makeStream() }

    func open() { continuation.finish() }

    /// Ends also when the task is cancelled, as the test's time limit does.
    func wait() async { for await _ in stream {} }

    /// A body that writes until it is stopped. The gate opens when nobody holds it any more, also if it has never begun:
    /// a body that is not wanted by then is not asked to write.
    func endlessBody() -> HTTP3Body {
        let opener = Opener(gate: self)
        return HTTP3Body { writer in
            defer { withExtendedLifetime(opener) {} }
            while true { try await writer.write(Pattern.piece) }
        }
    }

    final class Opener: Sendable {
        private let gate: Gate

        init(gate: Gate) { self.gate = gate }

        deinit { gate.open() }
    }
}

/// How far a sender is ahead of its reader.
final class Lead: Sendable {
    private struct State {
        var written = 0
        var read = 0
        var most = 0
    }

    private let state = Mutex(State())

    var written: Int { state.withLock { $0.written } }
    var read: Int { state.withLock { $0.read } }
    var mostBytes: Int { state.withLock { $0.most } }

    func write(_ byteCount: Int) {
        state.withLock { state in
            state.written += byteCount
            state.most = max(state.most, state.written - state.read)
        }
    }

    func read(_ byteCount: Int) { state.withLock { $0.read += byteCount } }
}

/// Content that can be told from any other: byte n is n mod 251.
enum Pattern {
    static let pieceBytes = 64_256
    static let piece = Bytes((0..<pieceBytes).map { UInt8($0 % 251) })

    /// So many bytes of it in one.
    static func data(_ byteCount: Int) -> Data {
        var data = Data(capacity: byteCount + pieceBytes)
        while data.count < byteCount { piece.withUnsafeBytes { data.append(contentsOf: $0) } }
        return data.prefix(byteCount)
    }

    /// Writes so many bytes, and counts them as they are taken.
    static func body(_ byteCount: Int, declared: Bool = true, _ lead: Lead = Lead()) -> HTTP3Body {
        HTTP3Body(length: declared ? byteCount : nil) { writer in
            var left = byteCount
            while left > 0 {
                let next = left >= piece.count ? piece : piece.slice(0..<left)
                lead.write(next.count)
                try await writer.write(next)
                left -= next.count
            }
        }
    }

    /// Reads it to the end; answers how many bytes there were, or −1 when one was wrong.
    static func check(_ body: HTTP3BodyReader, _ lead: Lead = Lead()) async throws -> Int {
        var (position, isRight) = (0, true)
        for try await next in body {
            lead.read(next.count)
            var start = 0
            while start < next.count {
                let phase = (position + start) % 251
                let end = min(start + pieceBytes - phase, next.count)
                if next.slice(start..<end) != piece.slice(phase..<phase + end - start) { isRight = false }
                start = end
            }
            position += next.count
        }
        return isRight ? position : -1
    }
}

extension HTTP3Response {
    var text: String { String(decoding: body, as: UTF8.self) }

    func header(_ name: String) -> String? { headers.first { $0.name == name }?.value }
}

/// What `body` fails with; `nil` when it does not, or with something else.
func failure(_ body: () async throws -> Void) async -> TransportError? {
    do {
        try await body()
        return nil
    } catch {
        return error as? TransportError
    }
}
