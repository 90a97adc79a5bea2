import ForeignPeers
import NodeTransport
import QUICEngine

/// A server of HTTP/3 that allows no request. Used in ``blocking(_:)``.
final class HandServer {
    private let socket: RawUDP
    private let endpoint: QUICEndpoint
    private(set) var pathChanges: [QUICPath] = []
    private(set) var isConfirmed = false
    private(set) var closed: QUICCloseReason?
    private var lastReceive = RawUDP.now
    private let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 65_536, alignment: 16)

    var port: Int { Int(socket.address.port) }

    init() throws {
        socket = try RawUDP()
        let identity = try HandIdentity.shared.get()
        var options = QUICCredentials.Options(role: .server, applicationProtocols: ["h3"])
        options.certificateChain = identity.chain
        options.privateKey = identity.key
        var configuration = QUICConfiguration()
        configuration.maxBidirectionalStreams = 0
        endpoint = QUICEndpoint(
            configuration: configuration, server: try QUICCredentials(options) { _, _ in .accept })
    }

    /// For how long the client has said nothing.
    var silence: QUICTime { RawUDP.now - lastReceive }

    deinit { buffer.deallocate() }

    /// Serves until `condition` holds; false when it does not in good time.
    func run(for limit: QUICTime = .seconds(30), until condition: () -> Bool) -> Bool {
        let end = RawUDP.now + limit
        while RawUDP.now < end {
            takeEvents()
            while let transmit = endpoint.pollTransmit(into: buffer, now: RawUDP.now) {
                for start in stride(from: 0, to: transmit.byteCount, by: transmit.segmentBytes) {
                    let end = min(start + transmit.segmentBytes, transmit.byteCount)
                    socket.send([UInt8](buffer[start..<end]), to: transmit.path.remote)
                }
            }
            // Only now: what would be left unsent, nobody sends.
            if condition() { return true }
            while let (bytes, from) = socket.receive(waiting: 5) {
                lastReceive = RawUDP.now
                let path = QUICPath(local: socket.address, remote: from)
                bytes.withUnsafeBytes {
                    endpoint.receive($0, segmentBytes: $0.count, path: path, now: RawUDP.now)
                }
                takeEvents()
            }
            endpoint.handleTimeout(now: RawUDP.now)
        }
        return condition()
    }

    private func takeEvents() {
        while let event = endpoint.pollEvent() {
            switch event {
            case .handshakeConfirmed(let connection):
                isConfirmed = true
                // The control stream, with SETTINGS that say nothing.
                if let control = try? connection.openStream(isBidirectional: false) {
                    _ = connection.write(control, Bytes([0, 4, 0]))
                }
            case .pathChanged(_, let path): pathChanges.append(path)
            case .connectionClosed(_, let reason): closed = reason
            default: break
            }
        }
    }
}
