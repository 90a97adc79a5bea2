internal import NodeTransport

extension TransportContract {
    static let shutdown: [ContractCase] = [
        ContractCase("a listener that shuts down lets calls in flight finish and takes no new ones") { test in
            try await Rig.with(test, serving: [ContractMethods.echoStream, ContractMethods.echo]) { rig in
                let call = try await rig.connection.call(ContractMethods.bidirectional)
                try await call.requests.send(Bytes(utf8: "before"))
                _ = try await call.responses.next()
                let updates = rig.connection.stateUpdates()
                async let stopping: Void = rig.listener.shutdown(within: .seconds(60))
                try await waitUntilNotReady(updates)
                let refused = try await requireError(.unavailable, promise: "a new call on a connection that drains") {
                    try await rig.connection.call(ContractMethods.unary, Bytes())
                }
                try requireNotProcessed(refused, "a call that was refused")
                try await requireError(.unavailable, promise: "a new connection to a listener that shuts down") {
                    let late = try await rig.client.connect(to: rig.listener.endpoint)
                    return try await late.call(ContractMethods.unary, Bytes())
                }
                for number in 0..<10 {
                    try await call.requests.send(Bytes(number: number))
                    let response = try await call.responses.next()
                    try requireEqual(response?.number, number, "a call in flight goes on during the shutdown")
                }
                try await call.requests.finish()
                let end = try await call.responses.next()
                try require(end == nil, "a call in flight ends well during the shutdown")
                await stopping
            }
        },
        ContractCase("a shutdown cuts at its bound what has not finished") { test in
            let (started, cancelled) = (Signal(), Signal())
            let handler = ContractMethods.unary.handle { _, _ in
                started.fire()
                try await cancelled.fireWhenCancelled()
            }
            try await Rig.with(test, serving: [handler]) { rig in
                let task = test.task { try await rig.connection.call(ContractMethods.unary, Bytes()) }
                try await started.wait()
                let began = Deadline.now
                await rig.listener.shutdown(within: .milliseconds(200))
                let took = began.duration(to: Deadline.now)
                try require(took < .seconds(30), "a shutdown ends at its bound of 200 ms; it took \(took)")
                try await requireError(.unavailable, promise: "a call that a shutdown cuts") { try await task.value }
                try await cancelled.wait()
                try await requireReason(rig, "a connection that the peer closed says why")
            }
        },
        ContractCase("a shutdown without calls in flight is immediate") { test in
            try await Rig.with(test, serving: [ContractMethods.echo]) { rig in
                _ = try await rig.connection.call(ContractMethods.unary, Bytes())
                let began = Deadline.now
                await rig.listener.shutdown(within: .seconds(60))
                let took = began.duration(to: Deadline.now)
                try require(took < .seconds(30), "a shutdown does not wait when nothing is in flight; it took \(took)")
            }
        },
        ContractCase("a client that closes lets its calls finish and makes no new ones") { test in
            try await Rig.with(test, serving: [ContractMethods.echoStream, ContractMethods.echo]) { rig in
                let call = try await rig.connection.call(ContractMethods.bidirectional)
                try await call.requests.send(Bytes(utf8: "before"))
                _ = try await call.responses.next()
                let updates = rig.connection.stateUpdates()
                async let closing: Void = rig.connection.close(within: .seconds(60))
                try await waitUntilNotReady(updates)
                let refused = try await requireError(.unavailable, promise: "a new call on a connection that closes") {
                    try await rig.connection.call(ContractMethods.unary, Bytes())
                }
                try requireNotProcessed(refused, "a call that was refused")
                try await call.requests.send(Bytes(utf8: "after"))
                let response = try await call.responses.next()
                try requireEqual(response?.text, "after", "a call in flight goes on while the client closes")
                try await call.requests.finish()
                let end = try await call.responses.next()
                try require(end == nil, "a call in flight ends well while the client closes")
                await closing
                try require(rig.connection.state.isClosed, "a connection that was closed says so")
                let late = try await requireError(.unavailable, promise: "a call on a closed connection") {
                    try await rig.connection.call(ContractMethods.unary, Bytes())
                }
                try requireNotProcessed(late, "a call on a closed connection")
            }
        },
        ContractCase("a client's close cuts at its bound what has not finished") { test in
            let (started, cancelled) = (Signal(), Signal())
            let handler = ContractMethods.unary.handle { _, _ in
                started.fire()
                try await cancelled.fireWhenCancelled()
            }
            try await Rig.with(test, serving: [handler]) { rig in
                let task = test.task { try await rig.connection.call(ContractMethods.unary, Bytes()) }
                try await started.wait()
                await rig.connection.close(within: .milliseconds(200))
                try await requireError(.unavailable, .cancelled, promise: "a call that a close cuts") {
                    try await task.value
                }
                try await cancelled.wait()
            }
        },
        ContractCase("a client connects again when the server is back") { test in
            try await withPortOfNobody {
                try await Rig.with(test, serving: [ContractMethods.echo]) { rig in
                    for round in 0..<3 {
                        if round == 0 { await rig.listener.shutdown(within: .seconds(20)) }
                        let service = ContractService(handlers: [ContractMethods.echo])
                        let listener = try await rig.server.listen(on: rig.listener.endpoint, services: [service])
                        try requireEqual(
                            listener.endpoint, rig.listener.endpoint, "a listener gets the endpoint it asks for")
                        let connection = try await rig.client.connect(to: listener.endpoint)
                        let response = try await connection.call(ContractMethods.unary, Bytes(number: round))
                        try requireEqual(response.number, round, "calls work after a reconnect")
                        await listener.shutdown(within: .seconds(20))
                    }
                }
            }
        },
        ContractCase("a transport that was shut down does nothing more") { test in
            try await Rig.with(test, serving: [ContractMethods.echo]) { rig in
                await rig.client.shutdown(within: .seconds(20))
                try require(rig.connection.state.isClosed, "a transport's shutdown closes its connections")
                try await requireError(.failedPrecondition, promise: "connecting after shutdown") {
                    try await rig.client.connect(to: rig.listener.endpoint)
                }
                try await requireError(.failedPrecondition, promise: "listening after shutdown") {
                    try await rig.client.listen(on: test.listenEndpoint, services: [])
                }
                await rig.client.shutdown(within: .zero)
            }
        },
    ]

