internal import GRPCTransport
internal import NodeTransport
internal import TransportTLS

#if canImport(QUICTransport)
    internal import QUICTransport
#endif

/// The only place that knows which transports the program runs on.
enum Wire {
    /// The schemes of the endpoints that the program can be reached at.
    static var schemes: [Endpoint.Scheme] {
        #if canImport(QUICTransport)
            [.grpc, .quic]
        #else
            [.grpc]
        #endif
    }

    /// A transport for every scheme, as the options say, and what keeps its credentials in step with their files.
    ///
    /// - Parameters:
    ///   - protection: Who this process is and whom it trusts.
    ///   - onEvent: Hears what nobody awaits, such as refused handshakes; must not block.
    ///   - onWarning: Hears what is not right with the identity but no reason to stop.
    static func transport(
        _ protection: Protection, onEvent: @escaping @Sendable (TransportEvent) -> Void = { _ in },
        onWarning: (String) -> Void = { Console.note("dagnode: warning: \($0)") }
    ) throws -> (transport: any Transport, watcher: CredentialWatcher?) {
        var configuration = GRPCTransport.Configuration()
        // Nodes find out within seconds that a peer is gone without a word.
        configuration.keepAlive = .node
        configuration.onEvent = onEvent
        switch protection {
        case .plaintext:
            // QUIC is never without TLS.
            let grpc = try GRPCTransport(security: .plaintext, configuration: configuration)
            return (TransportRouter([.grpc: grpc, .unix: grpc]), nil)
        case .mutualTLS(let files):
            let watcher = try CredentialWatcher(files)
            for warning in watcher.credentials.identity?.warnings ?? [] { onWarning(warning) }
            let security = GRPCTransport.Security.mutualTLS(watcher.credentials)
            let grpc = try GRPCTransport(security: security, configuration: configuration)
            var transports: [Endpoint.Scheme: any Transport] = [.grpc: grpc, .unix: grpc]
            #if canImport(QUICTransport)
                var quic = QUICTransport.Configuration()
                quic.keepAlive = .node
                quic.onEvent = onEvent
                transports[.quic] = try QUICTransport(credentials: watcher.credentials, configuration: quic)
            #endif
            return (TransportRouter(transports), watcher)
        }
    }

    /// Ports on 127.0.0.1 that are free now, below those that the system gives to whoever asks for any: a node that is
    /// killed finds its own free again.
    ///
    /// They are let go of before they are used, so another process may be quicker: whoever uses them must be
    /// ready to ask again.
    ///
    /// - Throws: `TransportError` with `resourceExhausted` when there are not so many.
    static func freeEndpoints(_ count: Int) async throws -> [Endpoint] {
        let transport = try GRPCTransport(security: .plaintext)
        var endpoints: [Endpoint] = []
        for port in fixedPorts.shuffled() where endpoints.count < count {
            if let listener = try? await transport.listen(on: "grpc://127.0.0.1:\(port)", services: []) {
                endpoints.append(listener.endpoint)
            }
        }
        await transport.shutdown(within: .zero)
        guard endpoints.count == count else {
            throw TransportError(.resourceExhausted, "fewer than \(count) of the ports \(fixedPorts) are free")
        }
        return endpoints
    }

    /// Below the range of Linux's own choice (`net.ipv4.ip_local_port_range` begins with 32768), above well-known services.
    private static let fixedPorts = 16_384..<32_768
}
