internal import NodeTransport

extension TransportContract {
    static let connections: [ContractCase] = [
        ContractCase("a listener reports where it listens") { test in
            try await Rig.with(test, serving: [ContractMethods.echo]) { rig in
                let endpoint = rig.listener.endpoint
                if let port = endpoint.port {
                    try require(port != 0, "a listener reports the port it got: \(endpoint)")
                }
                let again = try await rig.client.connect(to: Endpoint(parsing: endpoint.description))
                let response = try await again.call(ContractMethods.unary, Bytes(utf8: "x"))
                try requireEqual(response.text, "x", "the reported endpoint can be connected to")
            }
        },
        ContractCase("two listeners cannot have one endpoint") { test in
            try await Rig.with(test, serving: [ContractMethods.echo]) { rig in
                let endpoint = rig.listener.endpoint
                do {
                    _ = try await rig.server.listen(on: endpoint, services: [])
                    throw ContractViolation("two listeners cannot have one endpoint: the second one does")
                } catch let error as TransportError {
                    try require(
                        error.description.contains(endpoint.description), "the refusal names the address: \(error)")
                }
                _ = try await rig.connection.call(ContractMethods.unary, Bytes())
            }
        },
        ContractCase("connecting to nobody fails at once") { test in
            try await withPortOfNobody {
                try await Rig.with(test, serving: [ContractMethods.echo]) { rig in
                    let other = try await rig.server.listen(on: test.listenEndpoint, services: [])
                    await other.shutdown(within: .zero)
                    let began = Deadline.now
                    let error = try await requireError(.unavailable, promise: "connecting to nobody") {
                        try await rig.client.connect(to: other.endpoint)
                    }
                    try require(began.duration(to: Deadline.now) < .seconds(5), "connecting to nobody fails at once")
                    try requireNotProcessed(error, "a connection that was never made")
                    try require(
                        error.description.contains(other.endpoint.description),
                        "the error names the endpoint: \(error)")
                }
            }
        },
        ContractCase("an endpoint of another transport is refused") { test in
            try await Rig.with(test, serving: []) { rig in
                let foreign = try Endpoint(
                    parsing: rig.listener.endpoint.scheme == .memory ? "udp://127.0.0.1:9" : "memory://elsewhere")
                try await requireError(.invalidArgument, promise: "connecting to \(foreign)") {
                    try await rig.client.connect(to: foreign)
                }
                try await requireError(.invalidArgument, promise: "listening on \(foreign)") {
                    try await rig.server.listen(on: foreign, services: [])
                }
            }
        },
        ContractCase("connections to one listener are independent") { test in
            try await Rig.with(test, serving: [ContractMethods.echoStream]) { rig in
                let other = try await rig.client.connect(to: rig.listener.endpoint)
                let call = try await rig.connection.call(ContractMethods.bidirectional)
                try await call.requests.send(Bytes(utf8: "a"))
                _ = try await call.responses.next()
                await other.close(within: .zero)
                try await call.requests.send(Bytes(utf8: "b"))
                let response = try await call.responses.next()
                try requireEqual(response?.text, "b", "closing one connection leaves another alone")
                call.cancel()
            }
        },
        ContractCase("a connection tells its states in order") { test in
            try await Rig.with(test, serving: [ContractMethods.echoStream]) { rig in
                let updates = rig.connection.stateUpdates()
                try require(rig.connection.state.isReady, "a new connection is ready")
                let call = try await rig.connection.call(ContractMethods.bidirectional)
                try await call.requests.send(Bytes())
                _ = try await call.responses.next()
                async let closing: Void = rig.connection.close(within: .seconds(60))
                var names: [String] = []
                for await state in updates {
                    names.append(state.name)
                    if case .draining = state { try await call.requests.finish() }
                    if case .closed(let error) = state {
                        try require(error == nil, "an orderly close by this side has no error")
                    }
                }
                await closing
                try requireEqual(names, ["ready", "draining", "closed"], "the states of a connection that is closed")
                try require(rig.connection.state.isClosed, "a connection that was closed says so")
                var after: [String] = []
                for await state in rig.connection.stateUpdates() { after.append(state.name) }
                try requireEqual(after, ["closed"], "the states of a connection that is over")
            }
        },
    ]
}

extension ConnectionState {
    /// The case's name.
    var name: String {
        switch self {
        case .connecting: "connecting"
        case .ready: "ready"
        case .draining: "draining"
        case .closed: "closed"
        }
    }
}
