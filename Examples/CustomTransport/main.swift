// Runs a transport of one's own through every case of the contract; exits with 1 when a promise is broken.

import NodeTransport
import TransportTestKit

#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// How the contract gets its transports: here metered ones over memory.
final class MeteredTransportUnderTest: TransportUnderTest {
    let name = "metered"
    let supportsDatagrams = true
    private let memory = InMemoryTransportUnderTest()

    var listenEndpoint: Endpoint { get throws { try memory.listenEndpoint } }

    func makeTransport() async throws -> any Transport { MeteredTransport(try await memory.makeTransport()) }

    func vanish(_ listener: any Listener) async throws -> Bool { try await memory.vanish(listener) }
}

var failureCount = 0
for contractCase in TransportContract.cases {
    do {
        try await contractCase.run(MeteredTransportUnderTest())
        print("pass  \(contractCase.name)")
    } catch {
        failureCount += 1
        print("FAIL  \(contractCase.name): \(error)")
    }
}
print("\(TransportContract.cases.count - failureCount) of \(TransportContract.cases.count) promises kept")

let metered = MeteredTransport(InMemoryTransport())
let echo = Method<Unary, String, String>("example.Echo", "Unary", request: .utf8, response: .utf8)
struct EchoService: Service {
    let handlers: [MethodHandler]
}
let listener = try await metered.listen(
    on: "memory://echo", services: [EchoService(handlers: [echo.handle { text, _ in text }])])
let connection = try await metered.connect(to: listener.endpoint)
for number in 1...10 { _ = try await connection.call(echo, "message \(number)") }
await metered.shutdown()
let meter = metered.meter
print("\(meter.calls) calls, \(meter.bytesOut) bytes out, \(meter.bytesIn) bytes in")
exit(failureCount == 0 ? 0 : 1)
