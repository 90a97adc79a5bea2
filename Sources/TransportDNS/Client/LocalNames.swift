internal import NodeTransport

/// What a machine knows about names without asking: its hosts file, `localhost`, and the search list.
struct LocalNames: Sendable, Equatable {
    /// By name in lower case, in the order of the file.
    private(set) var hosts: [String: [Endpoint.Host]] = [:]
    /// Domains that a short name may be meant in.
    private(set) var searchDomains: [String] = []
    /// A name with as many dots is asked for as it is first.
    private(set) var dots = 1

    /// - Parameters:
    ///   - hosts: The text of `/etc/hosts`.
    ///   - settings: The text of `/etc/resolv.conf`: `search`, `domain` and `options ndots:`.
    init(hosts: String = "", settings: String = "") {
        for line in hosts.split(whereSeparator: \.isNewline) {
            let words = Self.words(line, comment: "#")
            guard let address = words.first.flatMap(Self.host) else { continue }
            for name in words.dropFirst() { self.hosts[name.lowercased(), default: []].append(address) }
        }
        for line in settings.split(whereSeparator: \.isNewline) {
            // resolv.conf(5): a comment begins in the first column, with either sign.
            guard line.first != "#", line.first != ";" else { continue }
            let words = Self.words(line, comment: nil)
            switch words.first {
            case "search": searchDomains = words.dropFirst().prefix(6).map(Self.domain)
            case "domain": searchDomains = words.dropFirst().prefix(1).map(Self.domain)
            case "options":
                for option in words where option.hasPrefix("ndots:") {
                    dots = min(max(Int(option.dropFirst(6)) ?? dots, 0), 15)
                }
            default: break
            }
        }
        searchDomains.removeAll { $0.isEmpty }
    }

    /// The addresses of a name that need no server; `nil` when a server has to be asked.
    func addresses(of name: String) -> [Endpoint.Host]? {
        if let known = hosts[name] { return known }
        // RFC 6761 §6.3: these never leave the machine.
        return name == "localhost" || name.hasSuffix(".localhost") ? [.ipv6("::1"), .ipv4("127.0.0.1")] : nil
    }

    /// The names to try for what somebody wrote, in order: resolv.conf(5).
    func candidates(for name: String) -> [String] {
        guard !name.hasSuffix(".") else { return [String(name.dropLast())] }
        let inDomains = searchDomains.map { "\(name).\($0)" }
        return name.count { $0 == "." } >= dots ? [name] + inDomains : inDomains + [name]
    }

    private static func words(_ line: Substring, comment: Character?) -> [Substring] {
        let content = comment.map { sign in line.prefix { $0 != sign } } ?? line
        return content.split(whereSeparator: \.isWhitespace)
    }

    private static func domain(_ text: Substring) -> String {
        (text.hasSuffix(".") ? text.dropLast() : text).lowercased()
    }

    private static func host(_ text: Substring) -> Endpoint.Host? {
        if IPAddressSyntax.isIPv4(text) { return .ipv4(String(text)) }
        return IPAddressSyntax.isIPv6(text) ? .ipv6(String(text)) : nil
    }
}
