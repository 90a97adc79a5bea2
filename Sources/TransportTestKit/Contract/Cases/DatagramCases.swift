internal import NodeTransport

extension TransportContract {
    static let datagrams: [ContractCase] = [
        ContractCase("datagrams reach the server and come back") { test in
            guard test.supportsDatagrams else { return }
            let echo: DatagramHandler = { datagram, _ in datagram }
            try await Rig.with(test, serving: [ContractMethods.echo], datagrams: echo) { rig in
                guard let maximum = rig.connection.maximumDatagramBytes else {
                    throw ContractViolation("a transport with datagrams says how large they may be")
                }
                try await requireError(.invalidArgument, promise: "a datagram over the limit") {
                    try await rig.connection.sendDatagram(pattern(maximum + 1))
                }
                for size in [1, 64, maximum] {
                    let datagram = pattern(size)
                    let arrived = Signal()
                    async let received: Void = {
                        defer { arrived.fire() }
                        // Copies of an earlier datagram may still be on their way.
                        while try await rig.connection.receiveDatagram() != datagram {}
                    }()
                    // They may get lost, so they are sent until one comes back.
                    while !arrived.hasFired {
                        try await rig.connection.sendDatagram(datagram)
                        _ = try await rig.connection.call(ContractMethods.unary, Bytes())
                    }
                    try await received
                }
            }
        },
        ContractCase("waiting for a datagram ends with the task and with the connection") { test in
            guard test.supportsDatagrams else { return }
            try await Rig.with(test, serving: [ContractMethods.echo], datagrams: { _, _ in nil }) { rig in
                let cancelled = test.task { try await rig.connection.receiveDatagram() }
                _ = try await rig.connection.call(ContractMethods.unary, Bytes())
                cancelled.cancel()
                try await requireError(.cancelled, promise: "waiting for a datagram in a cancelled task") {
                    try await cancelled.value
                }
                let waiting = test.task { try await rig.connection.receiveDatagram() }
                _ = try await rig.connection.call(ContractMethods.unary, Bytes())
                await rig.connection.close(within: .zero)
                try await requireError(.unavailable, promise: "waiting for a datagram on a connection that closes") {
                    try await waiting.value
                }
            }
        },
        ContractCase("a transport without datagrams says so") { test in
            guard !test.supportsDatagrams else { return }
            try await Rig.with(test, serving: []) { rig in
                try require(rig.connection.maximumDatagramBytes == nil, "no limit is told where there are no datagrams")
                try await requireError(.unimplemented, promise: "sending a datagram") {
                    try await rig.connection.sendDatagram(Bytes())
                }
                try await requireError(.unimplemented, promise: "receiving a datagram") {
                    try await rig.connection.receiveDatagram()
                }
            }
        },
    ]
}
