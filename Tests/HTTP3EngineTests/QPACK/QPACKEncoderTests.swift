import NodeTransport
import Testing

@testable import HTTP3Engine

@Suite("The QPACK encoder")
struct QPACKEncoderTests {
    /// The two ends of one direction, with what is under way between them.
    private struct Line: ~Copyable {
        var encoder: QPACKEncoder
        var decoder: QPACKDecoder
        var toDecoder: [UInt8] = []
        var toEncoder: [UInt8] = []
        var known = 0

        init(tableBytes: Int, offered: Int) {
            encoder = QPACKEncoder(tableBytes: tableBytes)
            decoder = QPACKDecoder(tableBytes: offered, blockedStreams: 100)
            encoder.setPeerLimits(tableBytes: UInt64(offered), blockedStreams: 100)
        }

        mutating func encode(_ stream: Int64, _ prepared: [PreparedField], _ extra: [HeaderPair] = []) -> [UInt8] {
            let encoded = encoder.encode(stream: stream, isCancelled: false, prepared, extra)
            var section = [UInt8](repeating: 0, count: encoded.count)
            section.withUnsafeMutableBytes { if let start = $0.baseAddress { encoded.copy(to: start) } }
            if encoder.hasInstructions { toDecoder += Array(encoder.takeInstructions()) }
            return section
        }

        /// As the engine does it; nil when the section has to wait, which it never does.
        mutating func decode(_ stream: Int64, _ section: [UInt8]) throws -> [String]? {
            var fields: [HeaderField] = []
            if let kept = decoder.known(section.span.bytes, stream: stream) {
                known += 1
                fields = kept.fields
            } else {
                let context = try decoder.section(stream: stream)
                var limits = QPACKDecoder.Limits(bytes: 1 << 16, fields: 1000)
                guard case .complete = try decoder.decode(section.span.bytes, context, limits: &limits, into: &fields)
                else { return nil }
                decoder.keep(section.span.bytes, fields[...])
            }
            toEncoder += Array(decoder.takeDecoderStream())
            return fields.map { "\($0.name): \($0.value)\($0.isSensitive ? " (sensitive)" : "")" }
        }

        /// Delivers some of what is under way.
        mutating func deliver(_ random: inout Seeded) throws {
            try deliver(down: Int.random(in: 0...toDecoder.count, using: &random))
            try deliver(up: Int.random(in: 0...toEncoder.count, using: &random))
        }

        /// Delivers all that is under way; `change` sees what goes back.
        mutating func deliverAll(_ change: (inout Line) -> Void = { _ in }) throws {
            try deliver(down: toDecoder.count)
            change(&self)
            try deliver(up: toEncoder.count)
        }

        /// Insert Count Increments are not sent.
        mutating func dropIncrements() {
            var (kept, rest): ([UInt8], ArraySlice<UInt8>) = ([], toEncoder[...])
            while let first = rest.first {
                let mask: UInt8 = first & 0x80 != 0 ? 0x7f : 0x3f
                let isLong = first & mask == mask
                let count =
                    isLong ? (rest.dropFirst().firstIndex { $0 < 0x80 } ?? rest.endIndex - 1) + 1 - rest.startIndex : 1
                if first & 0xc0 != 0 { kept += rest.prefix(count) }
                rest = rest.dropFirst(count)
            }
            toEncoder = kept
        }

        private mutating func deliver(down count: Int) throws {
            let bytes = Array(toDecoder.prefix(count))
            toDecoder.removeFirst(count)
            try decoder.receive(encoderStream: bytes.span.bytes)
            toEncoder += Array(decoder.takeDecoderStream())
        }

        private mutating func deliver(up count: Int) throws {
            let bytes = Array(toEncoder.prefix(count))
            toEncoder.removeFirst(count)
            _ = try encoder.receive(decoderStream: bytes.span.bytes)
        }
    }

    private static func texts(_ prepared: [PreparedField], _ extra: [HeaderPair]) -> [String] {
        prepared.map { "\($0.name): \($0.value)\($0.indexing == .neverIndexed ? " (sensitive)" : "")" }
            + extra.map { "\($0.name): \($0.value)\($0.isSensitive ? " (sensitive)" : "")" }
    }

    @Test func `The static table is nghttp3's`() throws {
        var decoder = QPACKDecoder(tableBytes: 0, blockedStreams: 0)
        #expect(StaticTable.fields.count == 99)
        for (index, field) in StaticTable.fields.enumerated() {
            let section: [UInt8] = index < 63 ? [0, 0, 0xc0 | UInt8(index)] : [0, 0, 0xff, UInt8(index - 63)]
            let context = try decoder.section(stream: Int64(index) * 4)
            var limits = QPACKDecoder.Limits(bytes: 1000, fields: 10)
            var fields: [HeaderField] = []
            _ = try decoder.decode(section.span.bytes, context, limits: &limits, into: &fields)
            #expect(fields.map(\.name) == [field.name] && fields.map(\.value) == [field.value], "\(index)")
            let match = try #require(StaticTable.match(name: field.name, value: field.value))
            #expect(match.isExact && StaticTable.fields[match.index] == field)
        }
        #expect(StaticTable.match(name: ":status", value: "418").map { !$0.isExact && $0.index == 24 } == true)
        #expect(StaticTable.match(name: "grpc-status", value: "0") == nil)
    }