    static let vanishing: [ContractCase] = [
        ContractCase("a peer that vanishes fails the calls in flight") { test in
            let (started, cancelled) = (Counter(), Counter())
            let (allStarted, allCancelled) = (Signal(), Signal())
            let wait: @Sendable () async throws -> Never = {
                if started.add() == 2 { allStarted.fire() }
                do {
                    try await Signal().fireWhenCancelled()
                } catch {
                    if cancelled.add() == 2 { allCancelled.fire() }
                    throw error
                }
            }
            let handlers = [
                ContractMethods.unary.handle { _, _ in try await wait() },
                ContractMethods.bidirectional.handle { _, _, _ in try await wait() },
            ]
            try await Rig.with(test, serving: handlers) { rig in
                let task = test.task { try await rig.connection.call(ContractMethods.unary, Bytes()) }
                let call = try await rig.connection.call(ContractMethods.bidirectional)
                try await allStarted.wait()
                guard try await test.vanish(rig.listener) else { return task.cancel() }
                try await requireError(.unavailable, promise: "a unary call whose peer vanishes") {
                    try await task.value
                }
                try await requireError(.unavailable, promise: "a stream whose peer vanishes") {
                    try await call.responses.next()
                }
                try await requireReason(rig, "a connection that was lost says why")
                let late = try await requireError(.unavailable, promise: "a call on a connection that was lost") {
                    try await rig.connection.call(ContractMethods.unary, Bytes())
                }
                try requireNotProcessed(late, "a call on a connection that was lost")
                try await allCancelled.wait()
            }
        }
    ]

    /// Waits until the connection is closed; one that outlives its peers need not be.
    private static func requireReason(_ rig: Rig, _ promise: String) async throws {
        guard !rig.test.connectionsOutlivePeers else { return }
        for await state in rig.connection.stateUpdates() {
            if case .closed(let error) = state { try require(error != nil, promise) }
        }
    }

    private static func waitUntilNotReady(_ updates: AsyncStream<ConnectionState>) async throws {
        for await state in updates where !state.isReady { return }
        throw ContractViolation("the states ended without draining or closed")
    }
}
