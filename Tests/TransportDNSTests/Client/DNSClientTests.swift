import NodeTransport
import Testing
import TransportTestKit

@testable import TransportDNS

@Suite("Questions to silent servers end", .timeLimit(.minutes(5)))
struct DNSClientTests {
    private func configuration(_ socket: DeafSocket) throws -> DNSConfiguration {
        var configuration = DNSConfiguration()
        configuration.servers = [try Endpoint(parsing: "udp://127.0.0.1:\(socket.port)")]
        configuration.settingsFile = "/dev/null"
        configuration.hostsFile = nil
        return configuration
    }

    @Test func `Silence is a failure after the tries`() async throws {
        let socket = try DeafSocket()
        var configuration = try configuration(socket)
        (configuration.queryTimeout, configuration.tries) = (.milliseconds(5), 2)
        let client = DNSClient(try configuration.checked())
        await #expect {
            try await client.ask("a.example", .ipv4)
        } throws: { error in
            let error = error as? TransportError
            return error?.code == .unavailable && error?.message == "DNS, A a.example: no server answered"
        }
    }

    @Test func `A question that is cancelled ends at once, others go on`() async throws {
        let socket = try DeafSocket()
        var configuration = try configuration(socket)
        // Hours in all: only the cancellation can end them.
        (configuration.queryTimeout, configuration.tries) = (.seconds(60), 10)
        let client = DNSClient(try configuration.checked())
        let questions = (0..<3_000).map { number in Task { try await client.ask("n\(number).example", .ipv6) } }
        // What needs no server waits for none of them.
        #expect(try await client.localNames() == LocalNames())
        for question in questions { question.cancel() }
        for question in questions {
            await #expect { try await question.value } throws: { ($0 as? TransportError)?.code == .cancelled }
        }
        // The thread has ended; another begins.
        #expect(try await client.localNames() == LocalNames())
    }

    @Test func `Who follows a silent server can be cancelled`() async throws {
        let socket = try DeafSocket()
        var configuration = try configuration(socket)
        (configuration.queryTimeout, configuration.tries) = (.seconds(60), 10)
        let followed = try Followed("dns:///a.example:1") {
            try DNSResolver(wire: .grpc, configuration: configuration, clock: $0)
        }
        await followed.end()
    }

    @Test func `Servers that nobody can ask are a failure`() async throws {
        var configuration = DNSConfiguration()
        configuration.settingsFile = "/dev/null"
        // Of 240.0.0.0/4, to which no machine has a way.
        configuration.servers = [try Endpoint(parsing: "udp://255.255.255.255:1")]
        let client = DNSClient(try configuration.checked())
        await #expect { try await client.ask("a.example", .ipv4) } throws: {
            ($0 as? TransportError)?.code == .unavailable
        }
    }
}
