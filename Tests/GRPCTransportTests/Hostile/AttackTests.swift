import ForeignPeers
import Foundation
import NodeTransport
import Testing

@testable import GRPCTransport

/// A peer that breaks HTTP/2 is told so and shown out; everybody else is served meanwhile and afterwards.
@Suite(.timeLimit(.minutes(5)), .serialized) struct AttackTests {
    @Test(arguments: Attack.all)
    func `is answered with its error code`(_ attack: Attack) async throws {
        try await HostileRig.run(attack.configure, services: [EchoService(), DeafService()]) { rig in
            let endpoint = rig.endpoint
            switch attack.answer {
            case .goAway(let code):
                let goAway = try await blocking {
                    let socket = try RawSocket(to: endpoint)
                    socket.send(attack.bytes())
                    var frames = FrameReader(socket)
                    let goAway = try frames.next(RawFrame.Kind.goAway)
                    // Nothing but the end may follow.
                    while let frame = try frames.next() {
                        throw RawSocket.Failure(description: "after GOAWAY came \(frame)")
                    }
                    return goAway
                }
                #expect(goAway?.errorCode == code, "\(goAway.map(\.description) ?? "no GOAWAY")")
            case .reset(let stream, let code):
                let reset = try await blocking {
                    let socket = try RawSocket(to: endpoint)
                    socket.send(attack.bytes())
                    var frames = FrameReader(socket)
                    let reset = try frames.next(RawFrame.Kind.reset)
                    // The connection goes on: the next call on it is answered.
                    socket.send(Raw.headers(101, Raw.request) + Raw.data(101, Raw.message([42]), endStream: true))
                    var answer = try frames.next(RawFrame.Kind.data)
                    while let frame = answer, frame.stream != 101 { answer = try frames.next(RawFrame.Kind.data) }
                    guard answer?.payload == Raw.message([42]) else {
                        throw RawSocket.Failure(description: "the connection did not go on")
                    }
                    return reset
                }
                #expect(reset?.stream == stream)
                #expect(reset?.errorCode == code, "\(reset.map(\.description) ?? "no RST_STREAM")")
            }
            guard let text = attack.event else { return }
            let event = await rig.events.first {
                [.handshakeFailed, .connectionClosed].contains($0.kind) && $0.error != nil
            }
            #expect(event.description.contains(text), "\(event)")
            #expect(event.remoteEndpoint != nil)
        }
    }

    @Test func `the connection over the limit is refused by its name`() async throws {
        try await HostileRig.run({ $0.maximumConnections = 2 }) { rig in
            let second = try await rig.client.connect(to: rig.endpoint)
            let error = await #expect(throws: TransportError.self) { try await rig.client.connect(to: rig.endpoint) }
            #expect(error?.code == .unavailable, "\(error.map(\.description) ?? "")")
            #expect(error?.processing == .notProcessed)
            let event = await rig.events.first(.connectionRefused)
            #expect(event.error?.code == .resourceExhausted)
            #expect(event.description.contains("the limit of 2 connections is reached"), "\(event)")
            #expect(event.remoteEndpoint != nil)
            // A place that is given back is given away again.
            await second.close(within: .zero)
            _ = await rig.events.first(.connectionClosed)
            let third = try await rig.client.connect(to: rig.endpoint)
            #expect(try await third.call(Echo.unary, Bytes(utf8: "in")) == Bytes(utf8: "in"))
        }
    }

    /// The prefix of a message says how long it will be; that is no reason to set memory aside for it.
    @Test func `announced messages cost no memory before they come`() async throws {
        try await HostileRig.run { rig in
            let endpoint = rig.endpoint
            let grown = try await blocking {
                let before = try residentBytes()
                var sockets: [RawSocket] = []
                for _ in 0..<4 {
                    let socket = try RawSocket(to: endpoint)
                    socket.send(Raw.opening)
                    for index in 0..<200 {
                        let stream = UInt32(index * 2 + 1)
                        socket.send(Raw.headers(stream, Raw.request) + Raw.data(stream, [0, 0, 0x40, 0, 0]))
                    }
                    socket.send(Raw.ping)
                    var frames = FrameReader(socket)
                    guard try frames.next(RawFrame.Kind.ping) != nil else {
                        throw RawSocket.Failure(description: "the connection was closed")
                    }
                    sockets.append(socket)
                }
                return try withExtendedLifetime(sockets) { try residentBytes() } - before
            }
            // 800 messages of 4 MiB would be 3.2 GB; other tests run meanwhile.
            #expect(grown < 1 << 30)
        }
    }
}

/// A slow-loris: a place is not kept for a peer that does not come to the point.
@Suite(.timeLimit(.minutes(5))) struct SlowLorisTests {
    @Test(arguments: [[], Array(Raw.preface.prefix(10)), Raw.preface, Raw.preface + [0, 0, 12, 4]])
    func `a connection that says too little is closed at the handshake's time limit`(_ bytes: [UInt8]) async throws {
        try await HostileRig.run({ $0.handshakeTimeout = .seconds(10) }) { rig in
            let endpoint = rig.endpoint
            try await blocking {
                let socket = try RawSocket(to: endpoint)
                socket.send(bytes)
                _ = try socket.drain()
            }
            let event = await rig.events.first(.handshakeFailed)
            #expect(event.error?.code == .unavailable)
            #expect(event.description.contains("the handshake took longer than 10.0 seconds"), "\(event)")
        }
    }
}

/// The memory of this process that is in use.
func residentBytes() throws -> Int {
    let fields = try String(contentsOfFile: "/proc/self/statm", encoding: .utf8).split(separator: " ")
    return (Int(fields[1]) ?? 0) * 4096
}
