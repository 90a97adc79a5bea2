import Foundation
import NodeTransport
import Synchronization
import Testing
import TransportResilience
import TransportTestKit

@Suite("The file resolver", .timeLimit(.minutes(5)))
struct FileResolverTests {
    /// What a resolver reports, one after the other.
    private struct Following {
        let clock = VirtualClock()
        let folder: URL
        let reports: AsyncStream<Result<[ResolvedPeer], TransportError>>
        let task: Task<Void, Never>

        init(_ folder: URL) throws {
            self.folder = folder
            let (reports, continuation) = AsyncStream.makeStream(of: Result<[ResolvedPeer], TransportError>.self)
            self.reports = reports
            let resolver = FileResolver(folder.appending(path: "peers").path, clock: clock)
            let target = try Endpoint(parsing: "memory://target")
            task = Task {
                await resolver.follow(target, requests: ResolutionRequests()) { continuation.yield($0) }
                continuation.finish()
            }
        }

        func next() async -> Result<[ResolvedPeer], TransportError> {
            for await report in reports { return report }
            return .success([])
        }

        func nextError() async -> TransportError? {
            if case .failure(let error) = await next() { error } else { nil }
        }

        func write(_ text: String, to name: String = "peers") throws {
            try Data(text.utf8).write(to: folder.appending(path: name))
        }

        func passASecond() async {
            await clock.waitForSleepers()
            clock.advance(by: .seconds(1))
            await clock.waitForSleepers()
        }
    }

    private func withFollowing(_ text: String?, _ body: (Following) async throws -> Void) async throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "peers-\(UUID())")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        if let text { try Data(text.utf8).write(to: folder.appending(path: "peers")) }
        let following = try Following(folder)
        let outcome: Result<Void, any Error>
        do {
            outcome = .success(try await body(following))
        } catch { outcome = .failure(error) }
        following.task.cancel()
        await following.task.value
        try outcome.get()
    }

    @Test func eachChangeIsReportedOnceAlsoByRename() async throws {
        try await withFollowing("memory://a") { following in
            #expect(try await following.next().get().map(\.endpoint.description) == ["memory://a"])
            await following.passASecond()
            try following.write("memory://a\nmemory://b weight=2", to: "new")
            let new = following.folder.appending(path: "new").path
            #expect(rename(new, following.folder.appending(path: "peers").path) == 0)
            await following.passASecond()
            // The look-up at which nothing had changed reported nothing: this comes next.
            #expect(try await following.next().get().map(\.weight) == [1, 2])
            try following.write("# nobody")
            await following.passASecond()
            #expect(try await following.next().get().isEmpty == true)
        }
    }

    @Test func aFileThatIsNotThereYetIsReportedOnceAndThenFound() async throws {
        try await withFollowing(nil) { following in
            let error = await following.nextError()
            #expect(error?.code == .unavailable)
            #expect(error?.message.contains(following.folder.appending(path: "peers").path) == true)
            await following.passASecond()
            await following.passASecond()
            try following.write("memory://a")
            await following.passASecond()
            #expect(try await following.next().get().count == 1)
        }
    }

    @Test func aBadLineIsReportedWithItsFileAndNumber() async throws {
        try await withFollowing("memory://a\nmemory://b") { following in
            #expect(try await following.next().get().count == 2)
            try following.write("memory://a\nmemory://b\nmemory://c what=1")
            await following.passASecond()
            let error = await following.nextError()
            #expect(error?.message.contains("/peers:3: ") == true)
        }
    }

    @Test("What is no file, too large or no text is refused")
    func strangeFiles() async throws {
        try await withFollowing(nil) { following in
            _ = await following.next()
            let peers = following.folder.appending(path: "peers")
            // Opening a pipe must not wait for somebody who writes.
            #expect(mkfifo(peers.path, 0o600) == 0)
            await following.passASecond()
            let pipe = await following.nextError()
            #expect(pipe?.message.contains("is not a file") == true)
            try FileManager.default.removeItem(at: peers)
            try Data([0x6d, 0xff]).write(to: peers)
            await following.passASecond()
            let noText = await following.nextError()
            #expect(noText?.message.contains("UTF-8") == true)
            try Data(repeating: 0x23, count: 1 << 20 + 1).write(to: peers)
            await following.passASecond()
            let large = await following.nextError()
            #expect(large?.message.contains("1 MiB") == true)
        }
    }
}
