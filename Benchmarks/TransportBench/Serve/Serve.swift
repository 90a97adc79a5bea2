internal import ArgumentParser
internal import Dispatch
internal import Glibc
internal import NodeTransport

#if canImport(QUICTransport)
    internal import QUICTransport
#endif

/// `transport-bench serve`: echoes until SIGTERM or SIGINT.
struct Serve: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Serves echo.Echo, and raw streams.")

    @OptionGroup var options: WireOptions

    @Option(help: "The port on 127.0.0.1; 0 takes a free one.")
    var port = 0

    func validate() throws {
        guard (0...65535).contains(port) else { throw ValidationError("--port must be within 0...65535") }
    }

    func run() async throws {
        #if canImport(QUICTransport)
            if options.wire == .quic {
                listening(on: try await RawServer.start(port: port, tls: options.tls(isServer: true)))
                return await Termination.wait()
            }
        #endif
        let transport = try options.transport(isServer: true)
        let listener = try await listen(transport)
        listening(on: listener.endpoint.port ?? 0)
        await Termination.wait()
        await transport.shutdown(within: .seconds(2))
    }

    private func listen(_ transport: any Transport) async throws -> any Listener {
        let endpoint = options.wire.endpoint("127.0.0.1:\(port)")
        #if canImport(QUICTransport)
            if let transport = transport as? QUICTransport {
                return try await transport.listen(
                    on: try Endpoint(parsing: endpoint), serving: try ServiceTable([EchoService()]),
                    routes: Contents.routes)
            }
        #endif
        return try await transport.listen(on: endpoint, services: [EchoService()])
    }

    private func listening(on port: Int) {
        print("LISTENING \(port)")
        fflush(nil)
    }
}

/// SIGTERM or SIGINT, whichever comes first.
enum Termination {
    static func wait() async {
        let (signals, continuation) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        let sources = [SIGTERM, SIGINT].map { number in
            signal(number, SIG_IGN)
            let source = DispatchSource.makeSignalSource(signal: number)
            source.setEventHandler { continuation.yield() }
            source.resume()
            return source
        }
        for await _ in signals { break }
        for source in sources { source.cancel() }
    }
}
