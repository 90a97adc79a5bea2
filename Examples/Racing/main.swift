// Two wires race to the same peer, QUIC with a head start, and the winner is remembered.
//
//     swift run racing               a peer that is reached by both: QUIC wins
//     swift run racing --deaf        a peer whose UDP port never answers, as behind a firewall: TCP wins after the head start
//     swift run racing --patient     the same with a head start of a minute instead of 250 ms
//
// As root, behind a real firewall rule:
//
//     ip netns add race && ip netns exec race ip link set lo up
//     ip netns exec race iptables -A INPUT -p udp -j DROP
//     ip netns exec race swift run racing
//     ip netns del race

import GRPCTransport
import Glibc
import NodeTransport
import QUICTransport
import TransportResilience
import TransportTLS

/// Both wires of one node: the same identity, the same trust.
func makeWires(
    _ name: String, _ authority: DevelopmentCA, trust: Trust
) throws -> (quic: QUICTransport, grpc: GRPCTransport) {
    let issued = try authority.issue(name: name, ipAddresses: ["127.0.0.1"])
    let identity = try Identity(certificatePEM: issued.certificatePEM, keyPEM: issued.keyPEM)
    return (
        try QUICTransport(identity: identity, trust: trust),
        try GRPCTransport(security: .mutualTLS(identity: identity, trust: trust))
    )
}

/// A UDP socket that takes packets and never answers.
func openDeafSocket(port: Int) -> Bool {
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = UInt16(port).bigEndian
    inet_pton(AF_INET, "127.0.0.1", &address.sin_addr)
    let descriptor = socket(AF_INET, Int32(SOCK_DGRAM.rawValue), 0)
    return withUnsafePointer(to: address) {
        $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
            bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
        }
    }
}

var exitCode: Int32 = 0
do {
    let authority = try DevelopmentCA.create()
    let trust = try Trust.roots(pem: authority.certificatePEM)
    let server = try makeWires("server", authority, trust: trust)
    let client = try makeWires("client", authority, trust: trust)

    // The same port for both.
    let tcp = try await server.grpc.listen(on: "grpc://127.0.0.1:0", services: [])
    let endpoint = tcp.endpoint.withScheme(.quic)
    if CommandLine.arguments.contains("--deaf") {
        guard openDeafSocket(port: endpoint.port ?? 0) else { throw TransportError(.unavailable, "the port is in use") }
    } else {
        _ = try await server.quic.listen(on: endpoint, services: [])
    }

    let isPatient = CommandLine.arguments.contains("--patient")
    let transport = client.quic.racing(
        against: client.grpc, headStart: isPatient ? .seconds(60) : .milliseconds(250),
        observer: { print("event: \($0)") })
    for _ in 0..<3 {
        let start = ContinuousClock.now
        let connection = try await transport.connect(to: endpoint)
        let milliseconds = Int((ContinuousClock.now - start) / .milliseconds(1))
        print("connected by \(connection.endpoint.scheme.rawValue) after \(milliseconds) ms")
        await connection.close()
    }
    await transport.shutdown()
} catch {
    print("failed: \(error)")
    exitCode = 1
}
exit(exitCode)
