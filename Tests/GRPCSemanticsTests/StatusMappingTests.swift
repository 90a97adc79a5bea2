import GRPCSemantics
import NodeTransport
import Testing

@Suite("Statuses of other layers")
struct StatusMappingTests {
    /// The table of gRPC's `doc/http-grpc-status-mapping.md`, and what it does not name.
    private static let httpStatuses: [(String, StatusCode)] = [
        ("400", .internal), ("401", .unauthenticated), ("403", .permissionDenied), ("404", .unimplemented),
        ("429", .unavailable), ("502", .unavailable), ("503", .unavailable), ("504", .unavailable), ("200", .unknown),
        ("301", .unknown), ("500", .unknown), ("", .unknown), ("abc", .unknown), ("0404", .unknown),
    ]

    @Test(arguments: httpStatuses)
    func ofHTTP(status: String, code: StatusCode) {
        #expect(StatusMapping.code(httpStatus: status) == code)
    }

    /// The table of gRPC over HTTP/2, "Errors", for the codes of RFC 9113 §7.
    private static let http2Errors: [(UInt32, StatusCode)] = [
        (0x0, .internal), (0x1, .internal), (0x2, .internal), (0x3, .internal), (0x4, .internal), (0x6, .internal),
        (0x7, .unavailable), (0x8, .cancelled), (0x9, .internal), (0xa, .internal), (0xb, .resourceExhausted),
        (0xc, .permissionDenied), (0xd, .internal), (0xffff_ffff, .internal),
    ]

    @Test(arguments: http2Errors)
    func ofHTTP2(error: UInt32, code: StatusCode) {
        #expect(StatusMapping.code(http2Error: error) == code)
    }

    @Test func aHandlersOwnStatusIsTold() throws {
        var trailers = Metadata()
        try trailers.add("reason", "x")
        let status = StatusMapping.status(of: TransportError(.notFound, "no such thing", metadata: trailers))
        #expect(status.code == .notFound && status.message == "no such thing" && status.metadata == trailers)
    }

    @Test func otherErrorsKeepTheirSecrets() {
        struct Secret: Error, CustomStringConvertible { let description = "password" }
        let status = StatusMapping.status(of: Secret())
        #expect(status.code == .unknown)
        #expect(!status.description.contains("password"))
        #expect(StatusMapping.status(of: CancellationError()).code == .cancelled)
    }

    @Test(arguments: [
        ("application/grpc", true), ("application/grpc+proto", true), ("application/grpc;charset=utf-8", true),
        ("application/grpc-web", false), ("application/grpcx", false), ("application/json", false), ("", false),
        ("application/grp", false), (" application/grpc", false),
    ])
    func contentTypesOfGRPC(contentType: String, isGRPC: Bool) {
        #expect(StatusMapping.isGRPC(contentType: contentType) == isGRPC)
    }
}
