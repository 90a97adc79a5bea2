internal import GRPCSemantics
package import NodeTransport

/// A request's header section as gRPC reads it (gRPC over HTTP/2, "Request-Headers").
///
/// A wire fills it in, field by field, and then asks for what came out with ``finish(repeated:)``.
package struct RequestHead {
    /// Why a request is not served.
    package enum Refusal: Error {
        /// Answered with a gRPC status.
        case status(TransportError)
        /// Not gRPC at all: answered with an HTTP status and a line of text, which may be empty.
        case http(String, String)
    }

    /// The metadata made for the last call with a single field; clients send the same `user-agent` with every call,
    /// and a repeated field is the same object.
    package struct Repeated {
        let field: AnyObject
        let metadata: Metadata
    }

    private var isPost = false
    private var isHead = false
    private var isGRPC = false
    /// In nanoseconds.
    package private(set) var timeout: Int64?
    private var single: (field: AnyObject, name: String, value: String)?
    /// There is one field, and the last call had the same.
    private var isRepeated = false
    private var entries: [Metadata.Entry] = []

    package init() {}

    /// Takes `:method`.
    package mutating func setMethod(_ method: String) {
        isPost = method == "POST"
        if !isPost { isHead = method == "HEAD" }
    }

    /// Takes `content-type`.
    package mutating func setContentType(_ value: String) { isGRPC = StatusMapping.isGRPC(contentType: value) }

    /// Takes `grpc-timeout`.
    package mutating func setTimeout(_ text: String) throws(Refusal) {
        guard let parsed = Timeout.decode(text) else {
            throw .status(TransportError(.internal, "malformed grpc-timeout \"\(text)\""))
        }
        timeout = parsed
    }

    /// Takes `grpc-encoding`.
    package func checkEncoding(_ encoding: String) throws(Refusal) {
        guard encoding == "identity" else {
            var metadata = Metadata()
            metadata.add(
                contentsOf: Metadata(entries: [.init(key: "grpc-accept-encoding", value: .text("identity"))]))
            throw .status(
                TransportError(
                    .unimplemented, "the encoding \"\(encoding)\" is not supported; identity is", metadata: metadata))
        }
    }

    /// Takes a field that is the handler's; `field` is the engine's object for it.
    package mutating func append(
        _ field: AnyObject, repeated: Repeated?, name: @autoclosure () -> String, value: @autoclosure () -> String
    ) {
        if single == nil, entries.isEmpty, !isRepeated {
            isRepeated = repeated?.field === field
            if !isRepeated { single = (field, name(), value()) }
        } else {
            if isRepeated, let repeated {
                isRepeated = false
                entries = Array(repeated.metadata)
            }
            if let first = single.take() { MetadataMapping.append(name: first.name, value: first.value, to: &entries) }
            MetadataMapping.append(name: name(), value: value(), to: &entries)
        }
    }

    /// Checks what every call needs, and answers the metadata.
    package mutating func finish(repeated: inout Repeated?) throws(Refusal) -> Metadata {
        // RFC 9110 §9.3.2: no content in answer to HEAD.
        guard isPost else { throw .http("405", isHead ? "" : "gRPC requests are POST") }
        guard isGRPC else {
            throw .http("415", "the content-type must be application/grpc")
        }
        if isRepeated, let repeated { return repeated.metadata }
        guard let single else { return Metadata(entries: entries) }
        MetadataMapping.append(name: single.name, value: single.value, to: &entries)
        let metadata = Metadata(entries: entries)
        repeated = Repeated(field: single.field, metadata: metadata)
        return metadata
    }
}
