internal import Foundation
internal import NodeTransport
internal import TransportResilience

/// What stands in etcd for one peer: the JSON that etcd's own naming package for Go writes, so that its clients find our
/// servers and ours find theirs.
struct PeerRecord: Codable, Equatable {
    struct Details: Codable, Equatable {
        var scheme: String?
        var weight: Int?
        var priority: Int?
    }

    /// The address, as `host:port`.
    var address: String
    var details: Details?

    enum CodingKeys: String, CodingKey {
        case address = "Addr"
        case details = "Metadata"
    }

    init(_ peer: ResolvedPeer) {
        address = peer.endpoint.authority
        details = Details(scheme: peer.endpoint.scheme.rawValue, weight: peer.weight, priority: peer.priority)
    }

    /// - Throws: `TransportError` that says what is wrong with `json`.
    init(json: Data) throws {
        do {
            self = try JSONDecoder().decode(Self.self, from: json)
        } catch {
            // Metadata is each user's own; only its form being another must not hide the address.
            guard let plain = try? JSONDecoder().decode(AddressOnly.self, from: json) else {
                throw TransportError(.invalidArgument, "it is not a peer's record", cause: error)
            }
            address = plain.Addr
        }
    }

    private struct AddressOnly: Decodable {
        let Addr: String
    }

    func json() throws -> Data {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return try encoder.encode(self)
    }

    /// - Parameter scheme: The wire of records that name none.
    /// - Throws: `TransportError` that quotes an address which is none.
    func peer(defaultScheme scheme: Endpoint.Scheme) throws -> ResolvedPeer {
        let text = address.contains("://") ? address : "\(details?.scheme ?? scheme.rawValue)://\(address)"
        return ResolvedPeer(
            try Endpoint(parsing: text), weight: details?.weight ?? 1, priority: details?.priority ?? 0)
    }
}
