#if canImport(QUICTransport)
    internal import NodeTransport
    internal import QUICEngine
    internal import TransportTLS

    extension MeasuredPath {
        static var quic: [MeasuredPath] {
            [
                // A stream of its own for 64 bytes there and back: packets with AES-128-GCM, acknowledgements, the
                // stream's end at both sides.
                MeasuredPath("quic:stream:64B:both") { passes in
                    let pair = try QUICPair()
                    for _ in 0..<passes { try pair.echoOnNewStream() }
                },
                // The same on one stream that stays.
                MeasuredPath("quic:ping-pong:64B:both") { passes in
                    let pair = try QUICPair()
                    for _ in 0..<passes { try pair.echoOnOneStream() }
                },
            ]
        }
    }

    /// Two endpoints in one process, with nothing between them but a clock that moves by itself.
    private final class QUICPair {
        private let client: QUICEndpoint
        private let server: QUICEndpoint
        private let addresses: (client: QUICAddress, server: QUICAddress)
        private var connection: QUICConnection?
        private var stream: QUICStream?
        private var now: QUICTime = .seconds(1000)
        private let room = UnsafeMutableRawBufferPointer.allocate(byteCount: 65_536, alignment: 64)
        private let message = EchoMethod.message
        private var confirmed = 0
        private var receivedBytes = 0
        private var closedStreams = 0
        private var failure: String?

        init() throws {
            guard let near = QUICAddress("10.0.0.1", port: 50_000), let far = QUICAddress("10.0.0.2", port: 4433) else {
                throw Unexpected("no addresses")
            }
            addresses = (near, far)
            let identity = try Certificate("localhost").identity
            var options = QUICCredentials.Options(role: .server, applicationProtocols: ["echo"])
            options.certificateChain = identity.chain
            options.privateKey = try identity.withPrivateKeyPKCS8 { (key) throws(TLSError) in Bytes(copying: key) }
            server = QUICEndpoint(
                configuration: QUICConfiguration(), server: try QUICCredentials(options) { _, _ in .accept },
                random: SplitMix(state: 1))
            client = QUICEndpoint(
                configuration: QUICConfiguration(),
                client: try QUICCredentials(.init(role: .client, applicationProtocols: ["echo"])) { _, _ in .accept },
                random: SplitMix(state: 2))
            connection = try client.connect(
                to: QUICPath(local: near, remote: far), serverName: "localhost", now: now)
            for _ in 0..<1_000 where confirmed < 2 { pass() }
            // What follows the handshake: tickets, tokens, connection IDs, a probe for a larger datagram.
            for _ in 0..<1_000 { pass() }
            guard confirmed == 2 else { throw Unexpected("no handshake: \(failure ?? "it did not end")") }
        }

        deinit { room.deallocate() }

        func echoOnNewStream() throws {
            guard let connection else { return }
            let before = closedStreams
            let stream = try connection.openStream(isBidirectional: true)
            guard connection.write(stream, message, isLast: true) == .accepted else { throw Unexpected("not accepted") }
            try pass { self.closedStreams == before + 2 }
        }

        func echoOnOneStream() throws {
            guard let connection else { return }
            let stream = try self.stream ?? connection.openStream(isBidirectional: true)
            self.stream = stream
            let wanted = receivedBytes + message.count
            guard connection.write(stream, message) == .accepted else { throw Unexpected("not accepted") }
            try pass { self.receivedBytes == wanted }
        }

        private func pass(until isDone: () -> Bool) throws {
            for _ in 0..<1_000 {
                pass()
                if isDone() { return }
            }
            throw Unexpected("nothing comes back: \(failure ?? "no reason")")
        }

        /// Both sides send what they have, and a millisecond goes by.
        private func pass() {
            deliver(from: client, to: server, QUICPath(local: addresses.server, remote: addresses.client))
            deliver(from: server, to: client, QUICPath(local: addresses.client, remote: addresses.server))
            now += .milliseconds(1)
            for endpoint in [client, server] {
                if let deadline = endpoint.nextDeadline, deadline <= now { endpoint.handleTimeout(now: now) }
            }
        }

        private func deliver(from sender: QUICEndpoint, to receiver: QUICEndpoint, _ path: QUICPath) {
            takeEvents(sender)
            while let transmit = sender.pollTransmit(into: room, now: now) {
                receiver.receive(
                    UnsafeRawBufferPointer(rebasing: room[..<transmit.byteCount]), segmentBytes: transmit.segmentBytes,
                    ecn: transmit.ecn, path: path, now: now)
                takeEvents(receiver)
            }
        }

        private func takeEvents(_ endpoint: QUICEndpoint) {
            while let event = endpoint.pollEvent() {
                switch event {
                case .handshakeConfirmed: confirmed += 1
                case .streamData(let stream, let bytes, let isLast):
                    stream.connection.consume(stream, byteCount: bytes.count)
                    if stream.connection.isServer {
                        _ = stream.connection.write(stream, bytes, isLast: isLast)
                    } else {
                        receivedBytes += bytes.count
                    }
                case .streamClosed: closedStreams += 1
                case .connectionClosed(_, let reason): failure = "\(reason)"
                default: break
                }
            }
        }
    }

    /// Random numbers that are the same each time.
    private struct SplitMix: RandomNumberGenerator {
        var state: UInt64

        mutating func next() -> UInt64 {
            state &+= 0x9e37_79b9_7f4a_7c15
            var z = state
            z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
            z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
            return z ^ (z >> 31)
        }
    }
#endif
