internal import HTTP3Engine

/// The header section of a plain request or response.
struct ReceivedHead {
    private(set) var method = ""
    private(set) var path = ""
    private(set) var status = 0
    private(set) var headers: [HTTP3Request.Header] = []
    /// The engine holds the content to it.
    private(set) var contentLength: Int?
    /// RFC 9110 §10.1.1.
    private(set) var awaitsContinue = false

    init(_ fields: ArraySlice<HeaderField>) {
        for field in fields {
            switch field.known {
            case .method: method = field.value
            case .path: path = field.value
            case .status: status = Int(field.value) ?? 0
            case .authority, .scheme, .unknownPseudo: break
            case .contentLength:
                contentLength = Int(field.value)
                headers.append((field.name, field.value))
            default:
                if field.name == "expect", field.value.lowercased() == "100-continue" { awaitsContinue = true }
                headers.append((field.name, field.value))
            }
        }
    }

    /// The fields of a trailer section.
    static func trailers(_ fields: ArraySlice<HeaderField>) -> [HTTP3Request.Header] {
        fields.map { ($0.name, $0.value) }
    }
}
