/// A module of this package and everything that it may import.
struct Module {
    var name: String
    /// Modules of this package.
    var ours: Set<String>
    /// Modules of the system and of other packages.
    var foreign: Set<String>

    init(_ name: String, _ ours: Set<String> = [], foreign: Set<String> = []) {
        self.name = name
        self.ours = ours
        self.foreign = foreign
    }
}

/// The C library of the platform, under each of its names.
let platform: Set<String> = ["Darwin", "Glibc", "Musl"]

/// Foundation, whole or its portable part.
let foundation: Set<String> = ["Foundation", "FoundationEssentials"]

/// The layers of docs/architecture.md, the lowest first: a module knows only modules that come before it.
///
/// A new module, or a new import, is entered here first, where the review sees it.
let layers: [Module] = [
    Module("NodeTransport", foreign: platform.union(["Synchronization"])),

    Module("CSystem"),
    Module("COpenSSL"),
    Module("EventLoops", ["CSystem"], foreign: platform.union(["Synchronization"])),
    Module("HTTP2Engine", ["NodeTransport"]),
    Module("GRPCSemantics", ["NodeTransport"]),
    Module("TransportTLS", ["NodeTransport", "COpenSSL"], foreign: platform.union(["Synchronization"])),
    Module("GRPCCalls", ["NodeTransport", "EventLoops", "GRPCSemantics"], foreign: ["Synchronization"]),
    Module(
        "GRPCTransport",
        ["NodeTransport", "CSystem", "EventLoops", "HTTP2Engine", "GRPCSemantics", "GRPCCalls", "TransportTLS"],
        foreign: platform.union(["Synchronization"])
    ),

    Module("CNGTCP2"),
    Module("CNGHTTP3"),
    Module("StreamTables"),
    Module("QUICEngine", ["NodeTransport", "StreamTables", "CNGTCP2"]),
    Module("HTTP3Engine", ["NodeTransport", "StreamTables", "CNGHTTP3"]),
    Module(
        "QUICTransport",
        [
            "NodeTransport", "EventLoops", "StreamTables", "QUICEngine", "HTTP3Engine", "GRPCSemantics", "GRPCCalls",
            "TransportTLS",
        ],
        foreign: platform.union(["Synchronization"])
    ),

    Module("TransportResilience", ["NodeTransport"], foreign: platform.union(["Logging", "Synchronization"])),
    Module("CCAres"),
    Module(
        "TransportDNS", ["NodeTransport", "TransportResilience", "CCAres"],
        foreign: platform.union(["Synchronization"])),
    Module("TransportProtobuf", ["NodeTransport"], foreign: ["SwiftProtobuf"]),
    Module(
        "TransportEtcd", ["NodeTransport", "TransportProtobuf", "TransportResilience"],
        foreign: foundation.union(["SwiftProtobuf", "Synchronization"])),
    Module("TransportTestKit", ["NodeTransport"], foreign: ["Synchronization"]),
    Module(
        "TransportSimulation", ["NodeTransport", "EventLoops", "TransportTestKit"],
        foreign: platform.union(["Synchronization"])
    ),

    Module(
        "TransactionSignatures",
        ["NodeTransport"],
        foreign: foundation.union(platform).union(["Crypto", "SwiftASN1"])
    ),
    Module(
        "DAGProtocol",
        ["NodeTransport", "TransactionSignatures", "TransportProtobuf"],
        foreign: foundation.union(["Crypto", "SwiftProtobuf"])
    ),
    Module(
        "DAGStore",
        ["NodeTransport", "DAGProtocol"],
        foreign: foundation.union(platform).union(["GRDB", "Logging", "SwiftProtobuf", "Synchronization"])
    ),
    Module(
        "DAGNode",
        [
            "NodeTransport", "TransactionSignatures", "TransportProtobuf", "TransportResilience", "DAGProtocol",
            "DAGStore",
        ],
        foreign: foundation.union(["Crypto", "Logging", "Synchronization"])
    ),
    Module(
        "dagnode",
        [
            "NodeTransport", "GRPCTransport", "QUICTransport", "TransportTLS", "TransportResilience",
            "TransactionSignatures",
            "DAGProtocol", "DAGStore", "DAGNode",
        ],
        foreign: foundation.union(platform)
            .union(["ArgumentParser", "Crypto", "Logging", "ServiceLifecycle", "Synchronization", "UnixSignals"])
    ),
]

/// The concrete wires and what they stand on: whoever is written against the abstraction knows none of them.
let wires: Set<String> = ["GRPCTransport", "QUICTransport"]
let belowTheWires: Set<String> = [
    "HTTP2Engine", "HTTP3Engine", "QUICEngine", "GRPCSemantics", "GRPCCalls", "EventLoops", "TransportTLS", "CSystem",
    "COpenSSL", "StreamTables",
    "CNGTCP2", "CNGHTTP3",
]

/// The engines: bytes, events and the time in; bytes, events and the next deadline out.
let engines: Set<String> = ["HTTP2Engine", "HTTP3Engine", "QUICEngine", "GRPCSemantics"]
