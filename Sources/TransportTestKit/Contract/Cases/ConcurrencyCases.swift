internal import NodeTransport

extension TransportContract {
    static let concurrency: [ContractCase] = [
        ContractCase("1,000 unary calls at once") { test in
            try await Rig.with(test, serving: [ContractMethods.echo]) { rig in
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for number in 0..<1000 {
                        group.addTask {
                            let response = try await rig.connection.call(ContractMethods.unary, Bytes(number: number))
                            try requireEqual(response.number, number, "each call gets its own response")
                        }
                    }
                    try await group.waitForAll()
                }
            }
        },
        ContractCase("100 bidirectional streams at once") { test in
            let (open, allAreOpen) = (Counter(), Signal())
            try await Rig.with(test, serving: [ContractMethods.echoStream]) { rig in
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for stream in 0..<100 {
                        group.addTask {
                            let call = try await rig.connection.call(ContractMethods.bidirectional)
                            for round in 0..<5 {
                                let number = stream * 10 + round
                                try await call.requests.send(Bytes(number: number))
                                let response = try await call.responses.next()
                                try requireEqual(response?.number, number, "streams do not mix")
                                if round == 0 {
                                    if open.add() == 100 { allAreOpen.fire() }
                                    try await allAreOpen.wait()
                                }
                            }
                            try await call.requests.finish()
                            let end = try await call.responses.next()
                            try require(end == nil, "each stream ends by itself")
                        }
                    }
                    try await group.waitForAll()
                }
            }
        },
        ContractCase("2,000 calls one after the other") { test in
            try await Rig.with(test, serving: [ContractMethods.echo]) { rig in
                for number in 0..<2000 {
                    let response = try await rig.connection.call(ContractMethods.unary, Bytes(number: number))
                    try requireEqual(response.number, number, "call number \(number) works like the first")
                }
            }
        },
        ContractCase("a handler that waits does not hold up other calls of its connection") { test in
            let (started, mayEnd) = (Signal(), Signal())
            let handlers = [
                ContractMethods.unary.handle { request, _ in
                    started.fire()
                    try await mayEnd.wait()
                    return request
                },
                ContractMethods.ask.handle { question, _ in
                    mayEnd.fire()
                    return question
                },
            ]
            try await Rig.with(test, serving: handlers) { rig in
                async let waiting = rig.connection.call(ContractMethods.unary, Bytes(utf8: "a"))
                try await started.wait()
                let answer = try await rig.connection.call(ContractMethods.ask, "b")
                try requireEqual(answer, "b", "a second call is served while the first waits")
                let response = try await waiting
                try requireEqual(response.text, "a", "the first call ends when it may")
            }
        },
        ContractCase("handlers may run on the concurrent executor") { test in
            let handlers = [
                ContractMethods.unary.handle(on: .concurrent) { request, _ in request },
                ContractMethods.serverStream.handle(on: .concurrent) { request, responses, _ in
                    for _ in 0..<request.number { try await responses.send(request) }
                },
                ContractMethods.clientStream.handle(on: .concurrent) { requests, _ in
                    var count = 0
                    while try await requests.next() != nil { count += 1 }
                    return Bytes(number: count)
                },
                ContractMethods.bidirectional.handle(on: .concurrent) { requests, responses, _ in
                    while let request = try await requests.next() { try await responses.send(request) }
                },
            ]
            try await Rig.with(test, serving: handlers) { rig in
                let connection = rig.connection
                let promise = "a handler on the concurrent executor serves like any other"
                for number in 1...20 {
                    let response = try await connection.call(ContractMethods.unary, Bytes(number: number))
                    try requireEqual(response.number, number, promise)
                }
                var received = 0
                for try await _ in try await connection.call(ContractMethods.serverStream, Bytes(number: 50)) {
                    received += 1
                }
                try requireEqual(received, 50, promise)
                let upload = try await connection.call(ContractMethods.clientStream)
                for number in 0..<50 { try await upload.requests.send(Bytes(number: number)) }
                let count = try await upload.response()
                try requireEqual(count.number, 50, promise)
                let call = try await connection.call(ContractMethods.bidirectional)
                try await call.requests.send(Bytes(utf8: "x"))
                let response = try await call.responses.next()
                try requireEqual(response?.text, "x", promise)
                call.cancel()
            }
        },
    ]
}
