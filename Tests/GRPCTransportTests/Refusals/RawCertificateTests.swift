import ForeignPeers
import GRPCTransport
import NodeTransport
import Testing
import TransportTLS

/// Certificate messages that no library would send, in TLS 1.2, where they travel in the clear.
@Suite(.timeLimit(.minutes(5))) struct RawCertificateTests {
    struct Case: Sendable, CustomTestStringConvertible {
        let testDescription: String
        /// What stands in the message: the certificates as they are sent.
        let chain: @Sendable (Forge) throws -> [[UInt8]]
        let code: TLSError.Code
        let text: String
        /// What our server sends; our client says that the certificate is bad.
        let alert: UInt8
        var clientAlert: UInt8 = 42
        /// Where our client says something else than our server.
        var client: (code: TLSError.Code, text: String)?
    }

    static let cases = [
        Case(
            testDescription: "no certificate", chain: { _ in [] }, code: .noCertificate, text: "sent no certificate",
            alert: 40, clientAlert: 50, client: (.protocolViolation, "length mismatch")),
        Case(
            testDescription: "rubbish", chain: { _ in [[1, 2, 3, 4]] }, code: .malformedCertificate,
            text: "a certificate that is none", alert: 50),
        Case(
            testDescription: "rubbish behind a good certificate",
            chain: { [Array($0.node.chain[0]), [UInt8](repeating: 0x30, count: 500)] }, code: .malformedCertificate,
            text: "a certificate that is none", alert: 50),
        Case(
            testDescription: "a certificate cut short", chain: { [Array($0.node.chain[0].dropLast(9))] },
            code: .malformedCertificate, text: "a certificate that is none", alert: 50),
        Case(
            testDescription: "a certificate with bytes behind it", chain: { [Array($0.node.chain[0]) + [0]] },
            code: .malformedCertificate, text: "a certificate that is none", alert: 50, clientAlert: 50),
        Case(
            testDescription: "an empty certificate", chain: { _ in [[]] }, code: .malformedCertificate,
            text: "a certificate that is none", alert: 50),
    ]

    /// A `Certificate` message (RFC 5246 section 7.4.2) in a record of its own.
    private static func record(_ chain: [[UInt8]]) -> [UInt8] {
        let list = chain.flatMap { uint24($0.count) + $0 }
        return handshake(11, uint24(list.count) + list)
    }

    private static func handshake(_ type: UInt8, _ body: [UInt8]) -> [UInt8] {
        let message = [type] + uint24(body.count) + body
        return [22, 3, 3] + uint24(message.count).dropFirst() + message
    }

    private static func uint24(_ number: Int) -> [UInt8] {
        [16, 8, 0].map { UInt8(truncatingIfNeeded: number >> $0) }
    }

    private static func extensions(_ list: [(Int, [UInt8])]) -> [UInt8] {
        let bytes = list.flatMap { uint24($0.0).dropFirst() + uint24($0.1.count).dropFirst() + $0.1 }
        return uint24(bytes.count).dropFirst() + bytes
    }

    /// RFC 5746, without which OpenSSL goes no further.
    private static let renegotiation: (Int, [UInt8]) = (0xff01, [0])
    private static let alpn: (Int, [UInt8]) = (16, [0, 3, 2] + Array("h2".utf8))
    /// ECDHE_ECDSA with AES-128-GCM and SHA-256.
    private static let cipher: [UInt8] = [0xc0, 0x2b]

    private static let clientHello: [UInt8] = {
        let random = (0..<32).map { _ in UInt8.random(in: 0 ... .max) }
        let offers = extensions([(10, [0, 4, 0, 29, 0, 23]), (11, [1, 0]), (13, [0, 2, 4, 3]), renegotiation, alpn])
        return handshake(1, [3, 3] + random + [0, 0, 2] + cipher + [1, 0] + offers)
    }()

    private static let serverHello: [UInt8] = {
        let random = (0..<32).map { _ in UInt8.random(in: 0 ... .max) }
        return handshake(2, [3, 3] + random + [0] + cipher + [0] + extensions([(11, [1, 0]), renegotiation, alpn]))
    }()

    /// The alert in what a peer sends until it closes.
    private static func alert(in bytes: [UInt8]) throws -> UInt8? {
        var rest = bytes[...]
        while rest.count >= 5 {
            let count = Int(rest[rest.startIndex + 3]) << 8 | Int(rest[rest.startIndex + 4])
            let body = rest.dropFirst(5).prefix(count)
            if rest.first == 21 { return body.last }
            rest = rest.dropFirst(5 + count)
        }
        return nil
    }

    private static func security(_ forge: Forge) -> GRPCTransport.Security {
        .tls(TLSConfiguration(identity: forge.node, trust: forge.trust, minimumVersion: .tls12))
    }

    @Test(arguments: cases)
    func `a client's message is refused`(_ bad: Case) async throws {
        let forge = try Forge.shared
        try await RefusalRig.run(Self.security(forge)) { rig in
            let endpoint = rig.listener.endpoint
            let alert = try await blocking {
                let socket = try RawSocket(to: endpoint)
                socket.send(Self.clientHello)
                // The server's flight ends with ServerHelloDone, an empty message.
                var flight: [UInt8] = []
                while !flight.suffix(4).elementsEqual([14, 0, 0, 0]) {
                    guard let more = try socket.receive() else {
                        throw RawSocket.Failure(description: "refused too early: \(flight)")
                    }
                    flight += more
                }
                socket.send(try Self.record(bad.chain(forge)))
                return try Self.alert(in: socket.drain())
            }
            #expect(alert == bad.alert)
            let error = try await rig.refusedHandshake()
            #expect((error.cause as? TLSError)?.code == bad.code, "\(error)")
            #expect(error.description.contains(bad.text), "\(error)")
            #expect(error.code == .unauthenticated, "\(error)")
            try await rig.expectServed(forge.good())
        }
    }

    @Test(arguments: cases)
    func `a server's message is refused`(_ bad: Case) async throws {
        let forge = try Forge.shared
        let listener = try RawListener()
        let client = try GRPCTransport(security: Self.security(forge))
        async let told = blocking {
            let socket = try listener.accept()
            _ = try socket.receive()
            socket.send(Self.serverHello)
            socket.send(try Self.record(bad.chain(forge)))
            return try Self.alert(in: socket.drain())
        }
        let error = try await TransportError.thrown { _ = try await client.connect(to: listener.endpoint) }
        let expected = bad.client ?? (bad.code, bad.text)
        #expect(try await told == bad.clientAlert)
        #expect((error.cause as? TLSError)?.code == expected.code, "\(error)")
        #expect(error.description.contains(expected.text), "\(error)")
        try await RefusalRig.run(forge.good()) { try await $0.expectServed(Self.security(forge)) }
        await client.shutdown(within: .zero)
    }
}
