import Foundation
import NodeTransport
import QUICTransport
import Testing

/// What only QUIC can do.
@Suite(.timeLimit(.minutes(1))) struct ControlTests {
    @Test func `a call goes on while its connection moves to another port`() async throws {
        try await Rig.run { rig in
            try await rig.withClient { connection in
                let control = try #require(QUICControl(connection))
                let call = try await connection.call(RigMethods.stream)
                for number in 0..<6 {
                    let message = Bytes(utf8: "\(number)")
                    try await call.requests.send(message)
                    #expect(try await call.responses.next() == message)
                    // Spare connection IDs come a moment after the handshake, and after each move.
                    var moves = 0
                    while moves == 0 {
                        do {
                            try await control.migrate()
                            moves += 1
                        } catch let error as TransportError where error.code == .failedPrecondition {
                            _ = try await connection.call(RigMethods.unary, message)
                        }
                    }
                }
                try await call.requests.finish()
                #expect(try await call.responses.next() == nil)
            }
        }
    }

    @Test func `keys are changed under running calls`() async throws {
        try await Rig.run { rig in
            try await rig.withClient { connection in
                let control = try #require(QUICControl(connection))
                _ = try await connection.call(RigMethods.unary, Bytes())
                try await control.updateKeys()
                // It counts once the server has answered under the new keys.
                var statistics: QUICConnectionStatistics
                repeat {
                    for _ in 0..<50 { _ = try await connection.call(RigMethods.unary, Bytes(utf8: "x")) }
                    statistics = try await control.statistics()
                } while statistics.keyUpdates == 0
                #expect(statistics.keyUpdates == 1)
                #expect(statistics.smoothedRoundTrip > .zero)
                #expect(statistics.packetsSent > 50 && statistics.datagramsReceived > 50)
                #expect(statistics.congestionWindowBytes > 0)
            }
        }
    }

    @Test func `each connection writes its qlog`() async throws {
        let folder = try TemporaryFolder()
        defer { folder.remove() }
        try await Rig.run(configure: { $0.qlogFolder = folder.path }) { rig in
            try await rig.withClient(configure: { $0.qlogFolder = folder.path }) { connection in
                _ = try await connection.call(RigMethods.unary, Bytes())
            }
        }
        let names = try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted()
        #expect(names.count == 2 && names[0].hasPrefix("client-") && names[1].hasPrefix("server-"), "\(names)")
        for name in names {
            let text = try String(contentsOfFile: "\(folder.path)/\(name)", encoding: .utf8)
            #expect(text.contains("packet_sent") && text.contains("packet_received"), "\(name)")
        }
    }
}
