import NodeTransport
import Synchronization
import TransportTestKit

/// One host that sends numbered datagrams, and one that notes what comes.
final class Traffic: Sendable {
    struct Arrival: Sendable, Hashable {
        var time: Duration
        var number: Int
        var datagram: SimulatedDatagram
    }

    let network: SimulatedNetwork
    let sender: SimulatedSocket
    let receiver: SimulatedSocket
    private let log = Log()

    private final class Log: Sendable {
        let arrivals = Mutex<[Arrival]>([])
    }

    init(seed: UInt64, _ change: (inout LinkConditions) -> Void = { _ in }) throws {
        let network = SimulatedNetwork(seed: seed)
        var conditions = LinkConditions()
        change(&conditions)
        network.setConditions(conditions, from: "a", to: "b")
        self.network = network
        sender = try network.host("a").bind(1)
        receiver = try network.host("b").bind(
            2,
            onReceive: { [log] datagram in
                let number = datagram.payload.prefix(4).reduce(0) { $0 << 8 | Int($1) }
                log.arrivals.withLock { $0.append(Arrival(time: network.now, number: number, datagram: datagram)) }
            })
    }

    /// Sends `count` datagrams of `bytes` each, `interval` apart, and waits for `rest` afterwards.
    func send(
        _ count: Int, bytes: Int = 100, ecn: ECNMark = .capable0, every interval: Duration = .milliseconds(1),
        rest: Duration = .seconds(10)
    ) throws {
        for number in 0..<count {
            sender.send(Self.payload(number, bytes), to: receiver.address, ecn: ecn)
            try network.advance(by: interval)
        }
        try network.advance(by: rest)
    }

    var arrivals: [Arrival] { log.arrivals.withLock { $0 } }
    var numbers: [Int] { arrivals.map(\.number) }
    var statistics: LinkStatistics { network.statistics(from: "a", to: "b") }

    static func payload(_ number: Int, _ count: Int) -> Bytes {
        var bytes = [UInt8](repeating: 0xa5, count: max(count, 4))
        for index in 0..<4 { bytes[index] = UInt8(truncatingIfNeeded: number >> (24 - 8 * index)) }
        return Bytes(bytes)
    }
}
