internal import GRPCCalls
internal import HTTP3Engine
internal import NodeTransport
internal import QUICEngine
internal import TransportTLS

extension QUICCloseReason {
    /// Whether the peer has ended the connection in an orderly way.
    var isOrderly: Bool {
        if case .application(let code, _, byPeer: true) = self {
            code == HTTP3ErrorCode.noError.rawValue
        } else {
            false
        }
    }

    /// Why calls on the connection fail.
    ///
    /// - Parameters:
    ///   - peer: "client" or "server".
    ///   - policy: What this side's TLS was told; of use until the handshake is over.
    func error(peer: String, isEstablished: Bool, policy: TLSPolicy?, handshakeTimeout: Duration) -> TransportError {
        let processing: TransportError.Processing = isEstablished ? .unknown : .notProcessed
        func unavailable(_ message: String, origin: TransportError.Origin = .library) -> TransportError {
            TransportError(.unavailable, message, origin: origin, processing: processing)
        }
        func tls(_ error: any Error) -> TransportError {
            let isIdentity = (error as? TLSError)?.isRefusedIdentity ?? true
            return TransportError(
                !isEstablished && isIdentity ? .unauthenticated : .unavailable,
                isEstablished ? "TLS failed" : "the TLS handshake failed", cause: error, origin: .library,
                processing: processing)
        }
        switch self {
        case .certificateRefused(_, let error): return tls(error)
        case .tls(let alert, _, byPeer: true): return tls(TLSError(peerAlert: TLSAlert(rawValue: alert)))
        case .tls(let alert, let reason, byPeer: false):
            let alert = TLSAlert(rawValue: alert)
            return tls(
                policy?.failure(sending: alert, reason: reason)
                    ?? TLSError(.protocolViolation, "TLS protocol error: \(alert)"))
        case .application(let code, let reason, let byPeer):
            let name = HTTP3ErrorCode(rawValue: code)
            let who = byPeer ? "the \(peer) closed the connection" : "the connection was closed"
            let detail = name == .noError ? "" : " (\(name))"
            let text = reason.isEmpty ? "" : ": \(printable(reason))"
            return TransportError(
                name == .noError || byPeer == false ? .unavailable : .internal, who + detail + text,
                origin: byPeer ? .remote : .library, processing: processing)
        case .transport(2, _, byPeer: true): return unavailable("the \(peer) refused the connection", origin: .remote)
        case .transport(let code, let reason, let byPeer):
            let who = byPeer ? "the \(peer) ended the connection" : "the connection failed"
            let text = reason.isEmpty ? "" : ": \(printable(reason))"
            return unavailable(
                "\(who) (QUIC error 0x\(String(code, radix: 16)))\(text)", origin: byPeer ? .remote : .library)
        case .idleTimeout: return unavailable("nothing was heard of the \(peer) for the idle timeout")
        case .handshakeTimeout: return unavailable("the handshake took longer than \(handshakeTimeout)")
        case .statelessReset:
            return unavailable("the \(peer) no longer knows the connection (stateless reset)", origin: .remote)
        case .versionNegotiationFailed:
            return unavailable("the \(peer) speaks no version of QUIC that this side does", origin: .remote)
        case .dropped, .endpointClosed: return unavailable("the connection is gone")
        }
    }

    /// What a peer sent, fit for one line of a log.
    private func printable(_ text: String) -> String {
        String(
            text.prefix(200).map { $0.isASCII && !$0.isNewline && $0.asciiValue.map { $0 >= 32 } == true ? $0 : "?" })
    }
}