    @Test(arguments: 1...20 as ClosedRange<UInt64>)
    func `Whatever is under way, nghttp3 reads what was written and never waits`(seed: UInt64) throws {
        var random = Seeded(seed)
        let offered = [0, 100, 1000, 4096, 1 << 20].randomElement(using: &random) ?? 0
        var line = Line(tableBytes: [0, 4096, 1 << 20].randomElement(using: &random) ?? 0, offered: offered)
        let words = (0..<40).map { number in
            String(repeating: "v\(number)", count: Int.random(in: 0...(number == 7 ? 200 : 8), using: &random))
        }
        var pool: [PreparedField] = []
        var waiting: [(stream: Int64, section: [UInt8], texts: [String])] = []
        var stream: Int64 = 0
        for step in 0..<600 {
            // What is sent changes with time, so that the table grows old.
            if step % 100 == 0 {
                pool = (0..<20).map { index in
                    PreparedField(
                        name: index == 0 ? ":path" : "name-\(Int.random(in: 0..<30, using: &random))",
                        value: words.randomElement(using: &random) ?? "",
                        indexing: index == 5 ? .neverIndexed : .indexed)
                }
            }
            stream += 4
            // Some lists come again and again, as those of calls do.
            let isRepeated = Bool.random(using: &random)
            let start = Int.random(in: 0..<4, using: &random) * 4
            let prepared =
                isRepeated
                ? Array(pool[start..<start + 4])
                : (0..<Int.random(in: 0...6, using: &random)).compactMap { _ in pool.randomElement(using: &random) }
            let extra = (0..<(isRepeated ? 0 : Int.random(in: 0...3, using: &random))).map { _ in
                HeaderPair(
                    name: ["te", "grpc-timeout", "x-extra"].randomElement(using: &random) ?? "te",
                    value: words.randomElement(using: &random) ?? "",
                    isSensitive: Int.random(in: 0..<8, using: &random) == 0
                )
            }
            let section = line.encode(stream, prepared, extra)
            waiting.append((stream, section, Self.texts(prepared, extra)))
            // Sections overtake one another, the encoder stream and the answers.
            while waiting.count > Int.random(in: 0...20, using: &random) {
                let next = waiting.remove(at: Int.random(in: 0..<waiting.count, using: &random))
                #expect(try line.decode(next.stream, next.section) == next.texts, "seed \(seed), step \(step)")
            }
            if Int.random(in: 0..<3, using: &random) == 0 { try line.deliver(&random) }
        }
        for next in waiting { #expect(try line.decode(next.stream, next.section) == next.texts, "seed \(seed)") }
        try line.deliverAll()
        #expect(line.known > 30, "seed \(seed): sections that come again are not decoded")
    }

    @Test func `What is sent again becomes a byte, also what was not prepared`() throws {
        var line = Line(tableBytes: 4096, offered: 4096)
        let extra = [HeaderPair(name: "x-trace", value: "1234567890")]
        var sizes: [Int] = []
        for number in 0..<4 {
            let section = line.encode(Int64(number) * 4, Fields.request(), extra)
            sizes.append(section.count)
            #expect(try line.decode(Int64(number) * 4, section) == Self.texts(Fields.request(), extra))
            try line.deliverAll()
        }
        // All but `:method` and `:scheme` become entries; the extra field with its second time.
        #expect(sizes[0] > 90 && sizes[3] == 2 + 8, "\(sizes)")
        // What the static table has needs no entry, prepared or not.
        let plain = [HeaderPair(name: ":method", value: "GET"), HeaderPair(name: ":scheme", value: "https")]
        for _ in 0..<3 { #expect(line.encode(400, [], plain) == [0, 0, 0xd1, 0xd7]) }
    }

    @Test func `A table whose fields are not sent any more is renewed when nothing refers to it`() throws {
        var line = Line(tableBytes: 4096, offered: 4096)
        func send(_ stream: Int64, _ value: Int, acknowledged: Bool = true) throws -> Int {
            let fields = [PreparedField(name: "x-\(value)", value: String(repeating: "v", count: 60))]
            let section = line.encode(stream, fields)
            #expect(try line.decode(stream, section) == Self.texts(fields, []))
            if acknowledged { try line.deliverAll() }
            return section.count
        }
        for value in 0..<200 { _ = try send(Int64(value) * 4, value) }
        #expect(try send(1000, 3) == 3, "the first are in the table")
        #expect(try send(1004, 150) > 60, "the table is full")
        for value in 0..<600 { _ = try send(2000 + Int64(value) * 4, 150) }
        #expect(try send(6000, 150) == 3, "what is sent now is there")
        #expect(try send(6004, 3) > 60, "what was sent is not")
    }

    /// What ls-qpack's decoder does.
    @Test func `A peer that acknowledges nothing but sections has its table used too`() throws {
        var line = Line(tableBytes: 4096, offered: 4096)
        var sizes: [Int] = []
        for number in 0..<60 {
            let section = line.encode(Int64(number) * 4, Fields.request())
            sizes.append(section.count)
            // The insertions have come by now: the answer to a section says so, and counts nothing.
            #expect(try line.decode(Int64(number) * 4, section) == Self.texts(Fields.request(), []))
            try line.deliverAll { $0.dropIncrements() }
        }
        #expect(sizes[0] > 90 && sizes[59] < 12, "\(sizes)")
        #expect(sizes.count { $0 < 12 } >= 40, "after the first section that was acknowledged all are short")
        // What finds no room does not switch the table off, although it cannot be renewed.
        for number in 60..<1100 {
            let fields = [PreparedField(name: "x-\(number)", value: String(repeating: "v", count: 60))]
            let section = line.encode(Int64(number) * 4, fields)
            #expect(try line.decode(Int64(number) * 4, section) == Self.texts(fields, []))
            try line.deliverAll { $0.dropIncrements() }
        }
        #expect(line.encode(6000, Fields.request()).count < 12)
    }

    @Test func `One section at a time may wait for the encoder stream, and a cancelled one is given up`() throws {
        var line = Line(tableBytes: 4096, offered: 4096)
        var waiting: [Int64] = []
        for number in 0..<100 {
            let stream = Int64(number) * 4
            let section = line.encode(stream, Fields.request())
            if try line.decode(stream, section) == nil { waiting.append(stream) }
        }
        #expect(waiting.count == 1, "the encoder stream has not come, and one section waits for it: \(waiting)")
        line.toEncoder = [0x7f, UInt8(waiting[0] - 63)]
        try line.deliverAll { $0.dropIncrements() }
        let sections = (100..<130).map { line.encode(Int64($0) * 4, Fields.request()).count }
        #expect(sections.count { $0 < 12 } == 1, "the next is tried: \(sections)")
    }

    @Test func `A stream whose sections the peer will not decode is sent literals`() throws {
        var line = Line(tableBytes: 4096, offered: 4096)
        _ = line.encode(0, Fields.request())
        try line.deliverAll()
        #expect(line.encode(4, Fields.request()).count < 12)
        #expect(line.encoder.encode(stream: 8, isCancelled: true, Fields.request(), []).count > 90)
        let cancellation: [UInt8] = [0x44]
        #expect(try line.encoder.receive(decoderStream: cancellation.span.bytes) == [4])
    }

    /// Responses that were reset, and whose sections nobody acknowledges, while thousands are acknowledged.
    @Test func `Sections that are never acknowledged do not switch the table off`() throws {
        var line = Line(tableBytes: 4096, offered: 4096)
        _ = line.encode(0, Fields.request())
        try line.deliverAll()
        _ = line.encode(4, Fields.request())
        for number in 2..<6000 {
            let section = line.encode(Int64(number) * 4, Fields.request())
            guard section.count < 12 else {
                Issue.record("section \(number) has \(section.count) bytes")
                return
            }
            _ = try line.decode(Int64(number) * 4, section)
            try line.deliverAll()
        }
    }

    @Test func `Answers that cannot be are errors of the connection`() throws {
        func code(_ bytes: [UInt8], after body: (inout Line) throws -> Void = { _ in }) throws -> HTTP3ErrorCode? {
            var line = Line(tableBytes: 4096, offered: 4096)
            try body(&line)
            do throws(HTTP3Error) {
                // One byte at a time.
                for byte in bytes {
                    let one = [byte]
                    _ = try line.encoder.receive(decoderStream: one.span.bytes)
                }
                return nil
            } catch {
                return error.code
            }
        }
        func sendTwice(_ line: inout Line) throws {
            for stream in [Int64(0), 4] {
                let section = line.encode(stream, Fields.request())
                _ = try line.decode(stream, section)
                if stream == 0 { try line.deliverAll() }
            }
        }
        let wrong = HTTP3ErrorCode.qpackDecoderStreamError
        #expect(try code([0x80]) == wrong, "no section was sent")
        #expect(try code([0x80], after: sendTwice) == wrong, "the first section refers to nothing")
        #expect(try code([0x84, 0x84], after: sendTwice) == wrong, "acknowledged twice")
        #expect(try code([0x44, 0x84], after: sendTwice) == wrong, "cancelled, and acknowledged")
        #expect(try code([0]) == wrong, "an increment of nothing")
        #expect(try code([1]) == wrong, "nothing was inserted")
        #expect(try code([0x3f] + Array(repeating: 0xff, count: 10)) == wrong, "an integer without an end")
        #expect(try code([0x84, 0x44, 0x7f, 0xff, 0xff, 0x03], after: sendTwice) == nil)
    }
}
