import NodeTransport
import Testing

@Suite("Status codes")
struct StatusCodeTests {
    @Test(arguments: [(0, "ok"), (4, "deadline_exceeded"), (16, "unauthenticated"), (17, "code_17"), (-1, "code_-1")])
    func haveGRPCsNames(number: Int, name: String) {
        #expect(StatusCode(rawValue: number).description == name)
    }

    @Test func haveGRPCsNumbers() {
        let codes: [StatusCode] = [
            .ok, .cancelled, .unknown, .invalidArgument, .deadlineExceeded, .notFound, .alreadyExists,
            .permissionDenied, .resourceExhausted, .failedPrecondition, .aborted, .outOfRange, .unimplemented,
            .internal, .unavailable, .dataLoss, .unauthenticated,
        ]
        #expect(codes.map(\.rawValue) == Array(0...16))
    }
}
