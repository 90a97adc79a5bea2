internal import ArgumentParser
internal import Dispatch
internal import Glibc
internal import NodeTransport

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
        let listener = try await transport.listen(
            on: options.wire.endpoint("127.0.0.1:\(port)"), services: [EchoService()])
        listening(on: listener.endpoint.port ?? 0)
        await Termination.wait()
        await transport.shutdown(within: .seconds(2))
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
