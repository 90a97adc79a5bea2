internal import NodeTransport

/// Looks up the addresses of names.
struct AddressLookUp: Sendable {
    /// More than any sane chain of aliases.
    private static let maximumAliases = 8
    /// How long what the machine itself knows is kept: its hosts file may change.
    private static let localTimeToLive = Duration.seconds(30)

    let client: any DNSQuerying
    let local: LocalNames
    let families: DNSConfiguration.Families
    let memory: LookUpMemory

    /// The addresses of a name as somebody wrote it: the search list is applied.
    func addresses(ofWritten name: String) async -> LookUpOutcome<[Endpoint.Host]> {
        var outcome = LookUpOutcome<[Endpoint.Host]>.none(timeToLive: nil, reason: "there is no name")
        for candidate in local.candidates(for: name.lowercased()) {
            outcome = await addresses(of: candidate)
            // The first name that exists is meant; after a failure nobody knows which that is.
            guard case .none = outcome else { break }
        }
        return outcome
    }

    /// The addresses of a full name, in lower case and without the last dot: IPv6 first, else as the servers order them.
    func addresses(of name: String) async -> LookUpOutcome<[Endpoint.Host]> {
        if let known = local.addresses(of: name)?.filter(isWanted), !known.isEmpty {
            return .found(known, timeToLive: Self.localTimeToLive, failure: nil)
        }
        switch families {
        case .ipv4: return Self.hosts(await records(of: name, .ipv4))
        case .ipv6: return Self.hosts(await records(of: name, .ipv6))
        case .both:
            async let ipv6 = records(of: name, .ipv6)
            let ipv4 = await records(of: name, .ipv4)
            return Self.merged(Self.hosts(await ipv6), Self.hosts(ipv4))
        }
    }

    /// Records of one type, along aliases that lead to other servers.
    func records(of name: String, _ type: DNSRecordType) async -> LookUpOutcome<[DNSRecord.Value]> {
        memory.complete(await currentRecords(of: name, type), name: name, type: type)
    }

    private func currentRecords(of name: String, _ type: DNSRecordType) async -> LookUpOutcome<[DNSRecord.Value]> {
        var asked = name
        var shortest = UInt32.max
        for _ in 0...Self.maximumAliases {
            let message: DNSMessage
            do {
                message = try await client.ask(asked, type)
            } catch {
                return .failed(error)
            }
            switch message.answer(to: asked, type) {
            case .found(let values, let seconds):
                return .found(values, timeToLive: .seconds(min(seconds, shortest)), failure: nil)
            case .none(let seconds):
                return .none(
                    timeToLive: seconds.map { .seconds(min($0, shortest)) },
                    reason: message.responseCode == 3
                        ? "there is no name \(asked)" : "\(asked) has no record of type \(type.name)")
            case .alias(let target, let seconds):
                asked = target
                shortest = min(shortest, seconds)
            }
        }
        return .failed(DNSClient.failure("DNS: more than \(Self.maximumAliases) aliases follow \(name)"))
    }

    private func isWanted(_ host: Endpoint.Host) -> Bool {
        switch (host, families) {
        case (.ipv4, .ipv6), (.ipv6, .ipv4), (.name, _): false
        default: true
        }
    }

    private static func hosts(_ outcome: LookUpOutcome<[DNSRecord.Value]>) -> LookUpOutcome<[Endpoint.Host]> {
        switch outcome {
        case .found(let values, let timeToLive, let failure):
            let hosts = values.compactMap { value -> Endpoint.Host? in
                switch value {
                case .ipv4(let text): .ipv4(text)
                case .ipv6(let text): .ipv6(text)
                default: nil
                }
            }
            return .found(hosts, timeToLive: timeToLive, failure: failure)
        case .none(let timeToLive, let reason): return .none(timeToLive: timeToLive, reason: reason)
        case .failed(let error): return .failed(error)
        }
    }

    /// Both families as one: what one of them has found counts, also when the other failed.
    private static func merged(
        _ first: LookUpOutcome<[Endpoint.Host]>, _ second: LookUpOutcome<[Endpoint.Host]>
    ) -> LookUpOutcome<[Endpoint.Host]> {
        switch (first, second) {
        case (.found(let a, let aTime, let aFailure), .found(let b, let bTime, let bFailure)):
            .found(
                a + b, timeToLive: LookUpOutcome<[Endpoint.Host]>.shorter(aTime, bTime), failure: aFailure ?? bFailure)
        case (.found(let hosts, let time, let failure), .failed(let error)),
            (.failed(let error), .found(let hosts, let time, let failure)):
            .found(hosts, timeToLive: time, failure: failure ?? error)
        // That one family is not there may last for hours; the other says when to look again.
        case (.found, .none): first
        case (.none, .found): second
        case (.failed, _): first
        case (_, .failed): second
        case (.none(let a, let reason), .none(let b, _)):
            .none(timeToLive: LookUpOutcome<[Endpoint.Host]>.shorter(a, b), reason: Self.reason(reason))
        }
    }

    private static func reason(_ text: String) -> String {
        text.hasSuffix(" of type AAAA") ? "\(text) or A" : text
    }
}
