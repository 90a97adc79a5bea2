/// Whether a decoded field section is a valid message's (RFC 9114 §4.1.2–4.3).
///
/// A refusal says what is wrong.
enum HeaderRules {
    struct Refusal: Error {
        let reason: StaticString

        init(_ reason: StaticString) { self.reason = reason }
    }

    /// What the engine needs from a valid section.
    struct Summary {
        /// The content-length, or −1.
        var contentBytes: Int64 = -1
        /// The response's status code; 0 in requests.
        var status = 0
        var isHead = false
        var isConnect = false
    }

    static func checkRequest(_ fields: [HeaderField], from first: Int) throws(Refusal) -> Summary {
        var summary = Summary()
        var method: HeaderField?
        var scheme: HeaderField?
        var path: HeaderField?
        var authority: HeaderField?
        var host: HeaderField?
        var isPastPseudo = false
        for position in first..<fields.count {
            let field = fields[position]
            guard field.isWellFormed else { throw Refusal("a field has a byte that is not allowed") }
            guard field.known.isPseudo else {
                isPastPseudo = true
                if field.known == .host {
                    guard host == nil else { throw Refusal("host came twice") }
                    host = field
                }
                try checkRegular(field, &summary)
                continue
            }
            guard !isPastPseudo else { throw Refusal("a pseudo-header field comes after a regular one") }
            switch field.known {
            case .method: try set(&method, field)
            case .scheme: try set(&scheme, field)
            case .path: try set(&path, field)
            case .authority: try set(&authority, field)
            default: throw Refusal("a pseudo-header field that a request cannot have")
            }
        }
        guard let method, !method.value.isEmpty else { throw Refusal("the request has no :method") }
        summary.isHead = method.value == "HEAD"
        if method.value == "CONNECT" {
            summary.isConnect = true
            guard let authority, !authority.value.isEmpty, scheme == nil, path == nil else {
                throw Refusal("a CONNECT request has :method and :authority alone")
            }
            return summary
        }
        guard let scheme, !scheme.value.isEmpty, let path else {
            throw Refusal("the request has no :scheme or no :path")
        }
        try checkTarget(method: method, scheme: scheme, path: path, authority: authority, host: host)
        return summary
    }

    /// RFC 9114 §4.3.1.
    private static func checkTarget(
        method: HeaderField, scheme: HeaderField, path: HeaderField, authority: HeaderField?, host: HeaderField?
    ) throws(Refusal) {
        let name = scheme.value.lowercased()
        // Other schemes have their own rules for the path and the authority.
        guard name == "https" || name == "http" else { return }
        guard path.value.utf8.first == UInt8(ascii: "/") || method.value == "OPTIONS" && path.value == "*" else {
            throw Refusal("the :path does not begin with a slash")
        }
        guard let named = authority ?? host, !named.value.isEmpty else {
            throw Refusal("the request has neither :authority nor host")
        }
        if let authority, let host, authority.value != host.value { throw Refusal(":authority and host differ") }
    }

    static func checkResponse(_ fields: [HeaderField], from first: Int) throws(Refusal) -> Summary {
        var summary = Summary()
        var isPastPseudo = false
        for position in first..<fields.count {
            let field = fields[position]
            guard field.isWellFormed else { throw Refusal("a field has a byte that is not allowed") }
            guard field.known.isPseudo else {
                isPastPseudo = true
                try checkRegular(field, &summary)
                continue
            }
            guard !isPastPseudo else { throw Refusal("a pseudo-header field comes after a regular one") }
            guard field.known == .status, summary.status == 0 else {
                throw Refusal("a pseudo-header field that a response cannot have, or twice")
            }
            guard field.value.utf8.count == 3, let status = number(field.value), status >= 100 else {
                throw Refusal("the :status is not a number of three digits")
            }
            summary.status = Int(status)
        }
        // RFC 9114 §4.5: 101 does not exist here.
        guard summary.status != 0, summary.status != 101 else { throw Refusal("the response has no :status, or 101") }
        return summary
    }

    static func checkTrailers(_ fields: [HeaderField], from first: Int) throws(Refusal) {
        var summary = Summary()
        for position in first..<fields.count {
            let field = fields[position]
            guard field.isWellFormed else { throw Refusal("a trailer has a byte that is not allowed") }
            guard !field.known.isPseudo else { throw Refusal("a pseudo-header field in trailers") }
            try checkRegular(field, &summary)
        }
    }

    private static func set(_ place: inout HeaderField?, _ field: HeaderField) throws(Refusal) {
        guard place == nil else { throw Refusal("a pseudo-header field came twice") }
        place = field
    }

    private static func checkRegular(_ field: HeaderField, _ summary: inout Summary) throws(Refusal) {
        switch field.known {
        case .connectionSpecific: throw Refusal("a field of the connection, which HTTP/3 does not have")
        case .te:
            guard field.value == "trailers" else { throw Refusal("te is not trailers") }
        case .contentLength:
            guard let length = number(field.value) else { throw Refusal("the content-length is not a number") }
            guard summary.contentBytes < 0 || summary.contentBytes == length else {
                throw Refusal("two content-lengths differ")
            }
            summary.contentBytes = length
        default: break
        }
    }

    /// The value of up to 18 decimal digits.
    private static func number(_ text: String) -> Int64? {
        let digits = text.utf8
        guard !digits.isEmpty, digits.count <= 18 else { return nil }
        var value: Int64 = 0
        for digit in digits {
            guard digit >= 0x30, digit <= 0x39 else { return nil }
            value = value * 10 + Int64(digit - 0x30)
        }
        return value
    }
}
