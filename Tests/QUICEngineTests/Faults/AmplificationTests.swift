import NodeTransport
import QUICEngine
import Testing
import TransportTestKit

/// RFC 9000 §8.1: to an address that is not validated go at most three times the bytes that came from it.
@Suite("QUIC amplification")
struct AmplificationTests {
    /// What went to and came from each address as the server sees it.
    private final class Meter {
        var received: [SimulatedAddress: Int] = [:]
        var sent: [SimulatedAddress: Int] = [:]
        /// The worst that was seen before the address was validated.
        var violations: [String] = []
        var validated: Set<SimulatedAddress> = []

        init(_ side: SimulatedEndpoint) {
            side.onReceive = { [unowned self] datagram, _ in
                received[datagram.source, default: 0] += datagram.payload.count
                if Self.isProof(Array(datagram.payload)) { validated.insert(datagram.source) }
            }
            side.onSend = { [unowned self] datagram, now in
                let to = datagram.destination
                sent[to, default: 0] += datagram.payload.count
                guard !validated.contains(to), sent[to, default: 0] > 3 * received[to, default: 0] else { return }
                violations.append("\(sent[to, default: 0]) to \(to) after \(received[to, default: 0]) at \(now)")
            }
        }

        /// Whether a packet in the datagram is one that only who got the server's can send: any but an Initial.
        private static func isProof(_ datagram: [UInt8]) -> Bool {
            var position = 0
            func integer() -> Int? {
                guard position < datagram.count else { return nil }
                let count = 1 << Int(datagram[position] >> 6)
                guard position + count <= datagram.count else { return nil }
                let value = datagram[position..<position + count].reduce(0) { $0 << 8 | Int($1) }
                position += count
                return value & (1 << (8 * count - 2) - 1)
            }
            while position < datagram.count, datagram[position] != 0 {
                guard datagram[position] & 0xb0 == 0x80 else { return true }
                position += 5
                for _ in 0..<2 {
                    guard position < datagram.count else { return false }
                    position += 1 + Int(datagram[position])
                }
                guard let token = integer() else { return false }
                position += token
                guard let length = integer() else { return false }
                position += length
            }
            return false
        }
    }

    @Test func `Losses of the client's packets do not make the server send more`() throws {
        var (answered, confirmed) = (0, 0)
        for seed in UInt64(0)..<40 {
            let lab = try TransferLab(seed: seed)
            lab.network.setConditions(
                LinkConditions(delay: .milliseconds(20), loss: 0.6), from: "client", to: "server")
            let meter = Meter(lab.serverSide)
            try lab.connect()
            try? lab.run(for: .seconds(12)) { lab.server.confirmed > 0 || !lab.server.closes.isEmpty }
            #expect(meter.violations.isEmpty, "seed \(seed): \(meter.violations)")
            if !meter.sent.isEmpty { answered += 1 }
            confirmed += lab.server.confirmed
        }
        #expect(answered > 20 && confirmed > 0 && confirmed < 40)
    }

    @Test func `Initials with forged sources bring at most three times their bytes, and a good client gets in`() throws
    {
        let lab = try TransferLab(seed: 3)
        let meter = Meter(lab.serverSide)
        // The first flights of many clients, caught on their way.
        let caught = try (0..<40).map { try firstFlight(seed: 100 + UInt64($0)) }
        let victims = lab.network.host("victims")
        for (index, flight) in caught.enumerated() {
            let socket = try victims.bind(UInt16(2000 + index))
            for datagram in flight { socket.send(datagram, to: lab.network.host("server").address(443)) }
        }
        try lab.handshake()
        try lab.run(for: .seconds(60)) { lab.server.endpoint.halfOpenCount == 0 }
        #expect(meter.violations.isEmpty, "\(meter.violations)")
        for index in caught.indices {
            let address = victims.address(UInt16(2000 + index))
            let (sent, received) = (meter.sent[address] ?? 0, meter.received[address] ?? 0)
            #expect(received >= 1200 && sent > received && sent <= 3 * received, "\(sent) after \(received)")
        }
    }

    private func firstFlight(seed: UInt64) throws -> [Bytes] {
        let lab = try TransferLab(seed: seed)
        lab.network.cut(between: "client", and: "server")
        var flight: [Bytes] = []
        lab.clientSide.onSend = { datagram, now in if now == 0 { flight.append(datagram.payload) } }
        try lab.connect()
        try lab.simulation.run(until: .milliseconds(1))
        return flight
    }
}
