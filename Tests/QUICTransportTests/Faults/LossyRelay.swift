import ForeignPeers
import Foundation
import NodeTransport
import QUICEngine

/// A UDP relay before a server, in real time: what it loses, lets through twice or late is up to a seed.
///
/// Each client has a socket of its own towards the server, as behind a translator.
final class LossyRelay: Sendable {
    struct Conditions: Sendable {
        var loss = 0.1
        var duplication = 0.03
        /// Held back until another one has passed, or a few milliseconds.
        var reordering = 0.03
    }

    /// Where clients send to.
    let port: Int
    private let isStopped = Flag()
    private let hasEnded = DispatchSemaphore(value: 0)

    /// - Parameter port: 0 asks for a free one.
    init(to serverPort: Int, at port: UInt16, seed: UInt64, _ conditions: Conditions = Conditions()) throws {
        let front = try RawUDP(port: port)
        guard let server = QUICAddress("127.0.0.1", port: UInt16(serverPort)) else {
            throw RawUDP.Failure(description: "no address")
        }
        self.port = Int(front.address.port)
        // Sound: only the thread uses it from here on.
        nonisolated(unsafe) let work = RelayWork(front, server, Seeded(seed), conditions)
        Thread.detachNewThread { [isStopped, hasEnded] in
            while !isStopped.isSet { work.turn() }
            work.close()
            hasEnded.signal()
        }
    }

    /// Lets nothing more through, and gives the port back.
    func stop() async {
        isStopped.set()
        await blocking { [hasEnded] in
            hasEnded.wait()
            // For the next who asks.
            hasEnded.signal()
        }
    }

    deinit { isStopped.set() }
}

/// What the relay's thread does.
private final class RelayWork {
    private static let maximumClients = 256

    private struct Client {
        let address: QUICAddress
        let socket: RawUDP
        var heldToServer: [UInt8]?
        var heldToClient: [UInt8]?
    }

    private let front: RawUDP
    private let server: QUICAddress
    private var random: Seeded
    private let conditions: LossyRelay.Conditions
    private var clients: [Client] = []
    private var places: [QUICAddress: Int] = [:]

    init(_ front: RawUDP, _ server: QUICAddress, _ random: Seeded, _ conditions: LossyRelay.Conditions) {
        self.front = front
        self.server = server
        self.random = random
        self.conditions = conditions
    }

    func turn() {
        let ready = RawUDP.wait(for: [front] + clients.map(\.socket), milliseconds: 5)
        if ready.isEmpty { releaseHeld() }
        for index in ready {
            let socket = index == 0 ? front : clients[index - 1].socket
            // A bounded turn, so that no direction waits for another.
            for _ in 0..<64 {
                guard let (bytes, from) = socket.receive(waiting: 0) else { break }
                if index == 0 {
                    if let place = place(of: from) { pass(bytes, place, toServer: true) }
                } else {
                    pass(bytes, index - 1, toServer: false)
                }
            }
        }
    }

    func close() {
        front.close()
        for client in clients { client.socket.close() }
    }

    private func place(of address: QUICAddress) -> Int? {
        if let place = places[address] { return place }
        guard clients.count < Self.maximumClients, let socket = try? RawUDP() else { return nil }
        clients.append(Client(address: address, socket: socket))
        places[address] = clients.count - 1
        return clients.count - 1
    }

    private func pass(_ bytes: [UInt8], _ place: Int, toServer: Bool) {
        if random.chance(conditions.loss) { return }
        let held = toServer ? \Client.heldToServer : \Client.heldToClient
        if clients[place][keyPath: held] == nil, random.chance(conditions.reordering) {
            clients[place][keyPath: held] = bytes
            return
        }
        send(bytes, place, toServer: toServer)
        if random.chance(conditions.duplication) { send(bytes, place, toServer: toServer) }
        if let late = clients[place][keyPath: held].take() { send(late, place, toServer: toServer) }
    }

    private func releaseHeld() {
        for place in clients.indices {
            if let bytes = clients[place].heldToServer.take() { send(bytes, place, toServer: true) }
            if let bytes = clients[place].heldToClient.take() { send(bytes, place, toServer: false) }
        }
    }

    private func send(_ bytes: [UInt8], _ place: Int, toServer: Bool) {
        if toServer {
            clients[place].socket.send(bytes, to: server)
        } else {
            front.send(bytes, to: clients[place].address)
        }
    }
}
