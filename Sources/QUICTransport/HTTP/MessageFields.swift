internal import HTTP3Engine
internal import NodeTransport

/// The fields of a message to send, and how much content they promise.
struct MessageFields {
    private(set) var pairs: [HeaderPair] = []
    /// The `content-length`, where there is one.
    private(set) var contentLength: Int?

    /// - Parameters:
    ///   - length: How long the content is, where that is known.
    ///   - allowsLength: Whether a known length is told.
    /// - Throws: ``StatusCode/invalidArgument`` for a field that HTTP/3 does not allow, and a `content-length` that is no
    ///   number or not that of the content.
    init(_ headers: [HTTP3Request.Header], length: Int?, allowsLength: Bool) throws(TransportError) {
        pairs = try Self.pairs(headers)
        for pair in pairs where pair.name == "content-length" {
            guard let value = Int(pair.value), value >= 0, contentLength == nil, length == nil || length == value else {
                throw TransportError(
                    .invalidArgument, "the content-length of \(pair.value) is not that of the content",
                    processing: .notProcessed)
            }
            contentLength = value
        }
        if contentLength == nil, allowsLength, let length {
            contentLength = length
            pairs.append(HeaderPair(name: "content-length", value: "\(length)"))
        }
    }

    /// Puts the pseudo-header fields in front.
    mutating func prepend(_ pseudo: [HeaderPair]) { pairs = pseudo + pairs }

    /// - Throws: ``StatusCode/invalidArgument`` for a field that HTTP/3 does not allow.
    static func pairs(_ headers: [HTTP3Request.Header]) throws(TransportError) -> [HeaderPair] {
        var pairs: [HeaderPair] = []
        for header in headers {
            let name = header.name.lowercased()
            let pair = HeaderPair(
                name: name, value: header.value, isSensitive: name == "authorization" || name == "cookie")
            guard pair.isAllowed else {
                throw TransportError(
                    .invalidArgument, "HTTP/3 allows no field \(name.debugDescription) with such a value",
                    processing: .notProcessed)
            }
            pairs.append(pair)
        }
        return pairs
    }
}
