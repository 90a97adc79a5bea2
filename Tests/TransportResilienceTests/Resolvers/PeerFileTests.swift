import NodeTransport
import Testing

@testable import TransportResilience

@Suite("The text form of a list of peers")
struct PeerFileTests {
    @Test func endpointsWeightsPrioritiesAndComments() throws {
        let peers = try PeerFile.parse(
            """
            # the ledger's nodes

            grpc://10.0.0.1:50051
            \tnode-2.example:50051@10.0.0.2 \t weight=3# heavy
            quic://[fd00::3]:4433 priority=1 weight=65535\r
            memory://x   # the last has no line end
            """, "peers")
        #expect(
            peers == [
                ResolvedPeer(try Endpoint(parsing: "grpc://10.0.0.1:50051")),
                ResolvedPeer(try Endpoint(parsing: "grpc://node-2.example:50051@10.0.0.2"), weight: 3),
                ResolvedPeer(try Endpoint(parsing: "quic://[fd00::3]:4433"), weight: 65_535, priority: 1),
                ResolvedPeer(try Endpoint(parsing: "memory://x")),
            ])
        #expect(try PeerFile.parse("", "peers").isEmpty)
    }

    @Test(
        "A bad line is named",
        arguments: [
            "nonsense", "grpc://a:1 weight", "grpc://a:1 weight=0", "grpc://a:1 weight=65536", "grpc://a:1 weight=-1",
            "grpc://a:1 weight=1 weight=1", "grpc://a:1 priority=", "grpc://a:1 prio=1", "grpc://a:1 grpc://b:1",
            "grpc://a:1 weight=99999999999999999999", "gopher://a:1", "grpc://a",
        ])
    func badLines(_ line: String) throws {
        let error = #expect(throws: TransportError.self) {
            try PeerFile.parse("grpc://ok:1\r\n# fine\n\(line)\ngrpc://also-ok:1", "/etc/peers")
        }
        #expect(error?.code == .invalidArgument)
        #expect(error?.message.hasPrefix("/etc/peers:3: ") == true, "\(String(describing: error))")
    }

    @Test("No text leads to a trap", arguments: randomSeeds)
    func anyText(seed: UInt64) {
        var random = PickRandom(seed: seed)
        let pieces = ["grpc://", "a:1", "[::1]:2", "weight=", "7", "priority=", " ", "\n", "#", "@", "=", "é", "\r\n"]
        for _ in 0..<2000 {
            let text = (0..<Int.random(in: 0..<12, using: &random)).map { _ in
                pieces.randomElement(using: &random) ?? ""
            }.joined()
            let peers = try? PeerFile.parse(text, "x")
            #expect(peers?.allSatisfy { (1...65_535).contains($0.weight) } != false)
        }
    }
}
