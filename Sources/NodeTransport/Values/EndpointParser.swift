/// Reads the text form of an ``Endpoint``.
struct EndpointParser {
    let text: String

    mutating func parse() throws -> Endpoint {
        guard !text.isEmpty else { throw fault("it is empty") }
        let (scheme, rest) = try splitScheme()
        switch scheme {
        case .unix:
            guard rest.hasPrefix("/") else {
                throw fault("unix:// needs an absolute path, as in unix:///run/node.sock")
            }
            // sockaddr_un holds 108 bytes with the final zero.
            guard rest.utf8.count <= 107 else { throw fault("the path is longer than 107 bytes") }
            guard !rest.utf8.contains(0) else { throw fault("the path has a zero byte") }
            return Endpoint(scheme: scheme, address: .path(String(rest)))
        case .memory:
            guard Self.isName(rest) else { throw fault("\"\(rest)\" is not a name") }
            return Endpoint(scheme: scheme, address: .name(String(rest)))
        case .srv:
            let name = try resolverTarget(rest)
            guard Self.isName(name) else { throw fault("\"\(name)\" is not a DNS name") }
            return Endpoint(scheme: scheme, address: .name(String(name)))
        case .etcd:
            let name = try resolverTarget(rest)
            guard name.split(separator: "/", omittingEmptySubsequences: false).allSatisfy({ Self.isName($0) }) else {
                throw fault("\"\(name)\" is not the name of a service")
            }
            return Endpoint(scheme: scheme, address: .name(String(name)))
        case .dns:
            return Endpoint(scheme: scheme, address: try hostPort(try resolverTarget(rest)))
        case .grpc, .quic, .udp, .http:
            guard let separator = rest.lastIndex(of: "@"), Self.looksLikeAddress(rest[separator...].dropFirst()) else {
                return Endpoint(scheme: scheme, address: try hostPort(rest))
            }
            let address = try hostPort(rest[..<separator])
            guard case .hostPort(.name, _) = address else { throw fault("an address stands before '@' already") }
            let resolved = try resolvedHost(rest[rest.index(after: separator)...])
            return Endpoint(scheme: scheme, address: address, resolvedHost: resolved)
        }
    }

    private func splitScheme() throws -> (Endpoint.Scheme, Substring) {
        guard let separator = Self.firstRange(of: "://", in: text) else { return (.grpc, text[...]) }
        let name = text[..<separator.lowerBound].lowercased()
        guard let scheme = Endpoint.Scheme(rawValue: name) else {
            let known = Endpoint.Scheme.allCases.map(\.rawValue).joined(separator: ", ")
            throw fault("unknown scheme \"\(name)\"; known are \(known)")
        }
        return (scheme, text[separator.upperBound...])
    }

    /// `dns:///name:port` and `srv:///name`: the authority part stays empty.
    private func resolverTarget(_ rest: Substring) throws -> Substring {
        guard rest.hasPrefix("/") else { throw fault("needs three slashes, as in dns:///name:port") }
        return rest.dropFirst()
    }

    private func hostPort(_ rest: Substring) throws -> Endpoint.Address {
        var rest = rest
        if rest.hasSuffix("/") { rest.removeLast() }
        if let stray = rest.first(where: { "/?#@ ".contains($0) }) {
            throw fault("has \"\(stray)\": only a host and a port may follow the scheme")
        }
        let host: Endpoint.Host
        let portText: Substring
        if rest.hasPrefix("[") {
            guard let end = rest.firstIndex(of: "]") else { throw fault("'[' without ']'") }
            let literal = rest[rest.index(after: rest.startIndex)..<end]
            guard IPAddressSyntax.isIPv6(literal) else { throw fault("\"\(literal)\" is not an IPv6 address") }
            host = .ipv6(String(literal))
            let after = rest[rest.index(after: end)...]
            guard after.hasPrefix(":") else { throw fault("needs a port, as in [::1]:50051") }
            portText = after.dropFirst()
        } else {
            guard let colon = rest.lastIndex(of: ":") else { throw fault("needs a port, as in host:50051") }
            let name = rest[..<colon]
            guard !name.contains(":") else { throw fault("an IPv6 address stands in brackets, as in [::1]:50051") }
            host = try namedHost(name)
            portText = rest[rest.index(after: colon)...]
        }
        guard !portText.isEmpty, portText.utf8.allSatisfy({ (0x30...0x39).contains($0) }),
            let port = Int(portText), (0...65535).contains(port)
        else { throw fault("port \"\(portText)\" is not a number within 0...65535") }
        return .hostPort(host, port: port)
    }

    private static func looksLikeAddress(_ text: Substring) -> Bool {
        text.hasPrefix("[") || IPAddressSyntax.isIPv4(text)
    }

    /// `10.0.0.7` or `[fe80::1]`: what a resolver has found.
    private func resolvedHost(_ text: Substring) throws -> Endpoint.Host {
        if IPAddressSyntax.isIPv4(text) { return .ipv4(String(text)) }
        let literal = text.dropFirst().dropLast()
        guard text.hasSuffix("]"), IPAddressSyntax.isIPv6(literal) else {
            throw fault("\"\(text)\" after '@' is not an address")
        }
        return .ipv6(String(literal))
    }

    private func namedHost(_ name: Substring) throws -> Endpoint.Host {
        guard !name.isEmpty else { throw fault("the host is missing") }
        if IPAddressSyntax.isIPv4(name) { return .ipv4(String(name)) }
        // A last label of digits only would be read as a number by some resolvers (WHATWG URL, "ends in a number").
        if let last = name.split(separator: ".").last, last.utf8.allSatisfy({ (0x30...0x39).contains($0) }) {
            throw fault("\"\(name)\" is not an IPv4 address")
        }
        guard Self.isName(name) else { throw fault("\"\(name)\" is not a host name") }
        return .name(String(name))
    }

    /// Letters, digits, '-' and '_' in labels of at most 63 bytes, 253 in all (RFC 1035 §2.3.4).
    private static func isName(_ name: Substring) -> Bool {
        guard !name.isEmpty, name.utf8.count <= 253 else { return false }
        let labels = (name.hasSuffix(".") ? name.dropLast() : name).split(
            separator: ".", omittingEmptySubsequences: false)
        return labels.allSatisfy { label in
            !label.isEmpty && label.utf8.count <= 63
                && label.utf8.allSatisfy { byte in
                    (0x30...0x39).contains(byte) || (0x61...0x7a).contains(byte | 0x20) || byte == 0x2d || byte == 0x5f
                }
        }
    }

    private static func firstRange(of needle: String, in text: String) -> Range<String.Index>? {
        var start = text.startIndex
        while start < text.endIndex {
            if text[start...].hasPrefix(needle) { return start..<text.index(start, offsetBy: needle.count) }
            start = text.index(after: start)
        }
        return nil
    }

    private func fault(_ reason: String) -> TransportError {
        TransportError(.invalidArgument, "endpoint \"\(text)\": \(reason)")
    }
}
