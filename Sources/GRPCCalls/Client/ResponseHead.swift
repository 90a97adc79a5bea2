internal import GRPCSemantics
internal import NodeTransport

/// A response's header or trailer section as gRPC reads it (gRPC over HTTP/2, "Responses").
///
/// A wire fills it in, field by field, and gives it to ``ClientCallState``.
package struct ResponseHead {
    package var httpStatus: String?
    package var contentType: String?
    package var encoding: String?
    package var status: String?
    package var message: String?
    private var entries: [Metadata.Entry] = []

    package init() {}

    /// Takes a field that is the caller's.
    package mutating func append(name: String, value: String) {
        MetadataMapping.append(name: name, value: value, to: &entries)
    }

    /// Takes `grpc-status-details-bin` or `grpc-retry-pushback-ms`: reserved names, but the caller's to see.
    package mutating func append(reserved name: String, value: String, isBinary: Bool) {
        let value: Metadata.Value = isBinary ? .binary(Base64.decode(value) ?? Bytes()) : .text(value)
        entries.append(Metadata.Entry(key: name, value: value))
    }

    var metadata: Metadata { Metadata(entries: entries) }

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
    func outcome(_ metadata: Metadata, _ endpoint: Endpoint) -> Result<Void, TransportError> {
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
