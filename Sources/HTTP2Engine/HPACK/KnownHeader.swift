/// The field names this side looks at, as a token, so that nobody compares strings.
package enum KnownHeader: UInt8, Sendable {
    case other
    case authority
    case method
    case path
    case scheme
    case status
    /// A name that starts with a colon and is none of the above.
    case unknownPseudo
    /// `connection`, `keep-alive`, `proxy-connection`, `transfer-encoding`, `upgrade`.
    case connectionSpecific
    case contentLength
    case contentType
    case host
    case te
    case userAgent
    case grpcAcceptEncoding
    case grpcEncoding
    case grpcMessage
    case grpcPreviousAttempts
    case grpcRetryPushback
    case grpcStatus
    case grpcStatusDetails
    case grpcTimeout

    /// Whether the name is one of a pseudo-header field.
    package var isPseudo: Bool {
        rawValue >= KnownHeader.authority.rawValue && rawValue <= KnownHeader.unknownPseudo.rawValue
    }
}

/// Finds a name's token and its first place in the static table.
final class KnownNames: Sendable {
    struct Match {
        var known: KnownHeader
        /// The first index of the static table with that name; 0 when there is none.
        var staticIndex: Int
    }

    static let shared = KnownNames()

    private let names: [[UInt8]]
    private let matches: [Match]
    /// Open addressing: the position in `names` plus one, or 0.
    private let buckets: [UInt8]

    private init() {
        let tokens: [(String, KnownHeader)] = [
            (":authority", .authority), (":method", .method), (":path", .path), (":scheme", .scheme),
            (":status", .status), ("connection", .connectionSpecific), ("keep-alive", .connectionSpecific),
            ("proxy-connection", .connectionSpecific), ("transfer-encoding", .connectionSpecific),
            ("upgrade", .connectionSpecific), ("content-length", .contentLength), ("content-type", .contentType),
            ("host", .host), ("te", .te), ("user-agent", .userAgent), ("grpc-accept-encoding", .grpcAcceptEncoding),
            ("grpc-encoding", .grpcEncoding), ("grpc-message", .grpcMessage),
            ("grpc-previous-rpc-attempts", .grpcPreviousAttempts), ("grpc-retry-pushback-ms", .grpcRetryPushback),
            ("grpc-status", .grpcStatus), ("grpc-status-details-bin", .grpcStatusDetails),
            ("grpc-timeout", .grpcTimeout),
        ]
        var names: [[UInt8]] = []
        var matches: [Match] = []
        for (name, known) in tokens {
            names.append(Array(name.utf8))
            matches.append(Match(known: known, staticIndex: 0))
        }
        for (offset, entry) in StaticTable.entries.enumerated() {
            let name = Array(entry.name.utf8)
            if let position = names.firstIndex(of: name) {
                if matches[position].staticIndex == 0 { matches[position].staticIndex = offset + 1 }
            } else {
                names.append(name)
                matches.append(Match(known: .other, staticIndex: offset + 1))
            }
        }
        var buckets = [UInt8](repeating: 0, count: 256)
        for (position, name) in names.enumerated() {
            var bucket = Self.hash(count: name.count, first: name[0], last: name[name.count - 1])
            while buckets[bucket] != 0 { bucket = (bucket + 1) & 255 }
            buckets[bucket] = UInt8(position + 1)
        }
        self.names = names
        self.matches = matches
        self.buckets = buckets
    }

    /// What is known of `name`, which may be any bytes.
    func match(_ name: RawSpan) -> Match {
        let count = name.byteCount
        guard count > 0 else { return Match(known: .other, staticIndex: 0) }
        var bucket = Self.hash(count: count, first: name.byte(0), last: name.byte(count - 1))
        while buckets[bucket] != 0 {
            let position = Int(buckets[bucket]) - 1
            if name.equals(names[position]) { return matches[position] }
            bucket = (bucket + 1) & 255
        }
        return Match(known: name.byte(0) == UInt8(ascii: ":") ? .unknownPseudo : .other, staticIndex: 0)
    }

    private static func hash(count: Int, first: UInt8, last: UInt8) -> Int {
        (count &* 37 &+ Int(first) &* 11 &+ Int(last) &* 3) & 255
    }
}
