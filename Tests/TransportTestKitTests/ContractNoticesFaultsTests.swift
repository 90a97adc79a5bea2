import NodeTransport
import Testing
import TransportTestKit

/// A contract that every transport passes is worth nothing: here each fault must be found by the case about it.
@Suite("The contract notices what is broken", .timeLimit(.minutes(5)))
struct ContractNoticesFaultsTests {
    @Test(arguments: Fault.allCases)
    func faultsAreFound(_ fault: Fault) async throws {
        let broken = BrokenTransportUnderTest(fault: fault)
        for name in fault.caseNames {
            let contractCase = try #require(TransportContract.cases.first { $0.name == name }, "no case \"\(name)\"")
            await #expect(throws: ContractViolation.self, "\(fault) passes \"\(name)\"") {
                try await contractCase.run(broken)
            }
        }
    }

    @Test func caseNamesAreUnique() {
        #expect(Set(TransportContract.cases.map(\.name)).count == TransportContract.cases.count)
    }
}

/// One way in which a transport can be wrong.
enum Fault: CaseIterable, Sendable {
    case buffersWithoutBound, lowMessageLimit, dropsMetadata, ignoresDeadlines, ignoresCancel, keepsReleasedCalls
    case hidesStatusCodes, losesMessages, refusesDatagrams

    var caseNames: [String] {
        switch self {
        case .buffersWithoutBound:
            ["a client that reads slowly slows the server", "a server that reads slowly slows the client"]
        case .lowMessageLimit: ["a message of 1 MiB arrives unchanged both ways"]
        case .dropsMetadata: ["metadata arrives unchanged, both ways"]
        case .ignoresDeadlines:
            ["the deadline passes while the client waits for the response", "the handler sees the deadline"]
        case .ignoresCancel: ["cancel() cancels the handler", "cancel() ends a receive that waits"]
        case .keepsReleasedCalls: ["letting go of a stream cancels the handler"]
        case .hidesStatusCodes: ["a handler's error arrives with its code"]
        case .losesMessages: ["a client stream arrives whole and in order", "a bidirectional call goes back and forth"]
        case .refusesDatagrams: ["datagrams reach the server and come back"]
        }
    }
}

private final class BrokenTransportUnderTest: TransportUnderTest {
    let name = "broken"
    let supportsDatagrams = true
    let caseTimeLimit = Duration.seconds(3)
    private let sound = InMemoryTransportUnderTest()
    private let network = InMemoryNetwork()
    private let fault: Fault

    init(fault: Fault) { self.fault = fault }

    var listenEndpoint: Endpoint { get throws { try sound.listenEndpoint } }

    func makeTransport() async throws -> any Transport {
        var configuration = InMemoryConfiguration()
        switch fault {
        case .buffersWithoutBound:
            configuration.maximumBufferedBytes = .max
            configuration.maximumBufferedMessages = .max
        case .lowMessageLimit: configuration.maximumMessageBytes = 1000
        default: break
        }
        return BrokenTransport(base: InMemoryTransport(network: network, configuration: configuration), fault: fault)
    }
}

private struct BrokenTransport: Transport {
    let base: InMemoryTransport
    let fault: Fault

    func connect(to endpoint: Endpoint) async throws -> any Connection {
        BrokenConnection(base: try await base.connect(to: endpoint), fault: fault)
    }

    func listen(on endpoint: Endpoint, serving table: ServiceTable) async throws -> any Listener {
        try await base.listen(on: endpoint, serving: table)
    }

    func shutdown(within grace: Duration) async { await base.shutdown(within: grace) }
}

private struct BrokenConnection: Connection {
    let base: any Connection
    let fault: Fault

    var endpoint: Endpoint { base.endpoint }
    var peer: PeerIdentity? { base.peer }
    var state: ConnectionState { base.state }
    var maximumDatagramBytes: Int? { fault == .refusesDatagrams ? nil : base.maximumDatagramBytes }

    func stateUpdates() -> AsyncStream<ConnectionState> { base.stateUpdates() }

    func open(_ head: CallHead) async throws -> any ClientCall {
        var head = head
        if fault == .dropsMetadata { head.metadata = Metadata() }
        if fault == .ignoresDeadlines { head.deadline = nil }
        return BrokenCall(base: try await base.open(head), fault: fault)
    }

    func close(within grace: Duration) async { await base.close(within: grace) }
}

private final class BrokenCall: ClientCall {
    private let base: any ClientCall
    private let fault: Fault

    init(base: any ClientCall, fault: Fault) {
        self.base = base
        self.fault = fault
        // Kept alive by a task that never ends by itself; the transport's shutdown ends the call.
        if fault == .keepsReleasedCalls {
            Task {
                _ = try? await base.initialMetadata(); while try await base.receive() != nil {}
            }
        }
    }

    func send(_ message: Bytes) async throws {
        if fault == .losesMessages, message == Bytes(utf8: "7") { return }
        try await base.send(message)
    }

    func finishSending() async throws { try await base.finishSending() }
    func initialMetadata() async throws -> Metadata { try await base.initialMetadata() }

    func receive() async throws -> Bytes? {
        do {
            return try await base.receive()
        } catch let error as TransportError where fault == .hidesStatusCodes {
            throw TransportError(.unknown, error.message, origin: .remote)
        }
    }

    var trailers: Metadata { base.trailers }

    func cancel() {
        if fault != .ignoresCancel { base.cancel() }
    }
}
