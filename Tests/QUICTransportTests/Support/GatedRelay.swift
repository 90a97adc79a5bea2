import ForeignPeers
import Foundation
import QUICEngine
import Synchronization

/// A UDP relay before a server, in real time, whose directions a test opens and closes. What comes to a closed gate
/// waits. Each client has a socket of its own towards the server, as behind a translator.
final class GatedRelay: Sendable {
    fileprivate struct Control {
        var isOpenToServer = true
        var isOpenToClient = true
        /// How many translations were asked for.
        var rebindings = 0
        var clientCount = 0
        var server: QUICAddress
        var isStopped = false
    }

    /// Where clients send to.
    let port: Int
    private let control: SharedControl
    private let hasEnded = DispatchSemaphore(value: 0)

    init(to serverPort: Int) throws {
        let front = try RawUDP()
        guard let server = QUICAddress("127.0.0.1", port: UInt16(serverPort)) else {
            throw RawUDP.Failure(description: "no address")
        }
        port = Int(front.address.port)
        let control = SharedControl(Control(server: server))
        self.control = control
        // Sound: only the thread uses it from here on.
        nonisolated(unsafe) let work = GatedRelayWork(front, control)
        Thread.detachNewThread { [hasEnded] in
            while work.turn() {}
            hasEnded.signal()
        }
    }

    func setOpen(toServer: Bool = true, toClient: Bool = true) {
        control.state.withLock { ($0.isOpenToServer, $0.isOpenToClient) = (toServer, toClient) }
    }

    /// What waits goes out as before; then each client gets another address, and what comes for the old one is lost.
    func rebind() {
        control.state.withLock {
            $0.rebindings += 1
            ($0.isOpenToServer, $0.isOpenToClient) = (true, true)
        }
    }

    /// How many have sent something.
    var clientCount: Int { control.state.withLock { $0.clientCount } }

    func stop() async {
        control.state.withLock { $0.isStopped = true }
        await blocking { [hasEnded] in hasEnded.wait() }
    }

    deinit { control.state.withLock { $0.isStopped = true } }
}

private final class SharedControl: Sendable {
    let state: Mutex<GatedRelay.Control>
    init(_ control: GatedRelay.Control) { state = Mutex(control) }
}

/// What the relay's thread does.
private final class GatedRelayWork {
    private struct Client {
        let address: QUICAddress
        var socket: RawUDP
        var toServer: [[UInt8]] = []
        var toClient: [[UInt8]] = []
    }

    private let front: RawUDP
    private let control: SharedControl
    private var clients: [Client] = []
    private var rebindings = 0

    init(_ front: RawUDP, _ control: SharedControl) {
        self.front = front
        self.control = control
    }

    /// False when it is over.
    func turn() -> Bool {
        let control = control.state.withLock { $0 }
        guard !control.isStopped else {
            front.close()
            for client in clients { client.socket.close() }
            return false
        }
        for index in RawUDP.wait(for: [front] + clients.map(\.socket), milliseconds: 5) {
            let socket = index == 0 ? front : clients[index - 1].socket
            for _ in 0..<64 {
                guard let (bytes, from) = socket.receive(waiting: 0) else { break }
                if index > 0 {
                    clients[index - 1].toClient.append(bytes)
                } else if let place = place(of: from) {
                    clients[place].toServer.append(bytes)
                }
            }
        }
        for index in clients.indices {
            if control.isOpenToServer {
                for bytes in clients[index].toServer { clients[index].socket.send(bytes, to: control.server) }
                clients[index].toServer = []
            }
            if control.isOpenToClient {
                for bytes in clients[index].toClient { front.send(bytes, to: clients[index].address) }
                clients[index].toClient = []
            }
            if control.rebindings != rebindings, let socket = try? RawUDP() {
                clients[index].socket.close()
                clients[index].socket = socket
            }
        }
        rebindings = control.rebindings
        return true
    }

    private func place(of address: QUICAddress) -> Int? {
        if let place = clients.firstIndex(where: { $0.address == address }) { return place }
        guard clients.count < 16, let socket = try? RawUDP() else { return nil }
        clients.append(Client(address: address, socket: socket))
        control.state.withLock { $0.clientCount += 1 }
        return clients.count - 1
    }
}
