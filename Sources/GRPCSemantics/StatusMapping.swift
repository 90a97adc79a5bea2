package import NodeTransport

/// How outcomes of other layers become gRPC statuses.
package enum StatusMapping {
    /// For a response that is not gRPC (gRPC, `doc/http-grpc-status-mapping.md`).
    package static func code(httpStatus: String) -> StatusCode {
        switch httpStatus {
        case "400": .internal
        case "401": .unauthenticated
        case "403": .permissionDenied
        case "404": .unimplemented
        case "429", "502", "503", "504": .unavailable
        default: .unknown
        }
    }

    /// For a stream that ended with an error code, by the HTTP/2 number (gRPC over HTTP/2, "Errors").
    package static func code(http2Error: UInt32) -> StatusCode {
        switch http2Error {
        case 0x7: .unavailable  // REFUSED_STREAM
        case 0x8: .cancelled  // CANCEL
        case 0xb: .resourceExhausted  // ENHANCE_YOUR_CALM
        case 0xc: .permissionDenied  // INADEQUATE_SECURITY
        default: .internal
        }
    }

    /// The same by the HTTP/3 number (RFC 9114 §8.1).
    package static func code(http3Error: UInt64) -> StatusCode {
        switch http3Error {
        case 0x10b: .unavailable  // H3_REQUEST_REJECTED
        case 0x10c: .cancelled  // H3_REQUEST_CANCELLED
        case 0x107: .resourceExhausted  // H3_EXCESSIVE_LOAD
        default: .internal
        }
    }

    /// What a handler's error tells the client. Errors that are not ``TransportError`` may hold secrets, so only their
    /// kind is told.
    package static func status(of error: any Error) -> TransportError {
        switch error {
        case let error as TransportError: error
        case is CancellationError: TransportError(.cancelled, "the handler was cancelled")
        default: TransportError(.unknown, "the handler failed")
        }
    }

    /// Whether a content-type is gRPC's: `application/grpc`, alone or followed by `+` or `;`.
    package static func isGRPC(contentType: String) -> Bool {
        let name = "application/grpc"
        guard contentType.hasPrefix(name) else { return false }
        guard let next = contentType.utf8.dropFirst(name.utf8.count).first else { return true }
        return next == UInt8(ascii: "+") || next == UInt8(ascii: ";")
    }
}
