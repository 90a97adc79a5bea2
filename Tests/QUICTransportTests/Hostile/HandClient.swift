import ForeignPeers
import NodeTransport
import QUICEngine

/// A client that speaks QUIC well and says whatever a test wants on it. Used in ``blocking(_:)``.
final class HandClient {
    private(set) var socket: RawUDP
    let server: QUICAddress
    let endpoint: QUICEndpoint
    /// Every datagram that it sent.
    private(set) var sent: [[UInt8]] = []
    private(set) var isConfirmed = false
    private(set) var closed: QUICCloseReason?
    /// What came, by stream.
    private(set) var received: [Int64: [UInt8]] = [:]
    private let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 65_536, alignment: 16)

    init(to port: Int) throws {
        socket = try RawUDP()
        guard let server = QUICAddress("127.0.0.1", port: UInt16(port)) else {
            throw RawUDP.Failure(description: "no address")
        }
        self.server = server
        let identity = try HandIdentity.shared.get()
        var options = QUICCredentials.Options(role: .client, applicationProtocols: ["h3"])
        options.certificateChain = identity.chain
        options.privateKey = identity.key
        endpoint = QUICEndpoint(
            configuration: QUICConfiguration(), client: try QUICCredentials(options) { _, _ in .accept })
    }

    deinit { buffer.deallocate() }

    var path: QUICPath { QUICPath(local: socket.address, remote: server) }

    /// First packets of so many connections, which go nowhere.
    func firstPackets(_ count: Int) throws -> [[UInt8]] {
        for _ in 0..<count { _ = try endpoint.connect(to: path, serverName: "localhost", now: RawUDP.now) }
        var packets: [[UInt8]] = []
        transmit { packets.append($0) }
        return packets
    }

    /// A connection whose handshake both sides know to be done.
    func connect() throws -> QUICConnection {
        let connection = try endpoint.connect(to: path, serverName: "localhost", now: RawUDP.now)
        guard run(until: { isConfirmed || closed != nil }), closed == nil else {
            throw RawUDP.Failure(description: "no handshake: \(closed.map { "\($0)" } ?? "nothing came")")
        }
        return connection
    }

    func write(_ bytes: [UInt8], on connection: QUICConnection, bidirectional: Bool, isLast: Bool = false) throws {
        let stream = try connection.openStream(isBidirectional: bidirectional)
        _ = connection.write(stream, Bytes(bytes), isLast: isLast)
    }

    /// Sends and receives until `condition` holds; false when it does not in good time.
    @discardableResult
    func run(for limit: QUICTime = .seconds(20), until condition: () -> Bool) -> Bool {
        let end = RawUDP.now + limit
        while true {
            takeEvents()
            transmit {
                sent.append($0)
                socket.send($0, to: server)
            }
            takeEvents()
            if condition() { return true }
            guard RawUDP.now < end else { return false }
            while let (bytes, from) = socket.receive(waiting: 5) {
                bytes.withUnsafeBytes {
                    endpoint.receive(
                        $0, segmentBytes: $0.count, path: QUICPath(local: socket.address, remote: from),
                        now: RawUDP.now)
                }
                takeEvents()
                if condition() { return true }
            }
            endpoint.handleTimeout(now: RawUDP.now)
        }
    }

    private func transmit(_ send: ([UInt8]) -> Void) {
        while let transmit = endpoint.pollTransmit(into: buffer, now: RawUDP.now) {
            for start in stride(from: 0, to: transmit.byteCount, by: transmit.segmentBytes) {
                let end = min(start + transmit.segmentBytes, transmit.byteCount)
                send([UInt8](buffer[start..<end]))
            }
        }
    }

    private func takeEvents() {
        while let event = endpoint.pollEvent() {
            switch event {
            case .handshakeConfirmed: isConfirmed = true
            case .connectionClosed(_, let reason): closed = reason
            case .streamData(let stream, let bytes, _):
                received[stream.id, default: []] += Array(bytes)
                stream.connection.consume(stream, byteCount: bytes.count)
            default: break
            }
        }
    }
}
