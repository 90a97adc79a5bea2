internal import NodeTransport

extension TransportContract {
    static let deadlines: [ContractCase] = [
        ContractCase("a call whose deadline has passed is not sent") { test in
            let started = Counter()
            let handlers = [
                ContractMethods.unary.handle { request, _ in
                    started.add()
                    return request
                },
                ContractMethods.bidirectional.handle { _, _, _ in started.add() },
            ]
            try await Rig.with(test, serving: handlers) { rig in
                let passed = Deadline.after(.milliseconds(-1))
                let unary = try await requireError(.deadlineExceeded, promise: "a passed deadline fails the call") {
                    try await rig.connection.call(ContractMethods.unary, Bytes(), deadline: passed)
                }
                try requireNotProcessed(unary, "a call whose deadline had passed")
                let stream = try await requireError(.deadlineExceeded, promise: "a passed deadline fails a stream") {
                    try await rig.connection.call(ContractMethods.bidirectional, deadline: passed)
                }
                try requireNotProcessed(stream, "a stream whose deadline had passed")
                _ = try await rig.connection.call(ContractMethods.unary, Bytes())
                try requireEqual(started.value, 1, "no handler runs for a call whose deadline had passed")
            }
        },
        ContractCase("the deadline passes while the client waits for the response") { test in
            let cancelled = Signal()
            let handler = ContractMethods.unary.handle { _, _ in try await cancelled.fireWhenCancelled() }
            try await Rig.with(test, serving: [handler]) { rig in
                try await requireError(.deadlineExceeded, promise: "the deadline ends a call that waits") {
                    try await rig.connection.call(ContractMethods.unary, Bytes(), deadline: .after(.seconds(1)))
                }
                try await cancelled.waitIfBegun()
            }
        },
        ContractCase("the deadline passes while responses are streamed") { test in
            let cancelled = Signal()
            let handler = ContractMethods.serverStream.handle { _, responses, _ in
                try await responses.send(Bytes(utf8: "first"))
                try await cancelled.fireWhenCancelled()
            }
            try await Rig.with(test, serving: [handler]) { rig in
                let stream = try await rig.connection.call(
                    ContractMethods.serverStream, Bytes(), deadline: .after(.seconds(1)))
                try await requireError(.deadlineExceeded, promise: "the deadline ends a stream") {
                    while try await stream.next() != nil {}
                }
                try await requireError(.deadlineExceeded, promise: "the outcome stays") { try await stream.next() }
                try await cancelled.waitIfBegun()
            }
        },
        ContractCase("the deadline passes while the client is held back") { test in
            let cancelled = Signal()
            let handler = ContractMethods.clientStream.handle { _, _ in try await cancelled.fireWhenCancelled() }
            try await Rig.with(test, serving: [handler]) { rig in
                let call = try await rig.connection.call(
                    ContractMethods.clientStream, deadline: .after(.seconds(1)))
                try await requireError(.deadlineExceeded, promise: "the deadline ends a send that waits") {
                    while true { try await call.requests.send(pattern(65_536)) }
                }
                try await cancelled.waitIfBegun()
            }
        },
        ContractCase("the handler sees the deadline") { test in
            let handler = ContractMethods.ask.handle { _, context in
                guard Deadline.current == context.deadline else {
                    throw TransportError(.internal, "Deadline.current is not the call's deadline")
                }
                guard let deadline = context.deadline else { return "none" }
                return String(deadline.remaining().components.seconds)
            }
            try await Rig.with(test, serving: [handler]) { rig in
                let without = try await rig.connection.call(ContractMethods.ask, "")
                try requireEqual(without, "none", "a call without a deadline has none at the handler")
                for seconds in [600, 3600, 86_400] {
                    let text = try await rig.connection.call(
                        ContractMethods.ask, "", deadline: .after(.seconds(seconds)))
                    let seen = Int(text) ?? -1
                    try require(
                        (seconds - 100...seconds + 1).contains(seen),
                        "the handler sees a deadline of \(seconds) s; it saw \(text) s")
                }
            }
        },
        ContractCase("a call made by a handler inherits the deadline") { test in
            let connections = Recorder<any Connection>()
            let handlers = [
                ContractMethods.unary.handle { _, context in
                    guard let deadline = context.deadline, let connection = connections.elements.first else {
                        throw TransportError(.internal, "the handler has no deadline")
                    }
                    let inherited = try await connection.call(ContractMethods.ask, "")
                    return Bytes(utf8: "\(deadline.remaining().components.seconds) \(inherited)")
                },
                ContractMethods.ask.handle { _, context in
                    context.deadline.map { String($0.remaining().components.seconds) } ?? "none"
                },
            ]
            try await Rig.with(test, serving: handlers) { rig in
                connections.append(try await rig.client.connect(to: rig.listener.endpoint))
                let text = try await rig.connection.call(
                    ContractMethods.unary, Bytes(), deadline: .after(.seconds(3600))
                ).text
                let seconds = text.split(separator: " ").compactMap { Int($0) }
                try require(
                    seconds.count == 2 && seconds.allSatisfy { (3500...3600).contains($0) },
                    "a call made by a handler inherits its deadline; the handlers saw \"\(text)\" of 3600 s")
            }
        },
        ContractCase("a handler's own calls end at the inherited deadline") { test in
            let connections = Recorder<any Connection>()
            let (innerCancelled, outerCode) = (Signal(), Recorder<StatusCode>())
            let outerEnded = Signal()
            let handlers = [
                ContractMethods.unary.handle { request, _ in
                    outerEnded.begin()
                    defer { outerEnded.fire() }
                    do {
                        guard let connection = connections.elements.first else { return request }
                        _ = try await connection.call(ContractMethods.ask, "")
                    } catch let error as TransportError {
                        outerCode.append(error.code)
                        throw error
                    }
                    return request
                },
                ContractMethods.ask.handle { _, _ in try await innerCancelled.fireWhenCancelled() },
            ]
            try await Rig.with(test, serving: handlers) { rig in
                connections.append(try await rig.client.connect(to: rig.listener.endpoint))
                try await requireError(.deadlineExceeded, promise: "the outer call ends at its deadline") {
                    try await rig.connection.call(ContractMethods.unary, Bytes(), deadline: .after(.seconds(1)))
                }
                guard outerEnded.hasBegun else { return }
                try await outerEnded.wait()
                try await innerCancelled.waitIfBegun()
                let code = outerCode.elements.first
                // The margin lets the inner call end first; the outer may be quicker on a busy machine.
                try require(
                    code == .deadlineExceeded || code == .cancelled,
                    "the inner call ends at the inherited deadline; it ended with \(code.map(\.description) ?? "ok")")
            }
        },
        ContractCase("a deadline that is far away disturbs nothing") { test in
            try await Rig.with(test, serving: [ContractMethods.echo, ContractMethods.echoStream]) { rig in
                for hours in [1, 1_000, 100_000] {
                    let deadline = Deadline.after(.seconds(hours * 3600))
                    let response = try await rig.connection.call(
                        ContractMethods.unary, Bytes(utf8: "x"), deadline: deadline)
                    try requireEqual(response.text, "x", "a call with a deadline in \(hours) h works")
                }
            }
        },
    ]
}
