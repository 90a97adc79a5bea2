/// What a message says to a question.
enum DNSAnswer: Sendable, Equatable {
    /// The values, and the shortest time that they and the aliases on the way may be kept, in seconds.
    case found([DNSRecord.Value], seconds: UInt32)
    /// The name stands for `name`, about which the message says nothing more.
    case alias(String, seconds: UInt32)
    /// There is none, and for how many seconds that may be believed where the server says so (RFC 2308 §5).
    case none(seconds: UInt32?)
}

extension DNSMessage {
    /// Follows the aliases within the message from `name` to its records of `type`. Records of other names, which the
    /// question did not ask for, are not believed.
    ///
    /// - Parameter name: In lower case, without the last dot.
    func answer(to name: String, _ type: DNSRecordType) -> DNSAnswer {
        var name = name
        var seconds = UInt32.max
        var followed: Set<String> = []
        while true {
            let found = answers.filter { $0.name == name && $0.type == type }
            if !found.isEmpty {
                return .found(found.map(\.value), seconds: found.reduce(seconds) { min($0, $1.seconds) })
            }
            let alias = answers.lazy.compactMap { record -> (String, UInt32)? in
                guard record.name == name, case .alias(let target) = record.value else { return nil }
                return (target, record.seconds)
            }.first
            guard let (target, targetSeconds) = alias, followed.insert(name).inserted else { break }
            name = target
            seconds = min(seconds, targetSeconds)
        }
        let authority = authorities.lazy.compactMap { record -> UInt32? in
            guard case .authority(let negativeSeconds) = record.value else { return nil }
            return min(record.seconds, negativeSeconds)
        }.first
        // A server that knows the alias alone says nothing about where it leads: no error, and no authority.
        if !followed.isEmpty, !followed.contains(name), responseCode == 0, authority == nil {
            return .alias(name, seconds: seconds)
        }
        return .none(seconds: authority.map { min($0, seconds) })
    }
}
