internal import EventLoops
internal import HTTP3Engine
internal import NodeTransport

/// A plain request and its response under way on one stream, with the body that has come so far.
///
/// Soundness of `@unchecked Sendable`: it is used on its connection's loop only.
final class HTTP3Exchange: @unchecked Sendable {
    private let limitBytes: Int
    private(set) var method = ""
    private(set) var path = ""
    private(set) var status = 0
    private(set) var headers: [HTTP3Request.Header] = []
    private var body: [UInt8] = []
    private var waiter: Suspension<HTTP3Response>?
    var task: Task<Void, Never>?

    init(limitBytes: Int, waiter: Suspension<HTTP3Response>? = nil) {
        self.limitBytes = limitBytes
        self.waiter = waiter
    }

    func take(_ fields: ArraySlice<HeaderField>) {
        for field in fields {
            switch field.known {
            case .method: method = field.value
            case .path: path = field.value
            case .status: status = Int(field.value) ?? 0
            case .authority, .scheme, .unknownPseudo: break
            default: headers.append((field.name, field.value))
            }
        }
    }

    /// False when the body is over the limit.
    func append(_ bytes: UnsafeRawBufferPointer) -> Bool {
        guard body.count + bytes.count <= limitBytes else { return false }
        unsafe body.append(contentsOf: bytes)
        return true
    }

    func request(_ peer: PeerIdentity?) -> HTTP3Request {
        var request = HTTP3Request(method: method, path: path, headers: headers, body: Bytes(body))
        request.peer = peer
        return request
    }

    func succeed() {
        waiter.take()?.resume(returning: HTTP3Response(status: status, headers: headers, body: Bytes(body)))
    }

    func fail(_ error: TransportError) { waiter.take()?.resume(throwing: error) }

    var tooLarge: TransportError {
        TransportError(.resourceExhausted, "the body is over the limit of \(limitBytes) bytes", origin: .library)
    }
}
