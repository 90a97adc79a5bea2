internal import CSystem
internal import Glibc

/// Asks the system's resolver for the addresses of a name.
package enum NameLookup {
    /// More are not worth trying.
    private static let maximumAddresses = 16

    /// Why a name has no address.
    package struct Failure: Error, CustomStringConvertible {
        package let description: String
    }

    /// The addresses of `name`, in the order to try them; at least one, at most 16.
    ///
    /// Blocks its thread in the resolver, so it runs on the global pool.
    @concurrent
    package static func addresses(of name: String, port: UInt16) async throws(Failure) -> [InternetAddress] {
        var storages = [sockaddr_storage](repeating: sockaddr_storage(), count: maximumAddresses)
        var lengths = [socklen_t](repeating: 0, count: maximumAddresses)
        let count = unsafe cs_resolve(name, port, &storages, &lengths, Int32(maximumAddresses))
        if count < 0 { throw Failure(description: unsafe String(cString: cs_resolve_error(count))) }
        let addresses = storages.prefix(Int(count)).compactMap { InternetAddress($0) }
        if addresses.isEmpty { throw Failure(description: "no address") }
        return addresses
    }
}
