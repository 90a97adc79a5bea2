import GRPCSemantics
import NodeTransport
import Testing

@Suite("Cutting bytes into messages")
struct MessageAssemblerTests {
    private static let limit = 1_000

    @Test("The same messages come out wherever the bytes are split")
    func everySplit() throws {
        let messages = [Bytes(utf8: "first"), Bytes(), Bytes(utf8: "x"), Bytes(), Bytes(utf8: "the last message")]
        let stream = messages.flatMap(framed)
        for first in 0...stream.count {
            for second in first...stream.count {
                let chunks = [stream[..<first], stream[first..<second], stream[second...]].map { Array($0) }
                #expect(try assemble(chunks) == Outcome(messages: messages))
            }
        }
        #expect(try assemble(stream.map { [$0] }) == Outcome(messages: messages))
        #expect(try assemble([stream]) == Outcome(messages: messages))
        #expect(try assemble([stream], inLentRoom: true) == Outcome(messages: messages))
    }

    @Test func roomIsLentWithinAMessageOnlyAndNotBeyondItsEnd() throws {
        var assembler = MessageAssembler(limit: Self.limit)
        var offers: [Int] = []
        for byte in framed(Bytes(utf8: "abcdef")).prefix(8) {
            unsafe assembler.lendRoom(upTo: 4) { room in
                offers.append(room.count)
                return 0
            }
            let message = try unsafe withUnsafeBytes(of: byte) { bytes in
                var input = unsafe bytes
                return try unsafe assembler.next(&input)
            }
            #expect(message == nil)
        }
        unsafe assembler.lendRoom(upTo: 4) { room in
            offers.append(room.count)
            unsafe room.copyBytes(from: Array("def".utf8))
            return 3
        }
        #expect(offers == [4, 4, 4, 3])
        var rest = unsafe UnsafeRawBufferPointer(start: nil, count: 0)
        let message = try unsafe assembler.next(&rest)
        #expect(message == Bytes(utf8: "abcdef"))
        unsafe assembler.lendRoom(upTo: 4) { _ in
            Issue.record("no message is arriving")
            return 0
        }
    }

    @Test(arguments: [1, UInt64.random(in: 0 ... .max)])
    func randomMessagesInRandomChunks(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        for _ in 0..<200 {
            let messages = (0..<10).map { _ in
                let count = Int.random(in: 0..<100, using: &random)
                return Bytes((0..<count).map { _ in UInt8.random(in: .min ... .max, using: &random) })
            }
            var rest = messages.flatMap(framed)[...]
            var chunks: [[UInt8]] = []
            while !rest.isEmpty {
                chunks.append(Array(rest.prefix(Int.random(in: 0..<40, using: &random))))
                rest = rest.dropFirst(chunks.last?.count ?? 0)
            }
            #expect(try assemble(chunks) == Outcome(messages: messages), "seed \(seed)")
            #expect(try assemble(chunks, inLentRoom: true) == Outcome(messages: messages), "seed \(seed)")
        }
    }

    @Test func isMidMessageFromTheFirstByteToTheLast() throws {
        let stream = framed(Bytes(utf8: "abc"))
        for count in 0...stream.count {
            let outcome = try assemble([Array(stream[..<count])])
            #expect(outcome.isMidMessage == (1..<stream.count).contains(count))
        }
    }

    @Test func messagesUpToTheLimitAreTaken() throws {
        let message = Bytes([UInt8](repeating: 7, count: Self.limit))
        #expect(try assemble([framed(message)]) == Outcome(messages: [message]))
        #expect(try assemble([framed(Bytes())], limit: 0) == Outcome(messages: [Bytes()]))
    }

    private static let tooLarge: [(limit: Int, length: [UInt8], count: Int)] = [
        (limit, [0x00, 0x00, 0x03, 0xe9], 1_001), (0, [0, 0, 0, 1], 1), (limit, [0x80, 0, 0, 0], 2_147_483_648),
        (limit, [0xff, 0xff, 0xff, 0xff], 4_294_967_295),
    ]

    @Test("A length over the limit is refused as soon as it is known, before its memory is taken", arguments: tooLarge)
    func overTheLimit(limit: Int, length: [UInt8], count: Int) {
        #expect(throws: MessageAssembler.Fault.tooLarge(length: count, limit: limit)) {
            try assemble([[0] + length], limit: limit)
        }
    }

    @Test func aCompressedMessageIsRefusedByItsFirstByte() {
        #expect(throws: MessageAssembler.Fault.compressed) { try assemble([[1]]) }
    }

    @Test(arguments: UInt8(2)...255)
    func aFlagThatDoesNotExistIsRefused(flag: UInt8) {
        #expect(throws: MessageAssembler.Fault.badFlag(flag)) { try assemble([[flag]]) }
    }

    @Test func messagesBeforeAFaultComeOut() throws {
        var assembler = MessageAssembler(limit: Self.limit)
        let stream = framed(Bytes(utf8: "good")) + [9]
        var messages: [Bytes?] = []
        #expect(throws: MessageAssembler.Fault.badFlag(9)) {
            try unsafe stream.withUnsafeBytes { bytes in
                var input = unsafe bytes
                while true { messages.append(try unsafe assembler.next(&input)) }
            }
        }
        #expect(messages == [Bytes(utf8: "good")])
    }

    @Test func faultsHaveTheStatusesOfTheSpecification() {
        #expect(MessageAssembler.Fault.tooLarge(length: 9, limit: 8).error.code == .resourceExhausted)
        #expect(MessageAssembler.Fault.tooLarge(length: 9, limit: 8).error.message.contains("9 bytes"))
        #expect(MessageAssembler.Fault.compressed.error.code == .unimplemented)
        #expect(MessageAssembler.Fault.badFlag(2).error.code == .internal)
    }
}

private struct Outcome: Equatable {
    var messages: [Bytes]
    var isMidMessage = false
}

/// Everything that comes out of `chunks`, each given to a fresh buffer as a socket would, or put into the message that is
/// arriving as far as there is room.
private func assemble(_ chunks: [[UInt8]], limit: Int = 1_000, inLentRoom: Bool = false) throws -> Outcome {
    var assembler = MessageAssembler(limit: limit)
    var messages: [Bytes] = []
    for chunk in chunks {
        try unsafe chunk.withUnsafeBytes { bytes in
            var input = unsafe bytes
            while unsafe !input.isEmpty {
                if inLentRoom {
                    unsafe assembler.lendRoom(upTo: input.count) { room in
                        unsafe room.copyMemory(from: UnsafeRawBufferPointer(rebasing: input[..<room.count]))
                        unsafe input = UnsafeRawBufferPointer(rebasing: input[room.count...])
                        return room.count
                    }
                }
                if let message = try unsafe assembler.next(&input) { messages.append(message) }
            }
        }
    }
    return Outcome(messages: messages, isMidMessage: assembler.isMidMessage)
}

/// Flag 0, the length in four bytes, the message.
private func framed(_ message: Bytes) -> [UInt8] {
    [0] + (0..<4).map { UInt8(truncatingIfNeeded: message.count >> (24 - 8 * $0)) } + message
}
