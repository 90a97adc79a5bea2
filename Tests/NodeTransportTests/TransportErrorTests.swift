import NodeTransport
import Testing

@Suite("Transport errors")
struct TransportErrorTests {
    private struct Cause: Error, CustomStringConvertible { let description = "the cause" }

    @Test func sayEverythingInOneLine() throws {
        let endpoint = try Endpoint(parsing: "grpc://127.0.0.1:1")
        let error = TransportError(.unavailable, "nobody is there", cause: Cause(), endpoint: endpoint, attempt: 2)
        #expect(error.description == "unavailable: nobody is there (grpc://127.0.0.1:1, attempt 2): the cause")
        #expect(TransportError(.aborted, "no").description == "aborted: no")
    }

    @Test func areNeverOK() {
        #expect(TransportError(.ok, "x").code == .unknown)
    }

    @Test func keepThePlaceTheyHave() throws {
        let (first, second) = (try Endpoint(parsing: "memory://a"), try Endpoint(parsing: "memory://b"))
        let error = TransportError(.aborted, "x", origin: .remote, processing: .notProcessed).at(first, attempt: 1)
        #expect(error.endpoint == first)
        #expect(error.attempt == 1)
        #expect(error.at(second, attempt: 2).endpoint == first)
        #expect(error.at(second, attempt: 2).attempt == 1)
        #expect(error.origin == .remote)
        #expect(error.processing == .notProcessed)
    }

    @Test func labelsForMetricsAreBounded() {
        let labels = Set((-100...1000).map { TransportError(StatusCode(rawValue: $0), "x").metricLabel })
        #expect(labels.count == 17)
    }
}
