internal import GRPCSemantics
internal import HTTP2Engine
internal import NodeTransport

/// A response's header or trailer section as gRPC reads it (gRPC over HTTP/2, "Responses").
struct ResponseHead {
    private var httpStatus: String?
    private var contentType: String?
    private var encoding: String?
    private var status: String?
    private var message: String?
    let metadata: Metadata

    init(_ fields: ArraySlice<HeaderField>) {
        var entries: [Metadata.Entry] = []
        for field in fields {
            switch field.known {
            case .status: httpStatus = field.value
            case .contentType: contentType = field.value
            case .grpcEncoding: encoding = field.value
            case .grpcStatus: status = field.value
            case .grpcMessage: message = field.value
            case .grpcStatusDetails, .grpcRetryPushback:
                // Reserved names, but the caller's to see.
                let value: Metadata.Value =
                    field.known == .grpcStatusDetails
                    ? .binary(Base64.decode(field.value) ?? Bytes()) : .text(field.value)
                entries.append(Metadata.Entry(key: field.name, value: value))
            default: MetadataMapping.append(name: field.name, value: field.value, to: &entries)
            }
        }
        metadata = Metadata(entries: entries)
    }

    /// Why this cannot be the beginning of a gRPC response.
    func failure(isEnd: Bool) -> TransportError? {
        // A status in trailers-only form says more than anything else.
        if isEnd, status != nil { return nil }
        guard let httpStatus, httpStatus == "200" else {
            return TransportError(
                StatusMapping.code(httpStatus: httpStatus ?? ""),
                "the server answered with HTTP status \(httpStatus ?? "none")",
                origin: .remote)
        }
        guard let contentType, StatusMapping.isGRPC(contentType: contentType) else {
            return TransportError(
                .unknown,
                "the server answered with content-type \(contentType.map { "\"\($0)\"" } ?? "none") instead of application/grpc",
                origin: .remote)
        }
        if let encoding, encoding != "identity" {
            return TransportError(
                .internal, "the server answered in encoding \"\(encoding)\", which was not offered", origin: .remote)
        }
        return nil
    }

    /// What the status says.
    func outcome(_ endpoint: Endpoint) -> Result<Void, TransportError> {
        guard let status else {
            return .failure(
                TransportError(
                    .internal, "the server ended the call without a status", origin: .remote, endpoint: endpoint))
        }
        guard let number = Int(status) else {
            return .failure(
                TransportError(
                    .unknown, "the server sent the status \"\(status)\", which is not a number", origin: .remote,
                    endpoint: endpoint))
        }
        if number == 0 { return .success(()) }
        return .failure(
            TransportError(
                StatusCode(rawValue: number), message.map(PercentEncoding.decode) ?? "", origin: .remote,
                endpoint: endpoint, metadata: metadata))
    }
}
