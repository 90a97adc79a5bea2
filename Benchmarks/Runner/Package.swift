// swift-tools-version: 6.2
import PackageDescription

let settings: [SwiftSetting] = [
    .enableUpcomingFeature("ExistentialAny"), .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"), .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
]

// A package of its own: it links nothing that it measures, it only starts programs and reads what they print.
let package = Package(
    name: "bench-runner",
    platforms: [.macOS(.v15)],
    dependencies: [.package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2")],
    targets: [
        .executableTarget(
            name: "bench-runner",
            dependencies: [.product(name: "ArgumentParser", package: "swift-argument-parser")],
            path: "Sources", swiftSettings: settings),
        .testTarget(
            name: "RunnerTests", dependencies: ["bench-runner"], path: "Tests", swiftSettings: settings),
    ],
    swiftLanguageModes: [.v6])
