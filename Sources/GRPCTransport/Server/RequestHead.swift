internal import GRPCSemantics
internal import HTTP2Engine
internal import NodeTransport

/// A request's header section as gRPC reads it (gRPC over HTTP/2, "Request-Headers").
struct RequestHead {
    /// Why a request is not served.
    enum Refusal: Error {
        /// Answered with a gRPC status.
        case status(TransportError)
        /// Not gRPC at all: answered with an HTTP status and a line of text.
        case http(String, String)
    }

    /// Where the handler is among the listener's.
    let position: Int
    /// In nanoseconds.
    let timeout: Int64?
    let metadata: Metadata

    /// - Parameter repeated: The metadata made for the last call with a single field; clients send the same
    ///   `user-agent` with every call, and a repeated field is the same object.
    init(
        _ fields: ArraySlice<HeaderField>, methods: ServerMethods,
        repeated: inout (field: HeaderField, metadata: Metadata)?
    ) throws(Refusal) {
        var path: HeaderField?
        var timeout: Int64?
        var single: HeaderField?
        var entries: [Metadata.Entry] = []
        var isPost = false
        var contentType: String?
        for field in fields {
            switch field.known {
            case .path: path = field
            case .method: isPost = field.value == "POST"
            case .contentType: contentType = field.value
            case .grpcTimeout:
                guard let parsed = Timeout.decode(field.value) else {
                    throw .status(TransportError(.internal, "malformed grpc-timeout \"\(field.value)\""))
                }
                timeout = parsed
            case .grpcEncoding:
                guard field.value == "identity" else {
                    var metadata = Metadata()
                    metadata.add(
                        contentsOf: Metadata(entries: [.init(key: "grpc-accept-encoding", value: .text("identity"))]))
                    throw .status(
                        TransportError(
                            .unimplemented, "the encoding \"\(field.value)\" is not supported; identity is",
                            metadata: metadata))
                }
            case .userAgent, .other:
                if single == nil, entries.isEmpty {
                    single = field
                } else {
                    if let first = single.take() {
                        MetadataMapping.append(name: first.name, value: first.value, to: &entries)
                    }
                    MetadataMapping.append(name: field.name, value: field.value, to: &entries)
                }
            default: break
            }
        }
        guard isPost else { throw .http("405", "gRPC requests are POST") }
        guard let contentType, StatusMapping.isGRPC(contentType: contentType) else {
            throw .http("415", "the content-type must be application/grpc")
        }
        position = try Self.position(of: path, methods)
        self.timeout = timeout
        if let single {
            if let repeated, repeated.field === single {
                metadata = repeated.metadata
            } else {
                MetadataMapping.append(name: single.name, value: single.value, to: &entries)
                metadata = Metadata(entries: entries)
                repeated = (single, metadata)
            }
        } else {
            metadata = Metadata(entries: entries)
        }
    }

    /// A path is looked up once; its field, shared by later requests, keeps the answer.
    private static func position(of path: HeaderField?, _ methods: ServerMethods) throws(Refusal) -> Int {
        guard let path else { throw .status(TransportError(.internal, "the request has no :path")) }
        if path.tag >= 0, Int(path.tag) < methods.handlers.count { return Int(path.tag) }
        guard let position = methods.position(ofPath: path.value) else {
            throw .status(methods.unknown(path: path.value))
        }
        path.tag = Int32(truncatingIfNeeded: position)
        return position
    }
}
