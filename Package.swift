// swift-tools-version: 6.2
import Foundation
import PackageDescription

// Dependencies point down only; docs/architecture.md draws the layers, and the test target
// ArchitectureTests holds them against this file and against every import.

/// Set by continuous integration: a warning in one of our targets fails the build.
let warningsAreErrors = Context.environment["TRANSPORT_WARNINGS_AS_ERRORS"] != nil

/// Whether the machine has all of these C headers.
func hasHeaders(_ headers: [String]) -> Bool {
    var folders = ["/usr/include", "/usr/local/include", "/opt/homebrew/include"]
    folders += Context.environment["CPATH"]?.split(separator: ":").map(String.init) ?? []
    return headers.allSatisfy { header in
        folders.contains { FileManager.default.fileExists(atPath: "\($0)/\(header)") }
    }
}

/// Whether the machine has what QUIC stands on: ngtcp2, nghttp3 and ngtcp2's helper for GnuTLS. Without them the rest is
/// built all the same. `TRANSPORT_WITHOUT_QUIC` leaves QUIC out in any case.
let hasQUIC =
    Context.environment["TRANSPORT_WITHOUT_QUIC"] == nil
    && hasHeaders(["ngtcp2/ngtcp2.h", "ngtcp2/ngtcp2_crypto_gnutls.h", "nghttp3/nghttp3.h", "gnutls/gnutls.h"])

/// Whether the machine has c-ares, on which look-ups in DNS stand. Without it the rest is built all the same.
/// `TRANSPORT_WITHOUT_DNS` leaves DNS out in any case.
let hasCAres = Context.environment["TRANSPORT_WITHOUT_DNS"] == nil && hasHeaders(["ares.h"])

/// For programs and tests, whose unsafe constructs are not worth naming one by one.
let outerSettings: [SwiftSetting] =
    [
        .enableUpcomingFeature("ExistentialAny"),
        .enableUpcomingFeature("InternalImportsByDefault"),
        .enableUpcomingFeature("MemberImportVisibility"),
        .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
        .enableExperimentalFeature("Lifetimes"),
    ] + (warningsAreErrors ? [.treatAllWarnings(as: .error)] : [])

/// For libraries: every unsafe construct is spelled out (SE-0458).
let swiftSettings = [.strictMemorySafety()] + outerSettings

let cSettings: [CSetting] = [.define("_GNU_SOURCE")]

/// A library target of this package with the settings all of them share.
func module(_ name: String, _ dependencies: [Target.Dependency] = [], exclude: [String] = []) -> Target {
    .target(name: name, dependencies: dependencies, exclude: exclude, swiftSettings: swiftSettings)
}

/// The tests of `module`, in the folder that mirrors it.
func tests(of module: String, _ dependencies: [Target.Dependency] = [], exclude: [String] = []) -> Target {
    .testTarget(
        name: "\(module)Tests", dependencies: [.init(stringLiteral: module)] + dependencies, exclude: exclude,
        swiftSettings: outerSettings)
}

/// A program that is not part of what users of the library build.
func program(_ name: String, path: String, _ dependencies: [Target.Dependency]) -> Target {
    .executableTarget(name: name, dependencies: dependencies, path: path, swiftSettings: outerSettings)
}

extension Target.Dependency {
    static let argumentParser: Self = .product(name: "ArgumentParser", package: "swift-argument-parser")
    static let asn1: Self = .product(name: "SwiftASN1", package: "swift-asn1")
    static let crypto: Self = .product(name: "Crypto", package: "swift-crypto")
    static let grdb: Self = .product(name: "GRDB", package: "GRDB.swift")
    static let logging: Self = .product(name: "Logging", package: "swift-log")
    static let protobuf: Self = .product(name: "SwiftProtobuf", package: "swift-protobuf")
    static let serviceLifecycle: Self = .product(name: "ServiceLifecycle", package: "swift-service-lifecycle")
    static let unixSignals: Self = .product(name: "UnixSignals", package: "swift-service-lifecycle")
}

