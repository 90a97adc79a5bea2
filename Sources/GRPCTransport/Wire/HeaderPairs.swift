internal import GRPCSemantics
internal import HTTP2Engine
internal import NodeTransport

extension Metadata {
    /// The entries as header fields. Credentials are kept out of every compression table.
    var headerPairs: [HeaderPair] {
        isEmpty
            ? []
            : map { entry in
                HeaderPair(
                    name: entry.key, value: MetadataMapping.fieldValue(entry),
                    isSensitive: entry.key == "authorization" || entry.key == "cookie")
            }
    }
}

extension TransportError {
    /// The status as header fields.
    var statusPairs: [HeaderPair] {
        [
            HeaderPair(name: "grpc-status", value: "\(code.rawValue)"),
            HeaderPair(name: "grpc-message", value: PercentEncoding.encode(message)),
        ]
    }
}
