internal import ArgumentParser
internal import Dispatch
internal import Glibc
internal import NodeTransport

/// `transport-bench serve`: echoes until SIGTERM or SIGINT.
struct Serve: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Serves /echo.Echo/Unary: bytes in, the same bytes out.")

    @OptionGroup var options: WireOptions

    @Option(help: "The port on 127.0.0.1; 0 takes a free one.")
    var port = 0

    func validate() throws {
        guard (0...65535).contains(port) else { throw ValidationError("--port must be within 0...65535") }
    }

    func run() async throws {
        let transport = try options.transport(isServer: true)
        let listener = try await transport.listen(
            on: options.wire.endpoint("127.0.0.1:\(port)"), services: [EchoService()])
        print("LISTENING \(listener.endpoint.port ?? 0)")
        fflush(nil)
        await Termination.wait()
        await transport.shutdown(within: .seconds(2))
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
