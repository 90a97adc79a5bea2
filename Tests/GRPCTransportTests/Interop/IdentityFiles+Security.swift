import ForeignPeers
import GRPCTransport

extension IdentityFiles {
    func security(_ name: String) throws -> GRPCTransport.Security { .tls(try configuration(name)) }

    var serverSecurity: GRPCTransport.Security { get throws { try security("server") } }
}
