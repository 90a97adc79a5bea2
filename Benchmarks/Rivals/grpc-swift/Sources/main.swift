// echo.Echo on grpc-swift-2 with its NIO transport. The command line stands in ../../../README.md; this program knows
// besides `--messages N` of one client or server stream and `--threads N` of NIO.

internal import Foundation

let words = CommandLine.arguments.dropFirst()
switch words.first {
case "scenarios":
    for pair in Options.pairs { print(pair) }
case "version":
    print("grpc-swift-2 2.4.3, NIO transport 2.9.2")
case "serve":
    let options = Options(words.dropFirst())
    guard options.wire == "grpc" || options.wire == "grpc-tls" else { unsupported("the wire '\(options.wire)'") }
    try await Server(options).run()
case "call":
    let options = Options(words.dropFirst())
    guard Options.pairs.contains("\(options.wire):\(options.scenario)") else {
        unsupported("\(options.wire):\(options.scenario)")
    }
    exit(try await Client(options).run() ? 0 : 1)
default:
    fail("usage: grpc-swift serve|call|scenarios|version; Benchmarks/README.md has the options")
}
