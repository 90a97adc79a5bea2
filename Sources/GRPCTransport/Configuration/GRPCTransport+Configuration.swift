internal import GRPCCalls
internal import HTTP2Engine
public import NodeTransport
public import TransportTLS

extension GRPCTransport {
    /// Limits, time-outs and hooks. Every limit is finite by default.
    public struct Configuration: Sendable {
        /// The largest message accepted, in bytes; gRPC's default of 4 MiB. A longer one ends its call with
        /// ``/NodeTransport/StatusCode/resourceExhausted``.
        public var maximumReceiveMessageBytes = 4 << 20

        /// The largest message sent, in bytes; at most 4 GiB − 1.
        public var maximumSendMessageBytes = 64 << 20

        /// The largest list of header fields accepted, in bytes as RFC 9113 §10.5.1 counts them; gRPC's 16 KiB.
        public var maximumHeaderListBytes = 16 << 10

        /// How many calls a client may have under way on one connection.
        public var maximumConcurrentStreams = 256

        /// How many calls wait on a client's connection while the server allows no more at once; a further one fails
        /// with ``/NodeTransport/StatusCode/resourceExhausted``.
        public var maximumQueuedCalls = 16_384

        /// How many connections a listener holds; further ones are closed at once.
        public var maximumConnections = 16_384

        /// How long each step of making a connection may take: TCP, for each address of a name, and then TLS and
        /// HTTP/2's settings together.
        public var handshakeTimeout: Duration = .seconds(10)

        /// Pings on quiet connections, to notice a peer that vanished without a word; `nil` sends none. gRPC servers by
        /// others may object to pings more often than every five minutes.
        public var keepAlive: KeepAlivePolicy?

        /// How much a peer may send ahead of the reader on one stream, in bytes.
        public var streamWindowBytes = 1 << 20

        /// How much a peer may have in flight on one connection, in bytes.
        public var connectionWindowBytes = 8 << 20

        /// Hears what nobody awaits: refused handshakes, connections that come and go. Called on an event loop:
        /// it must not block.
        public var onEvent: (@Sendable (TransportEvent) -> Void)?

        public init() {}

        /// The engine's share of these settings.
        var engine: HTTP2Configuration {
            var engine = HTTP2Configuration()
            engine.maxConcurrentStreams = maximumConcurrentStreams
            engine.maxHeaderListBytes = maximumHeaderListBytes
            engine.initialStreamWindowBytes = streamWindowBytes
            engine.connectionWindowBytes = connectionWindowBytes
            engine.maxFrameBytes = Self.maximumFrameBytes
            return engine
        }

        /// The calls' share of these settings.
        var callLimits: CallLimits {
            CallLimits(
                maximumReceiveMessageBytes: maximumReceiveMessageBytes,
                maximumSendMessageBytes: maximumSendMessageBytes,
                sendQueueBytes: Self.streamQueueLowWaterBytes)
        }

        /// More than the usual 16 KiB: what is left of a large DATA frame is read straight to its message.
        private static let maximumFrameBytes = 1 << 20
        private static let streamQueueLowWaterBytes = HTTP2Configuration().streamQueueLowWaterBytes
    }

    /// When to ping a quiet connection, and how long to wait for the answer.
    public typealias KeepAlivePolicy = NodeTransport.KeepAlivePolicy

    /// How connections are protected. There is no default: plaintext has to be asked for by name.
    public struct Security: Sendable {
        enum Kind: Sendable {
            case plaintext
            case tls(TLSConfiguration)
        }

        let kind: Kind

        /// No protection at all: for tests and for networks that something else protects.
        public static let plaintext = Security(kind: .plaintext)

        /// TLS as `configuration` says.
        public static func tls(_ configuration: TLSConfiguration) -> Security { Security(kind: .tls(configuration)) }

        /// TLS in which both sides prove who they are: the server asks every client for a certificate.
        ///
        /// What changes in the credentials holds for every connection that is made after it.
        public static func mutualTLS(_ credentials: Credentials) -> Security {
            .tls(TLSConfiguration(credentials: credentials, clientAuthentication: .required))
        }

        /// Mutual TLS with an identity and a trust that do not change.
        public static func mutualTLS(identity: Identity, trust: Trust) -> Security {
            .tls(TLSConfiguration(identity: identity, trust: trust, clientAuthentication: .required))
        }
    }
}
