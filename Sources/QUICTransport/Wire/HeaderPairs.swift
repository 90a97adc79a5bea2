internal import GRPCCalls
internal import GRPCSemantics
internal import HTTP3Engine
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

extension ResponseHead {
    init(_ fields: ArraySlice<HeaderField>) {
        self.init()
        for field in fields {
            switch field.known {
            case .status: httpStatus = field.value
            case .contentType: contentType = field.value
            case .grpcEncoding: encoding = field.value
            case .grpcStatus: status = field.value
            case .grpcMessage: message = field.value
            case .grpcStatusDetails: append(reserved: field.name, value: field.value, isBinary: true)
            case .grpcRetryPushback: append(reserved: field.name, value: field.value, isBinary: false)
            default: append(name: field.name, value: field.value)
            }
        }
    }
}
