internal import NodeTransport

extension TransportContract {
    static let cancellation: [ContractCase] = [
        ContractCase("cancelling the task of a unary call cancels the handler") { test in
            let (started, cancelled) = (Signal(), Signal())
            let handler = ContractMethods.unary.handle { _, _ in
                started.fire()
                try await cancelled.fireWhenCancelled()
            }
            try await Rig.with(test, serving: [handler]) { rig in
                let task = test.task { try await rig.connection.call(ContractMethods.unary, Bytes()) }
                try await started.wait()
                task.cancel()
                try await requireError(.cancelled, promise: "the cancelled caller gets cancelled") {
                    try await task.value
                }
                try await cancelled.wait()
            }
        },
        ContractCase("cancel() cancels the handler") { test in
            let cancelled = Signal()
            let handler = waitingStream(cancelled)
            try await Rig.with(test, serving: [handler]) { rig in
                let call = try await rig.connection.call(ContractMethods.bidirectional)
                _ = try await call.responses.next()
                call.cancel()
                try await requireError(.cancelled, promise: "receiving after cancel()") {
                    try await call.responses.next()
                }
                try await requireError(.cancelled, promise: "sending after cancel()") {
                    try await call.requests.send(Bytes())
                }
                try await cancelled.wait()
            }
        },
        ContractCase("cancel() ends a receive that waits") { test in
            let cancelled = Signal()
            try await Rig.with(test, serving: [waitingStream(cancelled)]) { rig in
                let call = try await rig.connection.call(ContractMethods.bidirectional)
                _ = try await call.responses.next()
                async let waiting = call.responses.next()
                call.cancel()
                do {
                    _ = try await waiting
                    throw ContractViolation("a receive that waits ends when the call is cancelled: it returned")
                } catch let error as TransportError {
                    try requireEqual(error.code, .cancelled, "a receive that waits ends when the call is cancelled")
                }
                try await cancelled.wait()
            }
        },
        ContractCase("letting go of a stream cancels the handler") { test in
            let cancelled = Signal()
            let handler = ContractMethods.serverStream.handle { _, responses, _ in
                try await responses.send(Bytes())
                try await cancelled.fireWhenCancelled()
            }
            try await Rig.with(test, serving: [handler]) { rig in
                try await readOne(from: rig.connection)
                try await cancelled.wait()
            }
        },
        ContractCase("a handler that receives is woken by the cancellation") { test in
            let ended = Signal()
            let handler = ContractMethods.bidirectional.handle { requests, responses, _ in
                try await responses.send(Bytes())
                do {
                    _ = try await requests.next()
                } catch {
                    if Task.isCancelled { ended.fire() }
                    throw error
                }
            }
            try await Rig.with(test, serving: [handler]) { rig in
                let call = try await rig.connection.call(ContractMethods.bidirectional)
                _ = try await call.responses.next()
                call.cancel()
                try await ended.wait()
            }
        },
        ContractCase("a handler that is held back by the client is woken by the cancellation") { test in
            let ended = Signal()
            let handler = ContractMethods.serverStream.handle { _, responses, _ in
                do {
                    while true { try await responses.send(pattern(65_536)) }
                } catch {
                    ended.fire()
                    throw error
                }
            }
            try await Rig.with(test, serving: [handler]) { rig in
                let stream = try await rig.connection.call(ContractMethods.serverStream, Bytes())
                _ = try await stream.next()
                stream.cancel()
                try await ended.wait()
            }
        },
        ContractCase("cancelling the task of a client that is held back ends the call") { test in
            let (started, cancelled) = (Signal(), Signal())
            let handler = ContractMethods.clientStream.handle { _, _ in
                started.fire()
                try await cancelled.fireWhenCancelled()
            }
            try await Rig.with(test, serving: [handler]) { rig in
                let task = test.task {
                    let call = try await rig.connection.call(ContractMethods.clientStream)
                    while true { try await call.requests.send(pattern(65_536)) }
                }
                try await started.wait()
                task.cancel()
                try await requireError(.cancelled, promise: "a cancelled sender gets cancelled") {
                    try await task.value
                }
                try await cancelled.wait()
            }
        },
        ContractCase("cancelling one call leaves others alone") { test in
            let cancelled = Signal()
            let handlers = [
                ContractMethods.echoStream,
                ContractMethods.unary.handle { request, _ in request },
                ContractMethods.serverStream.handle { _, responses, _ in
                    try await responses.send(Bytes())
                    try await cancelled.fireWhenCancelled()
                },
            ]
            try await Rig.with(test, serving: handlers) { rig in
                let call = try await rig.connection.call(ContractMethods.bidirectional)
                let doomed = try await rig.connection.call(ContractMethods.serverStream, Bytes())
                _ = try await doomed.next()
                doomed.cancel()
                try await cancelled.wait()
                for number in 0..<10 {
                    try await call.requests.send(Bytes(number: number))
                    let response = try await call.responses.next()
                    try requireEqual(response?.number, number, "a stream goes on when another is cancelled")
                }
                let response = try await rig.connection.call(ContractMethods.unary, Bytes(utf8: "x"))
                try requireEqual(response.text, "x", "new calls work after a cancellation")
                try require(rig.connection.state.isReady, "the connection stays ready after a cancellation")
                call.cancel()
            }
        },
        ContractCase("a cancelled task begins no call") { test in
            let started = Counter()
            let handler = ContractMethods.unary.handle { request, _ in
                started.add()
                return request
            }
            try await Rig.with(test, serving: [handler]) { rig in
                let isCancelled = Signal()
                let task = test.task {
                    try? await isCancelled.wait()
                    return try await rig.connection.call(ContractMethods.unary, Bytes())
                }
                task.cancel()
                let error = try await requireError(.cancelled, promise: "a cancelled task begins no call") {
                    try await task.value
                }
                try requireNotProcessed(error, "a call that never began")
                _ = try await rig.connection.call(ContractMethods.unary, Bytes())
                try requireEqual(started.value, 1, "the handler of a call that never began does not run")
            }
        },
        ContractCase("cancelling after the end does nothing") { test in
            try await Rig.with(test, serving: [ContractMethods.echoStream, ContractMethods.echo]) { rig in
                let call = try await rig.connection.call(ContractMethods.bidirectional)
                try await call.requests.finish()
                let end = try await call.responses.next()
                try require(end == nil, "the call ends well")
                call.cancel()
                let still = try await call.responses.next()
                try require(still == nil, "the outcome stays after cancel()")
                _ = try await rig.connection.call(ContractMethods.unary, Bytes())
            }
        },
    ]

    /// Sends one message, then waits to be cancelled.
    private static func waitingStream(_ cancelled: Signal) -> MethodHandler {
        ContractMethods.bidirectional.handle { _, responses, _ in
            try await responses.send(Bytes())
            try await cancelled.fireWhenCancelled()
        }
    }

    /// Reads one message of a stream and lets go of it.
    private static func readOne(from connection: any Connection) async throws {
        let stream = try await connection.call(ContractMethods.serverStream, Bytes())
        _ = try await stream.next()
    }
}
