import ForeignPeers
import NodeTransport
import QUICTransport
import Synchronization
import Testing
import TransportTLS

/// Our listener with ``EchoService``, as somebody else's client finds it, and the errors of whom it refuses.
struct ForeignRig {
    let port: Int
    private let refusals: AsyncStream<TransportError>

    /// Why the next peer was refused.
    func refusal() async throws -> TransportError {
        try #require(await refusals.first { _ in true }, "nobody was refused")
    }

    /// Serves with the files' server identity while `body` runs.
    static func run(
        _ files: IdentityFiles, asksClients: Bool = true,
        _ configure: (inout QUICTransport.Configuration) -> Void = { _ in },
        _ body: (ForeignRig) async throws -> Void
    ) async throws {
        let (refusals, continuation) = AsyncStream.makeStream(of: TransportError.self)
        var configuration = QUICTransport.Configuration()
        // Others' programs are slow on a busy machine.
        configuration.handshakeTimeout = .seconds(60)
        configuration.onEvent = { event in
            if event.kind == .handshakeFailed, let error = event.error { continuation.yield(error) }
        }
        configure(&configuration)
        var tls = try files.configuration("server")
        tls.clientAuthentication = asksClients ? .required : .none
        let transport = try QUICTransport(tls: tls, configuration: configuration)
        let outcome: Result<Void, any Error>
        do {
            let listener = try await transport.listen(on: "quic://127.0.0.1:0", services: [EchoService()])
            let rig = ForeignRig(port: try #require(listener.endpoint.port), refusals: refusals)
            outcome = .success(try await body(rig))
        } catch {
            outcome = .failure(error)
        }
        await transport.shutdown(within: .seconds(1))
        continuation.finish()
        try outcome.get()
    }

    /// Connects to a foreign server, which may have announced itself before it had its port.
    static func connect(_ transport: QUICTransport, port: Int) async throws -> any Connection {
        let end = ContinuousClock.now + .seconds(30)
        while true {
            do {
                return try await transport.connect(to: "quic://127.0.0.1:\(port)")
            } catch let error as TransportError where error.code == .unavailable && ContinuousClock.now < end {
                await Task.yield()
            }
        }
    }

    /// Connects to a foreign server with `tls` while `body` runs.
    static func connect(
        _ tls: TLSConfiguration, port: Int, _ body: (any Connection) async throws -> Void
    ) async throws {
        let transport = try QUICTransport(tls: tls)
        let outcome: Result<Void, any Error>
        do {
            outcome = .success(try await body(connect(transport, port: port)))
        } catch {
            outcome = .failure(error)
        }
        await transport.shutdown(within: .zero)
        try outcome.get()
    }
}
