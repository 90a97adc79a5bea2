internal import CSystem

/// What the kernel can do for a datagram socket beside sending and receiving.
package struct UDPFeatures: OptionSet, Sendable, Hashable, CustomStringConvertible {
    package let rawValue: UInt32

    package init(rawValue: UInt32) { self.rawValue = rawValue }

    /// GRO: the kernel hands over trains of datagrams of one peer in one buffer (Linux 5.0).
    package static let receiveOffload = UDPFeatures(rawValue: UInt32(CS_UDP_GRO))
    /// GSO: the kernel cuts one buffer into datagrams (Linux 4.18).
    package static let segmentationOffload = UDPFeatures(rawValue: UInt32(CS_UDP_GSO))
    /// Marks are reported with what is received, and can be set on what is sent.
    package static let ecn = UDPFeatures(rawValue: UInt32(CS_UDP_ECN))
    /// The local address is reported with what is received, and can be chosen for what is sent.
    package static let packetInfo = UDPFeatures(rawValue: UInt32(CS_UDP_PKTINFO))
    /// Datagrams are never fragmented: the DF bit, without which the path's MTU cannot be probed (RFC 8899).
    package static let dontFragment = UDPFeatures(rawValue: UInt32(CS_UDP_DONT_FRAGMENT))
    /// Several sockets share one port, and the kernel spreads the peers over them.
    package static let reusePort = UDPFeatures(rawValue: 1 << 16)

    package static let all: UDPFeatures = [
        .receiveOffload, .segmentationOffload, .ecn, .packetInfo, .dontFragment, .reusePort,
    ]

    package var description: String {
        let names: [(UDPFeatures, String)] = [
            (.receiveOffload, "gro"), (.segmentationOffload, "gso"), (.ecn, "ecn"), (.packetInfo, "pktinfo"),
            (.dontFragment, "df"), (.reusePort, "reuseport"),
        ]
        return names.filter { contains($0.0) }.map(\.1).joined(separator: " ")
    }
}
