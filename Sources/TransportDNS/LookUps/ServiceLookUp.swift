internal import NodeTransport
internal import TransportResilience

/// Looks up the hosts that offer a service (RFC 2782).
struct ServiceLookUp: Sendable {
    /// A host that offers the service.
    struct Target: Sendable, Hashable {
        let name: String
        let port: Int
        let priority: Int
        let weight: Int
    }

    /// How many hosts are looked up, the most preferred first. A service that has more is spread by other means.
    private static let maximumTargets = 100

    let addresses: AddressLookUp
    let identity: DNSConfiguration.ServiceIdentity
    let wire: Endpoint.Scheme

    /// The peers of the service `name`, to which no search list is applied.
    func peers(of name: String) async -> LookUpOutcome<[ResolvedPeer]> {
        let name = Self.fullName(name)
        let values: [DNSRecord.Value]
        var timeToLive: Duration?
        var failure: TransportError?
        switch await addresses.records(of: name, .service) {
        case .found(let found, let time, let partial): (values, timeToLive, failure) = (found, time, partial)
        case .none(let time, let reason): return .none(timeToLive: time, reason: reason)
        case .failed(let error): return .failed(error)
        }
        let targets = Self.targets(values)
        // RFC 2782: the root as the only target says that the service is not there.
        guard !targets.isEmpty else { return .found([], timeToLive: timeToLive, failure: nil) }

        var found: [(Target, [Endpoint.Host])] = []
        var reason = ""
        for (target, outcome) in await outcomes(of: targets) {
            switch outcome {
            case .found(let hosts, let time, let partial):
                found.append((target, hosts))
                timeToLive = LookUpOutcome<[Endpoint.Host]>.shorter(timeToLive, time)
                failure = failure ?? partial
            case .none(let time, let why):
                timeToLive = LookUpOutcome<[Endpoint.Host]>.shorter(timeToLive, time)
                reason = why
            case .failed(let error): failure = failure ?? error
            }
        }
        guard !found.isEmpty else {
            return failure.map { .failed($0) } ?? .none(timeToLive: timeToLive, reason: "\(name): \(reason)")
        }
        return .found(peers(found, of: name), timeToLive: timeToLive, failure: failure)
    }

    /// The hosts in the order of the targets.
    private func outcomes(of targets: [Target]) async -> [(Target, LookUpOutcome<[Endpoint.Host]>)] {
        // Several ports of one host are one question.
        let names = Set(targets.map(\.name))
        let outcomes = await withTaskGroup(of: (String, LookUpOutcome<[Endpoint.Host]>).self) { group in
            for name in names { group.addTask { (name, await addresses.addresses(of: name)) } }
            var outcomes: [String: LookUpOutcome<[Endpoint.Host]>] = [:]
            for await (name, outcome) in group { outcomes[name] = outcome }
            return outcomes
        }
        return targets.compactMap { target in outcomes[target.name].map { (target, $0) } }
    }

    private func peers(_ found: [(Target, [Endpoint.Host])], of service: String) -> [ResolvedPeer] {
        let weights = Self.weights(found.map { (weight: $0.0.weight, addressCount: $0.1.count) })
        return zip(found, weights).flatMap { pair, weight in
            let (target, hosts) = pair
            let name = identity == .domain ? Self.domain(of: service) : target.name
            let endpoint = Endpoint(scheme: wire, address: .hostPort(.name(name), port: target.port))
            return hosts.map {
                ResolvedPeer(endpoint.resolved(to: $0), weight: weight, priority: target.priority)
            }
        }
    }

    // MARK: Rules

    static func fullName(_ name: String) -> String { (name.hasSuffix(".") ? name.dropLast() : name[...]).lowercased() }

    /// The domain of `_service._proto.domain`.
    static func domain(of service: String) -> String {
        let labels = service.split(separator: ".")
        let rest = labels.drop { $0.hasPrefix("_") }
        return rest.isEmpty ? service : rest.joined(separator: ".")
    }

    /// The most preferred first; what is no host name is passed over.
    static func targets(_ values: [DNSRecord.Value]) -> [Target] {
        let targets = values.compactMap { value -> Target? in
            guard case .service(let priority, let weight, let port, let name) = value, !name.isEmpty,
                (try? Endpoint(parsing: "dns:///\(name):\(port)"))?.address == .hostPort(.name(name), port: port)
            else { return nil }
            return Target(name: name, port: port, priority: priority, weight: weight)
        }
        return Array(targets.sorted { $0.priority < $1.priority }.prefix(maximumTargets))
    }

    /// What each address of a target weighs, so that targets keep their proportion although some have more addresses
    /// than others.
    static func weights(_ targets: [(weight: Int, addressCount: Int)]) -> [Int] {
        let counts = targets.map { max($0.addressCount, 1) }
        guard Set(counts).count > 1 else { return targets.map(\.weight) }
        let shares = zip(targets, counts).map { Double($0.weight) / Double($1) }
        let smallest = shares.filter { $0 > 0 }.min() ?? 1
        let largest = shares.max() ?? 1
        // Fractions become whole numbers without leaving the range of weights.
        let scale = min(60 / min(smallest, 60), 65_535 / max(largest, 1))
        return shares.map { Int(($0 * scale).rounded()) }
    }
}
