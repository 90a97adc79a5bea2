internal import NodeTransport
internal import QUICEngine
internal import Synchronization
internal import TransportTLS

/// The engine's credentials of one side of one transport over time: new ones whenever the credentials have changed.
final class QUICCredentialsSource: Sendable {
    private struct State {
        var credentials: QUICCredentials
        var policy: TLSPolicy
        /// A client's, where sessions are resumed.
        var sessions: SessionCache?
    }

    let configuration: TLSConfiguration
    private let role: TLSContext.Role
    private let allowsEarlyData: Bool
    private let state: Mutex<State>

    /// - Throws: ``TLSError`` when the configuration cannot be used by this side.
    init(_ configuration: TLSConfiguration, role: TLSContext.Role, allowsEarlyData: Bool) throws(TLSError) {
        self.configuration = configuration
        self.role = role
        self.allowsEarlyData = allowsEarlyData
        state = Mutex(try Self.make(configuration, role, allowsEarlyData))
    }

    var credentials: Credentials { configuration.credentials }

    /// The number of the last change; a look at it is cheap.
    var generation: Int { configuration.credentials.currentGeneration }

    /// What a handshake that begins now uses.
    ///
    /// - Throws: ``TLSError`` when the credentials have come to a state that this side cannot use.
    func current() throws(TLSError) -> (credentials: QUICCredentials, policy: TLSPolicy, sessions: SessionCache?) {
        let generation = generation
        return try state.withLock { state throws(TLSError) in
            if state.policy.generation != generation {
                state = try Self.make(configuration, role, allowsEarlyData)
            }
            return (state.credentials, state.policy, state.sessions)
        }
    }

    private static func make(
        _ configuration: TLSConfiguration, _ role: TLSContext.Role, _ allowsEarlyData: Bool
    ) throws(TLSError) -> State {
        let policy = try TLSPolicy(configuration, role: role)
        var options = QUICCredentials.Options(
            role: role == .server ? .server : .client, applicationProtocols: ["h3"])
        if let identity = policy.identity {
            try identity.checkSigning()
            options.certificateChain = identity.chain
            options.privateKey = try identity.withPrivateKeyPKCS8 { (key) throws(TLSError) in Bytes(copying: key) }
        }
        if role == .server, policy.asksClients {
            options.clientCertificates = policy.requiresClients ? .required : .requested
        }
        options.issuesTickets = configuration.resumesSessions
        options.allowsEarlyData = allowsEarlyData
        do {
            let credentials = try QUICCredentials(options) { chain, name in
                switch policy.judge(chain, host: name, now: .now) {
                case .accepted(let acceptance): .acceptAs(acceptance)
                case .refused(let error, let alert): .refuse(alert: alert.rawValue, error: error)
                }
            }
            let keepsSessions = role == .client && configuration.resumesSessions
            return State(
                credentials: credentials, policy: policy, sessions: keepsSessions ? SessionCache() : nil)
        } catch {
            throw TLSError(.unsupportedKey, "QUIC cannot use the identity: \(error)")
        }
    }
}
