import ForeignPeers
import GRPCTransport
import NodeTransport
import Synchronization
import Testing

/// A reader that does not read stops its writer: what lies between them is bounded.
@Suite(.timeLimit(.minutes(5))) struct BackPressureTests {
    private static let messageBytes = 16 << 10
    private static let windowBytes = 128 << 10
    /// The stream's window, the sender's queue (64 KiB), and the message that filled each.
    private static let boundBytes = windowBytes + (64 << 10) + 2 * messageBytes

    private static func setWindow(_ configuration: inout GRPCTransport.Configuration) {
        configuration.streamWindowBytes = windowBytes
    }

    @Test(arguments: [false, true])
    func `a handler that never reads stops the client`(_ usesTLS: Bool) async throws {
        let security = usesTLS ? ConnectionRig.mutualTLS : .plaintext
        try await ConnectionRig.run(security, services: [DeafService(), EchoService()], server: Self.setWindow) { rig in
            let call = try await rig.connection.call(DeafService.method)
            let sent = Atomic(0)
            let message = pattern(Self.messageBytes)
            let writer = Task {
                while true {
                    try await call.requests.send(message)
                    sent.add(Self.messageBytes, ordering: .relaxed)
                }
            }
            let bytes = try await rig.settled(from: Self.windowBytes) { sent.load(ordering: .relaxed) }
            #expect(bytes <= Self.boundBytes, "\(bytes) bytes were taken")
            call.cancel()
            let error = try await TransportError.thrown { try await writer.value }
            #expect(error.code == .cancelled)
        }
    }

    @Test(arguments: [false, true])
    func `a client that never reads stops the handler`(_ usesTLS: Bool) async throws {
        let security = usesTLS ? ConnectionRig.mutualTLS : .plaintext
        let talker = Talker(messageBytes: Self.messageBytes)
        try await ConnectionRig.run(security, services: [talker, EchoService()], client: Self.setWindow) { rig in
            let responses = try await rig.connection.call(Talker.method, Bytes())
            let bytes = try await rig.settled(from: Self.windowBytes) { talker.sentBytes }
            #expect(bytes <= Self.boundBytes, "\(bytes) bytes were taken")
            // Who begins to read gets everything, and more.
            var read = 0
            for try await message in responses {
                read += message.count
                if read > bytes * 4 { break }
            }
            #expect(read > bytes * 4)
            responses.cancel()
        }
    }

    /// A thousand calls that nobody reads still leave the connection to others.
    @Test func `calls that are not read do not stop those that are`() async throws {
        let talker = Talker(messageBytes: Self.messageBytes)
        try await ConnectionRig.run(services: [talker, EchoService()], client: Self.setWindow) { rig in
            var unread: [ResponseStream<Bytes>] = []
            for _ in 0..<100 { unread.append(try await rig.connection.call(Talker.method, Bytes())) }
            let large = pattern(1 << 20)
            for _ in 0..<5 { #expect(try await rig.connection.call(Echo.unary, large) == large) }
            for stream in unread { stream.cancel() }
        }
    }
}

/// Writes without end, and counts.
private final class Talker: Service {
    static let method = Method<ServerStream, Bytes, Bytes>("test.Talker", "Talk", request: .bytes, response: .bytes)

    private let sent = Atomic(0)
    private let message: Bytes

    init(messageBytes: Int) { message = pattern(messageBytes) }

    var sentBytes: Int { sent.load(ordering: .relaxed) }

    var handlers: [MethodHandler] {
        [
            Self.method.handle { [self] _, responses, _ in
                while true {
                    try await responses.send(message)
                    sent.add(message.count, ordering: .relaxed)
                }
            }
        ]
    }
}

extension ConnectionRig {
    /// The number, `least` or more, that `value` comes to rest at: it stays the same while other calls go to and fro.
    ///
    /// A writer that waits for a processor rests too, hence `least`.
    fileprivate func settled(from least: Int, _ value: () -> Int) async throws -> Int {
        var last = -1
        var repeats = 0
        while repeats < 200 || last < least {
            _ = try await connection.call(Echo.unary, Bytes())
            let now = value()
            repeats = now == last ? repeats + 1 : 0
            last = now
        }
        return last
    }
}
