import NodeTransport
import Synchronization

@testable import TransportDNS

/// Answers in place of servers.
final class FakeServers: DNSQuerying {
    private struct Storage {
        var answers: [String: Result<DNSMessage, TransportError>] = [:]
        var questions: [String] = []
        var local = LocalNames()
    }

    private let storage = Mutex(Storage())

    /// What was asked, as `A name`.
    var questions: [String] { storage.withLock { $0.questions } }

    func set(local: LocalNames) { storage.withLock { $0.local = local } }

    /// - Parameters:
    ///   - question: `A name`.
    ///   - records: `nil` for a failure.
    func set(_ question: String, _ records: [DNSRecord]?, code: Int = 0) {
        let message = records.map { DNSMessage(responseCode: code, answers: $0, authorities: []) }
        storage.withLock {
            $0.answers[question] = message.map { .success($0) } ?? .failure(DNSClient.failure("silence"))
        }
    }

    func ask(_ name: String, _ type: DNSRecordType) async throws(TransportError) -> DNSMessage {
        let question = "\(type.name) \(name)"
        let answer = storage.withLock { storage in
            storage.questions.append(question)
            return storage.answers[question]
        }
        return try answer?.get() ?? DNSMessage(responseCode: 3, answers: [], authorities: [])
    }

    func localNames() async throws(TransportError) -> LocalNames { storage.withLock { $0.local } }
}

extension DNSRecord {
    static func ipv4(_ name: String, _ address: String, _ seconds: UInt32 = 60) -> DNSRecord {
        DNSRecord(name: name, seconds: seconds, value: .ipv4(address))
    }

    static func ipv6(_ name: String, _ address: String, _ seconds: UInt32 = 60) -> DNSRecord {
        DNSRecord(name: name, seconds: seconds, value: .ipv6(address))
    }

    static func service(_ name: String, _ target: String, weight: Int = 1) -> DNSRecord {
        DNSRecord(name: name, seconds: 60, value: .service(priority: 0, weight: weight, port: 7, target: target))
    }
}
