/// Whether a decoded field section is a valid message's (RFC 9113 §8.1–8.3).
enum HeaderRules {
    /// What the engine needs from a valid section.
    struct Summary {
        /// The content-length, or −1.
        var contentBytes: Int64 = -1
        /// The response's status code; 0 in requests.
        var status = 0
    }

    /// Checks a request; nil when it is malformed.
    static func checkRequest(_ fields: [HeaderField], from first: Int) -> Summary? {
        var summary = Summary()
        var (hasMethod, hasScheme, hasPath, hasAuthority) = (false, false, false, false)
        var isConnect = false
        var isPastPseudo = false
        for position in first..<fields.count {
            let field = fields[position]
            guard field.isWellFormed else { return nil }
            guard field.known.isPseudo else {
                isPastPseudo = true
                guard checkRegular(field, &summary) else { return nil }
                continue
            }
            guard !isPastPseudo else { return nil }
            switch field.known {
            case .method:
                guard !hasMethod, !field.value.isEmpty else { return nil }
                hasMethod = true
                isConnect = field.value == "CONNECT"
            case .scheme:
                guard !hasScheme, !field.value.isEmpty else { return nil }
                hasScheme = true
            case .path:
                guard !hasPath, !field.value.isEmpty else { return nil }
                hasPath = true
            case .authority:
                guard !hasAuthority else { return nil }
                hasAuthority = true
            default:
                return nil
            }
        }
        let isComplete = isConnect ? hasAuthority && !hasScheme && !hasPath : hasMethod && hasScheme && hasPath
        return isComplete ? summary : nil
    }

    /// Checks a response; nil when it is malformed.
    static func checkResponse(_ fields: [HeaderField], from first: Int) -> Summary? {
        var summary = Summary()
        var isPastPseudo = false
        for position in first..<fields.count {
            let field = fields[position]
            guard field.isWellFormed else { return nil }
            guard field.known.isPseudo else {
                isPastPseudo = true
                guard checkRegular(field, &summary) else { return nil }
                continue
            }
            guard !isPastPseudo, field.known == .status, summary.status == 0 else { return nil }
            guard field.value.utf8.count == 3, let status = number(field.value), status >= 100 else { return nil }
            summary.status = Int(status)
        }
        // RFC 9113 §8.6: 101 does not exist here.
        return summary.status == 0 || summary.status == 101 ? nil : summary
    }

    /// Whether these may be trailers.
    static func checkTrailers(_ fields: [HeaderField], from first: Int) -> Bool {
        var summary = Summary()
        for position in first..<fields.count {
            let field = fields[position]
            guard field.isWellFormed, !field.known.isPseudo, checkRegular(field, &summary) else { return false }
        }
        return true
    }

    private static func checkRegular(_ field: HeaderField, _ summary: inout Summary) -> Bool {
        switch field.known {
        case .connectionSpecific:
            return false
        case .te:
            return field.value == "trailers"
        case .contentLength:
            guard let length = number(field.value) else { return false }
            guard summary.contentBytes < 0 || summary.contentBytes == length else { return false }
            summary.contentBytes = length
            return true
        default:
            return true
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
