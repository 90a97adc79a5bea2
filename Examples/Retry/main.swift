// A service that fails three times out of four, and a client that does not give up: by itself, or because its transport does
// not. Then a peer that stays down, and a breaker that leaves it alone. Prints a log line for each retry.

import Logging
import NodeTransport
import Synchronization
import TransportResilience
import TransportTestKit

enum Weather {
    static let temperature = Method<Unary, String, String>(
        "example.Weather", "Temperature", request: .utf8, response: .utf8, isIdempotent: true)
}

/// Fails while it "starts", and once asks for a certain delay.
final class FlakyService: Service {
    private let callCount = Mutex(0)

    var handlers: [MethodHandler] {
        [
            Weather.temperature.handle { city, _ in
                let call = self.callCount.withLock { count in
                    count += 1
                    return count
                }
                switch call {
                case 1, 2: throw TransportError(.unavailable, "still starting")
                case 3:
                    var metadata = Metadata()
                    try metadata.add("grpc-retry-pushback-ms", "250")
                    throw TransportError(.resourceExhausted, "too many questions", metadata: metadata)
                default: return "\(city): 21 °C"
                }
            }
        ]
    }
}

LoggingSystem.bootstrap(StreamLogHandler.standardOutput)
var logger = Logger(label: "retry-example")
logger.logLevel = .debug

let transport = InMemoryTransport()
let listener = try await transport.listen(on: "memory://weather", services: [FlakyService()])
let connection = try await transport.connect(to: listener.endpoint)

let answer = try await withRetry(
    .default, operation: "temperature", isIdempotent: Weather.temperature.isIdempotent,
    deadline: .after(.seconds(10)), logger: logger
) { attempt in
    print("attempt \(attempt)")
    return try await connection.call(Weather.temperature, "Lisbon")
}
print("answer: \(answer)")

// Any async closure can be tried again, not only a call.
struct Busy: Error {}
let quick = RetryPolicy(
    attempts: Attempts(retries: 2), backoff: .constant(.milliseconds(50)), retryable: [.type(Busy.self)])
do {
    try await withRetry(quick, operation: "lock", isIdempotent: true, logger: logger) { _ in throw Busy() }
} catch {
    print("gave up: \(error)")
}

// The same around a transport: every call over it is tried again, within the budget of its peer.
let breakers = CircuitBreakers(logger: logger)
let resilient = transport.breaking(breakers).retrying(logger: logger)
let weather = try await transport.listen(on: "memory://weather-2", services: [FlakyService()])
let second = try await resilient.connect(to: weather.endpoint)
print("answer: \(try await second.call(Weather.temperature, "Porto"))")

// Nobody is there: after five failures the breaker does not even try.
let nobody = try Endpoint(parsing: "memory://nobody")
for _ in 0..<6 {
    do {
        _ = try await resilient.connect(to: nobody)
    } catch {
        print("no connection: \(error)")
    }
}
await transport.shutdown()
