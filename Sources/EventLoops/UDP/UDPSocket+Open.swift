internal import CSystem
internal import Glibc

extension UDPSocket {
    /// A socket bound to `address`; port 0 asks for a free one.
    ///
    /// - Throws: ``LoopError`` with `EADDRINUSE` when anybody has the port.
    package static func bind(
        _ address: InternetAddress, on loop: EventLoop, configuration: UDPConfiguration = .init()
    ) throws(LoopError) -> UDPSocket {
        if let kernel = loop.kernel {
            return UDPSocket(try kernel.bind(address, connectedTo: nil), remote: nil, on: loop, configuration)
        }
        var opened = try Opened.bound(to: address, configuration)
        return try opened.socket(on: loop, sharesPort: false, remote: nil)
    }

    /// A socket on each of `loops`, all bound to `address`; the kernel gives each peer to one of them.
    ///
    /// Sharing a port is asked for after the first socket has it alone, so that a second program of this user that does
    /// the same is refused instead of taking half of the peers. Where ``UDPFeatures/reusePort`` is not wanted, one
    /// socket is bound, on the first loop; so it is in a simulation.
    ///
    /// - Throws: ``LoopError`` with `EADDRINUSE` when anybody has the port.
    package static func bind(
        _ address: InternetAddress, on loops: [EventLoop], configuration: UDPConfiguration = .init()
    ) throws(LoopError) -> [UDPSocket] {
        guard let first = loops.first else { return [] }
        guard loops.count > 1, configuration.features.contains(.reusePort), first.kernel == nil else {
            return [try bind(address, on: first, configuration: configuration)]
        }
        var opened = try Opened.bound(to: address, configuration)
        try Opened.check("SO_REUSEPORT", cs_udp_share_port(opened.descriptor))
        let holder = try opened.socket(on: first, sharesPort: true, remote: nil)
        var sockets = [holder]
        for loop in loops.dropFirst() {
            var opened = try Opened.bound(to: holder.localAddress, configuration, sharesPort: true)
            sockets.append(try opened.socket(on: loop, sharesPort: true, remote: nil))
        }
        return sockets
    }

    /// A socket for one peer: it receives from nobody else, and hears of it when the peer is not there.
    ///
    /// - Parameter local: Where to bind; by default what the route to the peer suggests, and a free port.
    package static func connect(
        to remote: InternetAddress, from local: InternetAddress? = nil, on loop: EventLoop,
        configuration: UDPConfiguration = .init()
    ) throws(LoopError) -> UDPSocket {
        if let kernel = loop.kernel {
            let port = try kernel.bind(local ?? .any(remote.family), connectedTo: remote)
            return UDPSocket(port, remote: remote, on: loop, configuration)
        }
        var opened = try Opened.bound(to: local ?? .any(remote.family), configuration, wantsErrorQueue: true)
        var address = remote.cAddress
        let isMapped: Int32 = opened.family == AF_INET6 ? 1 : 0
        try Opened.check("connect", unsafe cs_udp_connect(opened.descriptor, &address, isMapped))
        return try opened.socket(on: loop, sharesPort: false, remote: remote)
    }

    /// A socket of a simulation. What it sends in a train is cut as the kernel would.
    private convenience init(
        _ port: any SimulatedPort, remote: InternetAddress?, on loop: EventLoop, _ configuration: UDPConfiguration
    ) {
        let granted: UDPFeatures = [.segmentationOffload, .ecn, .packetInfo, .dontFragment]
        self.init(
            descriptor: -1, port: port, family: AF_UNSPEC,
            granted: configuration.features.intersection(granted).rawValue, sharesPort: false, remote: remote,
            local: port.localAddress, loop: loop, configuration: configuration)
    }

    /// Takes over a connected datagram socket that was opened elsewhere, such as one of a pair of Unix sockets. It has
    /// no ``features``, and goes by the names `local` and `remote`.
    package convenience init(
        adopting descriptor: Int32, local: InternetAddress, remote: InternetAddress, on loop: EventLoop,
        configuration: UDPConfiguration = .init()
    ) {
        self.init(
            descriptor: descriptor, family: AF_UNSPEC, granted: 0, sharesPort: false, remote: remote, local: local,
            loop: loop, configuration: configuration)
    }
}

/// A descriptor on its way to be a ``UDPSocket``; closed when it does not become one.
private struct Opened: ~Copyable {
    let descriptor: Int32
    let family: Int32
    private let configuration: UDPConfiguration
    private let granted: UInt32
    private var isOwned = true

    private init(descriptor: Int32, family: Int32, configuration: UDPConfiguration, granted: UInt32) {
        self.descriptor = descriptor
        self.family = family
        self.configuration = configuration
        self.granted = granted
    }

    deinit { if isOwned { cs_close(descriptor) } }

    static func bound(
        to address: InternetAddress, _ configuration: UDPConfiguration, sharesPort: Bool = false,
        wantsErrorQueue: Bool = false
    ) throws(LoopError) -> Opened {
        let family = address.family == .ipv4 ? AF_INET : AF_INET6
        let descriptor = cs_udp_open(family)
        guard descriptor >= 0 else { throw LoopError(operation: "socket", errno: -descriptor) }
        let queue = wantsErrorQueue ? UInt32(CS_UDP_ERROR_QUEUE) : 0
        let wanted = configuration.features.subtracting(.reusePort).rawValue | queue
        let opened = Opened(
            descriptor: descriptor, family: family, configuration: configuration,
            granted: cs_udp_enable(descriptor, family, wanted))
        if sharesPort { try check("SO_REUSEPORT", cs_udp_share_port(descriptor)) }
        var address = address.cAddress
        try check("bind", unsafe cs_udp_bind(descriptor, &address, configuration.isDualStack ? 1 : 0))
        return opened
    }

    static func check(_ operation: String, _ code: Int32) throws(LoopError) {
        guard code >= 0 else { throw LoopError(operation: operation, errno: -code) }
    }

    /// The descriptor is the socket's from here on.
    mutating func socket(
        on loop: EventLoop, sharesPort: Bool, remote: InternetAddress?
    ) throws(LoopError) -> UDPSocket {
        var local = cs_ip()
        try Self.check("getsockname", unsafe cs_udp_local(descriptor, &local))
        guard let address = InternetAddress(local) else {
            throw LoopError(operation: "getsockname", errno: EAFNOSUPPORT)
        }
        isOwned = false
        return UDPSocket(
            descriptor: descriptor, family: family, granted: granted, sharesPort: sharesPort, remote: remote,
            local: address, loop: loop, configuration: configuration)
    }
}
