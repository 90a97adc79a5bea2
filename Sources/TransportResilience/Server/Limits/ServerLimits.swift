public import NodeTransport

/// How much work a server takes on at once; what is beyond is refused at once, and told when to come back.
///
/// ```swift
/// var limits = ServerLimits.default
/// limits.concurrency = .gradient(within: 4...512)
/// limits.perAddress.rate = CallRate(perSecond: 500, burst: 1_000)
/// let transport = try GRPCTransport(security: .plaintext).limited(limits) { event in logger.debug("\(event)") }
/// ```
///
/// A call passes, in this order, the limits of its address, of its peer's identity, of all calls together; then, if it
/// is unary, it takes one of the places of ``concurrency`` or waits for one in the ``queue``. A streaming call, whose
/// length its client decides, takes one of ``maximumStreams`` instead. ``ServerLimit`` has the names of them all.
public struct ServerLimits: Sendable {
    /// How many unary calls run at once.
    public var concurrency: ConcurrencyLimit

    /// Where unary calls wait while all places are taken.
    public var queue: QueueLimit

    /// How many streaming calls there are at once; at least 0.
    public var maximumStreams: Int

    /// What one IP address may ask for; of IPv6 the first 64 bits count. Peers without an IP address (Unix sockets,
    /// memory) are not counted here.
    public var perAddress: AdmissionLimit

    /// What one identity may ask for. Peers that have not proved who they are are not counted here.
    public var perIdentity: AdmissionLimit

    /// What all together may ask for.
    public var total: AdmissionLimit

    /// What of a peer's identity is counted.
    public var identityKey: IdentityKey

    /// How many addresses, and how many identities, are remembered while they have no call; the ones that were away the
    /// longest are forgotten first. At least 0.
    public var rememberedPeers: Int

    /// Between which bounds a refused caller is asked to stay away, before jitter lengthens it to at most twice that.
    public var retryAfter: ClosedRange<Duration>

    /// The methods that weigh more or less than others; any other weighs 1.
    public var weights: [MethodName: MethodWeight]

    public init(
        concurrency: ConcurrencyLimit = .fixed(1024), queue: QueueLimit = QueueLimit(), maximumStreams: Int = 4096,
        perAddress: AdmissionLimit = AdmissionLimit(), perIdentity: AdmissionLimit = AdmissionLimit(),
        total: AdmissionLimit = AdmissionLimit(), identityKey: IdentityKey = .publicKey, rememberedPeers: Int = 16_384,
        retryAfter: ClosedRange<Duration> = .milliseconds(50) ... .seconds(10),
        weights: [MethodName: MethodWeight] = ServerLimits.healthChecks
    ) {
        self.concurrency = concurrency
        self.queue = queue
        self.maximumStreams = maximumStreams
        self.perAddress = perAddress
        self.perIdentity = perIdentity
        self.total = total
        self.identityKey = identityKey
        self.rememberedPeers = rememberedPeers
        self.retryAfter = retryAfter
        self.weights = weights
    }

    /// 1,024 unary calls at once, 1,024 more that wait for at most 1 s, 4,096 streams; of these at most half for one
    /// address or identity; no rates; health checks are exempt.
    public static let `default` = ServerLimits(
        perAddress: AdmissionLimit(maximumCalls: 2048), perIdentity: AdmissionLimit(maximumCalls: 2048))

    /// `grpc.health.v1.Health/Check` is exempt: a server that is busy is not ill.
    public static let healthChecks: [MethodName: MethodWeight] = [
        MethodName("grpc.health.v1.Health", "Check"): .exempt
    ]
}

/// What of a peer's identity is counted.
public enum IdentityKey: Sendable, Hashable {
    /// The public key, which stays when a certificate is renewed for it.
    case publicKey
    /// The certificate's first URI (a SPIFFE id), or else its first DNS name, or else its public key: for peers whose
    /// keys change often. Only where an authority decides on names: a peer that is trusted for its key alone may give
    /// itself any number of them.
    case name
}

/// How much a call of a method counts.
public struct MethodWeight: Sendable, Hashable {
    let units: Int

    private init(units: Int) { self.units = units }

    /// It passes every limit, and no limit counts it.
    public static let exempt = MethodWeight(units: 0)

    /// It takes `units` places and `units` of a rate's tokens; within 1...1000, other numbers are brought there.
    public static func units(_ units: Int) -> MethodWeight { MethodWeight(units: min(max(units, 1), 1000)) }
}