let package = Package(
    name: "swift-node-transport",
    products: [
        .library(name: "NodeTransport", targets: ["NodeTransport"]),
        .library(name: "GRPCTransport", targets: ["GRPCTransport"]),
        .library(name: "TransportTLS", targets: ["TransportTLS"]),
        .library(name: "TransportResilience", targets: ["TransportResilience"]),
        .library(name: "TransportProtobuf", targets: ["TransportProtobuf"]),
        .library(name: "TransportEtcd", targets: ["TransportEtcd"]),
        .library(name: "TransportTestKit", targets: ["TransportTestKit"]),
        .library(name: "TransactionSignatures", targets: ["TransactionSignatures"]),
        .library(name: "DAGNode", targets: ["DAGProtocol", "DAGStore", "DAGNode"]),
        .executable(name: "dagnode", targets: ["dagnode"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-asn1", from: "1.7.0"),
        .package(url: "https://github.com/apple/swift-crypto", from: "4.5.2"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-protobuf", from: "1.39.0"),
        .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
        .package(url: "https://github.com/swiftlang/swift-docc-plugin", from: "1.5.0"),
    ],
    targets: [
        // The abstraction.
        module("NodeTransport"),

        // The wire: gRPC over HTTP/2, and what it stands on.
        .target(name: "CSystem", cSettings: cSettings),
        .target(
            name: "COpenSSL", cSettings: cSettings, linkerSettings: [.linkedLibrary("ssl"), .linkedLibrary("crypto")]),
        module("EventLoops", ["CSystem"]),
        module("HTTP2Engine", ["NodeTransport"]),
        module("TransportTLS", ["NodeTransport", "COpenSSL"]),
        module("GRPCSemantics", ["NodeTransport"]),
        module("GRPCCalls", ["NodeTransport", "EventLoops", "GRPCSemantics"]),
        module(
            "GRPCTransport",
            ["NodeTransport", "EventLoops", "HTTP2Engine", "TransportTLS", "GRPCSemantics", "GRPCCalls", "CSystem"]
        ),

        // What wraps or checks any transport.
        module("TransportResilience", ["NodeTransport", .logging]),
        module("TransportProtobuf", ["NodeTransport", .protobuf]),
        module("TransportEtcd", ["NodeTransport", "TransportProtobuf", "TransportResilience", .protobuf]),
        module("TransportTestKit", ["NodeTransport"]),
        module("TransportSimulation", ["NodeTransport", "EventLoops", "TransportTestKit"]),

        // The ledger node.
        module("TransactionSignatures", ["NodeTransport", .asn1, .crypto]),
        module("DAGProtocol", ["NodeTransport", "TransactionSignatures", "TransportProtobuf", .protobuf, .crypto]),
        module("DAGStore", ["NodeTransport", "DAGProtocol", .grdb, .protobuf]),
        module(
            "DAGNode", ["NodeTransport", "TransactionSignatures", "DAGProtocol", "DAGStore", "TransportResilience"]),
        program(
            "dagnode", path: "Sources/dagnode",
            [
                "DAGNode", "DAGProtocol", "DAGStore", "GRPCTransport", "NodeTransport", "TransactionSignatures",
                "TransportResilience", "TransportTLS",
                .argumentParser, .logging, .serviceLifecycle, .unixSignals,
            ] + (hasQUIC ? ["QUICTransport"] : [])
        ),

        // Programs that show and measure.
        program("grpc-echo", path: "Examples/GRPCEcho", ["GRPCTransport", "NodeTransport", "TransportTLS"]),
        program("in-memory", path: "Examples/InMemory", ["NodeTransport", "TransportTestKit"]),
        program(
            "retry", path: "Examples/Retry", ["NodeTransport", "TransportResilience", "TransportTestKit", .logging]),
        program("custom-transport", path: "Examples/CustomTransport", ["NodeTransport", "TransportTestKit"]),
        program(
            "transport-bench", path: "Benchmarks/TransportBench",
            ["GRPCTransport", "NodeTransport", "TransportResilience", "TransportTLS", .argumentParser]
                + (hasQUIC ? ["EventLoops", "QUICEngine", "QUICTransport"] : [])
        ),
        program(
            "overload-bench", path: "Benchmarks/OverloadBench",
            ["GRPCTransport", "NodeTransport", "TransportResilience", "TransportTestKit"]),

        // What is counted exactly, and what counts its allocations.
        .target(name: "AllocationCount", path: "Benchmarks/AllocationCount", cSettings: cSettings),
        program(
            "exact-counts", path: "Benchmarks/ExactCounts",
            [
                "AllocationCount", "EventLoops", "GRPCSemantics", "GRPCTransport", "HTTP2Engine", "NodeTransport",
                "TransportResilience",
            ]
                + (hasQUIC
                    ? [
                        "HTTP3Engine", "QUICEngine", "QUICTransport", "TransportSimulation", "TransportTestKit",
                        "TransportTLS",
                    ]
                    : [])
        ),

        // Tests. Those of both wires share what runs somebody else's programs.
        .target(
            name: "ForeignPeers", dependencies: ["NodeTransport", "TransportTLS"], path: "Tests/ForeignPeers",
            swiftSettings: outerSettings),
        .testTarget(name: "ArchitectureTests", swiftSettings: outerSettings),
        tests(of: "NodeTransport", ["TransportTestKit"]),
        tests(of: "EventLoops", ["CSystem"]),
        tests(of: "HTTP2Engine", ["NodeTransport"]),
        tests(of: "TransportTLS", ["NodeTransport"]),
        tests(of: "GRPCSemantics", ["NodeTransport"]),
        tests(
            of: "GRPCTransport", ["ForeignPeers", "HTTP2Engine", "NodeTransport", "TransportTLS", "TransportTestKit"]),
        tests(of: "TransportTestKit", ["NodeTransport"]),
        tests(of: "TransportResilience", ["NodeTransport", "TransportTestKit", .logging]),
        // Of no single module: what wraps transports, over a real wire and servers that are killed.
        program("answering-server", path: "Tests/AnsweringServer", ["GRPCTransport", "NodeTransport", "TransportTLS"]),
        .testTarget(
            name: "ResilientWiresTests",
            dependencies: [
                "ForeignPeers", "GRPCTransport", "NodeTransport", "TransportResilience", "TransportTLS",
                "TransportTestKit", "answering-server",
            ], swiftSettings: outerSettings),
        tests(of: "TransportProtobuf", ["NodeTransport", .protobuf]),
        tests(of: "TransportEtcd", ["ForeignPeers", "GRPCTransport", "NodeTransport", "TransportResilience"]),
        tests(of: "TransactionSignatures", ["ForeignPeers", "NodeTransport"], exclude: ["Vectors"]),
        tests(of: "DAGProtocol", ["NodeTransport", "TransactionSignatures", .crypto, .protobuf]),
        tests(of: "DAGStore", ["DAGProtocol", "NodeTransport", "TransactionSignatures", .grdb, .protobuf]),
        tests(
            of: "DAGNode",
            [
                "DAGProtocol", "DAGStore", "NodeTransport", "TransactionSignatures", "TransportResilience",
                "TransportTestKit",
            ]
        ),
        tests(
            of: "dagnode",
            ["DAGProtocol", "DAGStore", "ForeignPeers", "NodeTransport", "TransactionSignatures", "TransportTLS"]),
    ],
    swiftLanguageModes: [.v6]
)

// The second wire: gRPC over HTTP/3 over QUIC, where the machine has the libraries.
if hasQUIC {
    package.products.append(.library(name: "QUICTransport", targets: ["QUICTransport"]))
    package.targets += [
        .target(
            name: "CNGTCP2", cSettings: cSettings,
            linkerSettings: [
                .linkedLibrary("ngtcp2_crypto_gnutls"), .linkedLibrary("ngtcp2"), .linkedLibrary("gnutls"),
            ]),
        .target(name: "CNGHTTP3", cSettings: cSettings, linkerSettings: [.linkedLibrary("nghttp3")]),
        module("StreamTables"),
        module("QUICEngine", ["NodeTransport", "StreamTables", "CNGTCP2"]),
        module("HTTP3Engine", ["NodeTransport", "StreamTables", "CNGHTTP3"]),
        module(
            "QUICTransport",
            [
                "NodeTransport", "EventLoops", "StreamTables", "QUICEngine", "HTTP3Engine", "TransportTLS",
                "GRPCSemantics",
                "GRPCCalls",
            ]
        ),
        program(
            "racing", path: "Examples/Racing",
            ["GRPCTransport", "NodeTransport", "QUICTransport", "TransportResilience", "TransportTLS"]),
        program("quic-echo", path: "Examples/QUICEcho", ["NodeTransport", "QUICTransport", "TransportTLS"]),
        program("http3-get", path: "Examples/HTTP3Get", ["NodeTransport", "QUICTransport", "TransportTLS"]),
        program("quic-migration", path: "Examples/QUICMigration", ["NodeTransport", "QUICTransport", "TransportTLS"]),
        program("quic-log", path: "Examples/QUICLog", ["NodeTransport", "QUICTransport", "TransportTLS"]),
        tests(of: "StreamTables", ["TransportTestKit"]),
        tests(of: "QUICEngine", ["HTTP3Engine", "NodeTransport", "TransportTLS", "TransportTestKit"]),
        tests(of: "HTTP3Engine", ["NodeTransport"]),
        // Of no single module: both wires in one race.
        .testTarget(
            name: "WireRacingTests",
            dependencies: [
                "ForeignPeers", "GRPCTransport", "NodeTransport", "QUICTransport", "TransportResilience",
                "TransportTLS", "racing",
            ], swiftSettings: outerSettings),
        // Of no single module: all of a client's resilience over the real transport, in virtual time.
        .testTarget(
            name: "ResilienceScenarioTests",
            dependencies: [
                "NodeTransport", "QUICTransport", "TransportResilience", "TransportSimulation", "TransportTLS",
                "TransportTestKit",
            ], swiftSettings: outerSettings),
        tests(
            of: "QUICTransport",
            [
                "EventLoops", "ForeignPeers", "NodeTransport", "QUICEngine", "StreamTables", "TransportSimulation",
                "TransportTLS", "TransportTestKit",
            ]),
        // What takes both wires at once.
        .testTarget(
            name: "WiresTests",
            dependencies: ["GRPCTransport", "NodeTransport", "QUICTransport", "TransportResilience", "TransportTLS"],
            swiftSettings: outerSettings),
    ]
}

// Look-ups in DNS, where the machine has c-ares.
if hasCAres {
    package.products.append(.library(name: "TransportDNS", targets: ["TransportDNS"]))
    package.targets += [
        .target(name: "CCAres", cSettings: cSettings, linkerSettings: [.linkedLibrary("cares")]),
        module("TransportDNS", ["NodeTransport", "TransportResilience", "CCAres"]),
        tests(of: "TransportDNS", ["ForeignPeers", "NodeTransport", "TransportResilience", "TransportTestKit"]),
    ]
}
