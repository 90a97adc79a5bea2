/// What a question asks for (RFC 1035 §3.2.2, RFC 3596, RFC 2782).
enum DNSRecordType: UInt16, Sendable {
    case ipv4 = 1
    case alias = 5
    case authority = 6
    case ipv6 = 28
    case service = 33

    /// The name in the documents, for people.
    var name: String {
        switch self {
        case .ipv4: "A"
        case .alias: "CNAME"
        case .authority: "SOA"
        case .ipv6: "AAAA"
        case .service: "SRV"
        }
    }
}

/// A resource record that means something to us.
struct DNSRecord: Sendable, Equatable {
    enum Value: Sendable, Hashable {
        /// A dotted address.
        case ipv4(String)
        /// An address in the form of RFC 5952.
        case ipv6(String)
        case alias(String)
        case service(priority: Int, weight: Int, port: Int, target: String)
        /// How long "there is none" may be believed at most, in seconds (RFC 2308 §4).
        case authority(negativeSeconds: UInt32)
    }

    /// In lower case, without the last dot; empty for the root.
    let name: String
    /// How long it may be kept.
    let seconds: UInt32
    let value: Value

    var type: DNSRecordType {
        switch value {
        case .ipv4: .ipv4
        case .ipv6: .ipv6
        case .alias: .alias
        case .service: .service
        case .authority: .authority
        }
    }
}
