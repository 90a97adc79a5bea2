internal import ArgumentParser
internal import Glibc
internal import GRPCTransport
internal import NodeTransport
internal import TransportTLS

#if canImport(QUICTransport)
    internal import QUICTransport
#endif

/// The wires to choose from.
enum Wire: String, ExpressibleByArgument, CaseIterable {
    case grpc
    case grpcTLS = "grpc-tls"
    #if canImport(QUICTransport)
        /// gRPC over HTTP/3.
        case h3
        /// Raw QUIC streams.
        case quic
    #endif

    func supports(_ scenario: Scenario) -> Bool {
        switch scenario {
        case .resume: rawValue != "grpc"
        case .datagram: rawValue == "h3" || rawValue == "quic"
        case .broadcast: isTransport
        case .get: rawValue == "h3"
        default: true
        }
    }

    /// Whether there is a transport for it, and not the engine alone.
    var isTransport: Bool { rawValue != "quic" }

    /// Where `address` (host and port) is on this wire.
    func endpoint(_ address: String) -> String {
        switch self {
        case .grpc, .grpcTLS: "grpc://\(address)"
        #if canImport(QUICTransport)
            case .h3, .quic: "quic://\(address)"
        #endif
        }
    }
}

/// Options that both ends take.
struct WireOptions: ParsableArguments {
    @Option(help: "The wire: \(Wire.allCases.map(\.rawValue).joined(separator: ", ")).")
    var wire: Wire

    @Option(help: "With TLS: the certificate (PEM); without it a server makes a development identity.")
    var cert: String?

    @Option(help: "With TLS: the certificate's key (PEM).")
    var key: String?

    @Option(help: "With TLS: the roots to trust (PEM); without it those of the development identity.")
    var ca: String?

    /// The transport for a server or a client.
    func transport(isServer: Bool, resumes: Bool = true) throws -> any Transport {
        var configuration = GRPCTransport.Configuration()
        configuration.maximumConcurrentStreams = 1024
        func tls() throws -> TLSConfiguration {
            var tls = try self.tls(isServer: isServer)
            tls.resumesSessions = resumes
            return tls
        }
        switch wire {
        case .grpc: return try GRPCTransport(security: .plaintext, configuration: configuration)
        case .grpcTLS:
            return try GRPCTransport(security: .tls(try tls()), configuration: configuration)
        #if canImport(QUICTransport)
            case .h3, .quic:
                var configuration = QUICTransport.Configuration()
                configuration.maximumConcurrentStreams = 1024
                // All clients of a benchmark have the same address.
                configuration.newConnectionsPerSecondPerAddress = 1_000_000
                configuration.newConnectionBurstPerAddress = 1_000_000
                return try QUICTransport(tls: try tls(), configuration: configuration)
        #endif
        }
    }

    /// Who this side is and whom it believes.
    func tls(isServer: Bool) throws -> TLSConfiguration {
        guard (cert == nil) == (key == nil) else { throw ValidationError("--cert and --key go together") }
        var identity: Identity?
        if let cert, let key {
            identity = try Identity(certificateFile: cert, keyFile: key)
        } else if isServer {
            let files = try DevelopmentFolder.make()
            identity = try Identity(certificateFile: files.certificate, keyFile: files.key)
        }
        let trust = try Trust.roots(file: ca ?? DevelopmentFolder.authority)
        return TLSConfiguration(identity: identity, trust: trust, clientAuthentication: .none)
    }
}

/// A development identity for measurements on one machine, kept in the user's temporary folder: the server makes it,
/// the client trusts it.
private enum DevelopmentFolder {
    private static let name = "bench"
    private static var path: String { "/tmp/swift-node-transport-bench-\(geteuid())" }

    static var authority: String { "\(path)/ca.pem" }

    static func make() throws -> (certificate: String, key: String) {
        let files = ("\(path)/\(name).pem", "\(path)/\(name)-key.pem")
        // An earlier run may have made it.
        if access(files.1, F_OK) != 0 { _ = try DevelopmentCA.initialize(directory: path, name: name) }
        return files
    }
}
