import Testing
import TransportTestKit

@testable import TransportDNS

@Suite("Messages from servers are read, whatever is in them")
struct DNSMessageTests {
    /// An answer to `a.example` SRV: an alias, a service behind a pointer, both families, and an authority.
    static let message: [UInt8] =
        [0, 1, 0x81, 0x80, 0, 1, 0, 4, 0, 1, 0, 0]
        + [1, 0x41, 7] + Array("example".utf8) + [0, 0, 33, 0, 1]  // at 12: A.example
        + [0xc0, 12, 0, 5, 0, 1, 0, 0, 0, 60, 0, 4, 1, 0x62, 0xc0, 14]  // CNAME b.example, at 39
        + [0xc0, 39, 0, 33, 0, 1, 0, 0, 0, 30, 0, 8, 0, 1, 0, 2, 0x11, 0x51, 0xc0, 12]
        + [0xc0, 39, 0, 1, 0, 1, 0, 0, 0, 20, 0, 4, 10, 0, 0, 255]
        + [0xc0, 39, 0, 28, 0, 1, 0x80, 0, 0, 1, 0, 16] + [0x20, 1, 0xd, 0xb8] + [UInt8](repeating: 0, count: 11) + [1]
        + [0xc0, 14, 0, 6, 0, 1, 0, 0, 1, 0, 0, 24, 0xc0, 14, 0xc0, 14] + [UInt8](repeating: 0, count: 16) + [
            0, 0, 0, 9,
        ]

    @Test func `Every kind of record is read`() throws {
        let message = try #require(DNSMessage(parsing: Self.message))
        #expect(message.responseCode == 0)
        #expect(
            message.answers == [
                DNSRecord(name: "a.example", seconds: 60, value: .alias("b.example")),
                DNSRecord(
                    name: "b.example", seconds: 30,
                    value: .service(priority: 1, weight: 2, port: 4433, target: "a.example")),
                DNSRecord(name: "b.example", seconds: 20, value: .ipv4("10.0.0.255")),
                // A time to live with the highest bit set is none.
                DNSRecord(name: "b.example", seconds: 0, value: .ipv6("2001:db8::1")),
            ])
        #expect(
            message.authorities == [DNSRecord(name: "example", seconds: 256, value: .authority(negativeSeconds: 9))])
        #expect(
            message.answer(to: "a.example", .service)
                == .found([.service(priority: 1, weight: 2, port: 4433, target: "a.example")], seconds: 30))
    }

    @Test func `No part of a message is a message`() {
        for count in 0..<Self.message.count { #expect(DNSMessage(parsing: Array(Self.message.prefix(count))) == nil) }
        var question = Self.message
        question[2] = 0x01
        #expect(DNSMessage(parsing: question) == nil)
    }

    @Test func `Pointers that go in circles or ahead are refused`() {
        for pointer: UInt8 in [12, 13, 14, 40, 255] {
            var message = Self.message
            // In place of the question's name.
            message.replaceSubrange(12..<23, with: [0xc0, pointer])
            #expect(DNSMessage(parsing: message) == nil)
        }
        var reader = DNSReader(bytes: [1, 0x61, 0xc0, 0])
        reader.position = 2
        #expect(reader.name() == nil)
    }

    @Test func `Names are told apart by their bytes`() {
        var dotted = DNSReader(bytes: [3, 0x61, 0x2e, 0x62, 0])
        #expect(dotted.name() == "a\\046b")
        var long = DNSReader(
            bytes: Array([[UInt8]](repeating: [63] + [UInt8](repeating: 0x61, count: 63), count: 4).joined()) + [0])
        #expect(long.name() == nil)
    }

    @Test func `Addresses have the text of RFC 5952`() {
        let zero = [UInt8](repeating: 0, count: 16)
        #expect(DNSAddress.ipv6(zero[...]) == "::")
        #expect(DNSAddress.ipv6(([0xfe, 0x80] + zero.dropFirst(3) + [9])[...]) == "fe80::9")
        // A single group of zero is written; of two runs the longer one is not.
        #expect(DNSAddress.ipv6([0, 1, 0, 0, 0, 2, 0, 3, 0, 4, 0, 5, 0, 6, 0, 7]) == "1:0:2:3:4:5:6:7")
        #expect(DNSAddress.ipv6([0, 1, 0, 0, 0, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0xab, 0xcd]) == "1:0:0:3::abcd")
    }

    @Test func `A damaged message is refused or read, and its records can be asked for`() {
        let seed = UInt64.random(in: 0 ... .max)
        var random = SeededRandom(seed: seed)
        var readCount = 0
        for _ in 0..<50_000 {
            var bytes = Self.message
            for _ in 0..<Int.random(in: 1...4, using: &random) {
                let at = Int.random(in: 0..<bytes.count, using: &random)
                switch Int.random(in: 0..<4, using: &random) {
                case 0: bytes[at] = UInt8.random(in: 0 ... .max, using: &random)
                case 1: bytes[at] ^= 1 << UInt8.random(in: 0..<8, using: &random)
                case 2: bytes.remove(at: at)
                default: bytes.insert(UInt8.random(in: 0 ... .max, using: &random), at: at)
                }
            }
            guard let message = DNSMessage(parsing: bytes) else { continue }
            readCount += 1
            for type in [DNSRecordType.ipv4, .ipv6, .service] {
                for name in message.answers.map(\.name) { _ = message.answer(to: name, type) }
            }
            let services = message.answers.map(\.value)
            for target in ServiceLookUp.targets(services) {
                #expect((0...65_535).contains(target.port) && !target.name.isEmpty, "seed \(seed)")
            }
            for name in message.answers.map(\.name) {
                #expect(name.utf8.count <= 4 * 255, "seed \(seed): \(name)")
            }
        }
        #expect(readCount > 1_000, "seed \(seed)")
    }

    @Test func `Aliases in a circle, or that lead away, are no answer`() {
        let alias = { (name: String, target: String) in DNSRecord(name: name, seconds: 9, value: .alias(target)) }
        let circle = DNSMessage(responseCode: 0, answers: [alias("a", "b"), alias("b", "a")], authorities: [])
        #expect(circle.answer(to: "a", .ipv4) == .none(seconds: nil))
        let away = DNSMessage(responseCode: 0, answers: [alias("a", "b"), alias("b", "c")], authorities: [])
        #expect(away.answer(to: "a", .ipv4) == .alias("c", seconds: 9))
        let gone = DNSMessage(responseCode: 3, answers: [alias("a", "b")], authorities: [])
        #expect(gone.answer(to: "a", .ipv4) == .none(seconds: nil))
        let other = DNSMessage(
            responseCode: 0, answers: [DNSRecord(name: "b", seconds: 1, value: .ipv4("10.0.0.1"))], authorities: [])
        #expect(other.answer(to: "a", .ipv4) == .none(seconds: nil))
    }
}
