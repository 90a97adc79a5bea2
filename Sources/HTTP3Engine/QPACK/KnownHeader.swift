internal import CNGHTTP3

/// The field names this side looks at, as a token, so that nobody compares strings.
package enum KnownHeader: UInt8, Sendable {
    case other
    case authority
    case method
    case path
    case scheme
    case status
    /// A name that starts with a colon and is none of the above.
    case unknownPseudo
    /// `connection`, `keep-alive`, `proxy-connection`, `transfer-encoding`, `upgrade`.
    case connectionSpecific
    case contentLength
    case contentType
    case host
    case te
    case userAgent
    case grpcAcceptEncoding
    case grpcEncoding
    case grpcMessage
    case grpcPreviousAttempts
    case grpcRetryPushback
    case grpcStatus
    case grpcStatusDetails
    case grpcTimeout

    /// Whether the name is one of a pseudo-header field.
    package var isPseudo: Bool {
        rawValue >= KnownHeader.authority.rawValue && rawValue <= KnownHeader.unknownPseudo.rawValue
    }

    /// - Parameters:
    ///   - token: nghttp3's, or -1.
    ///   - name: looked at where the token does not say.
    init(token: Int32, name: String) {
        guard token < 0 else {
            self.init(token: UInt32(token))
            return
        }
        switch name {
        case "grpc-accept-encoding": self = .grpcAcceptEncoding
        case "grpc-encoding": self = .grpcEncoding
        case "grpc-message": self = .grpcMessage
        case "grpc-previous-rpc-attempts": self = .grpcPreviousAttempts
        case "grpc-retry-pushback-ms": self = .grpcRetryPushback
        case "grpc-status": self = .grpcStatus
        case "grpc-status-details-bin": self = .grpcStatusDetails
        case "grpc-timeout": self = .grpcTimeout
        default: self = name.utf8.first == UInt8(ascii: ":") ? .unknownPseudo : .other
        }
    }

    private init(token: UInt32) {
        switch token {
        case NGHTTP3_QPACK_TOKEN__AUTHORITY.rawValue: self = .authority
        case NGHTTP3_QPACK_TOKEN__METHOD.rawValue: self = .method
        case NGHTTP3_QPACK_TOKEN__PATH.rawValue: self = .path
        case NGHTTP3_QPACK_TOKEN__SCHEME.rawValue: self = .scheme
        case NGHTTP3_QPACK_TOKEN__STATUS.rawValue: self = .status
        case NGHTTP3_QPACK_TOKEN__PROTOCOL.rawValue: self = .unknownPseudo
        case NGHTTP3_QPACK_TOKEN_CONNECTION.rawValue, NGHTTP3_QPACK_TOKEN_KEEP_ALIVE.rawValue,
            NGHTTP3_QPACK_TOKEN_PROXY_CONNECTION.rawValue, NGHTTP3_QPACK_TOKEN_TRANSFER_ENCODING.rawValue,
            NGHTTP3_QPACK_TOKEN_UPGRADE.rawValue:
            self = .connectionSpecific
        case NGHTTP3_QPACK_TOKEN_CONTENT_LENGTH.rawValue: self = .contentLength
        case NGHTTP3_QPACK_TOKEN_CONTENT_TYPE.rawValue: self = .contentType
        case NGHTTP3_QPACK_TOKEN_HOST.rawValue: self = .host
        case NGHTTP3_QPACK_TOKEN_TE.rawValue: self = .te
        case NGHTTP3_QPACK_TOKEN_USER_AGENT.rawValue: self = .userAgent
        default: self = .other
        }
    }
}
