/// A message from a server (RFC 1035 §4), as far as it matters here.
struct DNSMessage: Sendable, Equatable {
    /// 0 no error, 3 no such name (RFC 1035 §4.1.1).
    let responseCode: Int
    let answers: [DNSRecord]
    let authorities: [DNSRecord]

    init(responseCode: Int, answers: [DNSRecord], authorities: [DNSRecord]) {
        self.responseCode = responseCode
        self.answers = answers
        self.authorities = authorities
    }

    /// Reads a message; `nil` for bytes that are none. Records of other types and classes are passed over.
    init?(parsing bytes: [UInt8]) {
        var reader = DNSReader(bytes: bytes)
        guard reader.skip(2), let flags = reader.uint16(), flags & 0x8000 != 0, let questionCount = reader.uint16(),
            let answerCount = reader.uint16(), let authorityCount = reader.uint16(), reader.skip(2)
        else { return nil }
        responseCode = Int(flags & 0x000f)
        for _ in 0..<questionCount {
            guard reader.name() != nil, reader.skip(4) else { return nil }
        }
        guard let answers = Self.records(answerCount, from: &reader),
            let authorities = Self.records(authorityCount, from: &reader)
        else { return nil }
        self.answers = answers
        self.authorities = authorities
    }

    private static func records(_ count: UInt16, from reader: inout DNSReader) -> [DNSRecord]? {
        var records: [DNSRecord] = []
        for _ in 0..<count {
            guard let name = reader.name(), let type = reader.uint16(), let recordClass = reader.uint16(),
                let seconds = reader.uint32(), let length = reader.uint16(),
                let end = reader.end(ofNext: Int(length))
            else { return nil }
            // 1 is the Internet.
            if recordClass == 1, let type = DNSRecordType(rawValue: type) {
                guard let value = Self.value(type, from: &reader), reader.position == end else { return nil }
                // RFC 2181 §8: a time with the highest bit set counts as zero.
                let seconds = seconds & 0x8000_0000 == 0 ? seconds : 0
                records.append(DNSRecord(name: name, seconds: seconds, value: value))
            }
            reader.position = end
        }
        return records
    }

    private static func value(_ type: DNSRecordType, from reader: inout DNSReader) -> DNSRecord.Value? {
        switch type {
        case .ipv4: return reader.bytes(4).map { .ipv4(DNSAddress.ipv4($0)) }
        case .ipv6: return reader.bytes(16).map { .ipv6(DNSAddress.ipv6($0)) }
        case .alias: return reader.name().map { .alias($0) }
        case .service:
            guard let priority = reader.uint16(), let weight = reader.uint16(), let port = reader.uint16(),
                let target = reader.name()
            else { return nil }
            return .service(priority: Int(priority), weight: Int(weight), port: Int(port), target: target)
        case .authority:
            guard reader.name() != nil, reader.name() != nil, reader.skip(16), let minimum = reader.uint32() else {
                return nil
            }
            return .authority(negativeSeconds: minimum)
        }
    }
}

/// Addresses as text.
enum DNSAddress {
    static func ipv4(_ bytes: ArraySlice<UInt8>) -> String { bytes.map(String.init).joined(separator: ".") }

    /// The form of RFC 5952: no leading zeros, the longest run of two or more zero groups as `::`.
    static func ipv6(_ bytes: ArraySlice<UInt8>) -> String {
        var groups: [UInt16] = []
        var high: UInt16?
        for byte in bytes {
            if let first = high {
                groups.append(first << 8 | UInt16(byte))
                high = nil
            } else {
                high = UInt16(byte)
            }
        }
        var longest = 0..<0
        var start = 0
        while start < groups.count {
            var end = start
            while end < groups.count, groups[end] == 0 { end += 1 }
            if end - start > max(longest.count, 1) { longest = start..<end }
            start = max(end, start + 1)
        }
        let text = { (part: ArraySlice<UInt16>) in part.map { String($0, radix: 16) }.joined(separator: ":") }
        guard !longest.isEmpty else { return text(groups[...]) }
        return "\(text(groups[..<longest.lowerBound]))::\(text(groups[longest.upperBound...]))"
    }
}
