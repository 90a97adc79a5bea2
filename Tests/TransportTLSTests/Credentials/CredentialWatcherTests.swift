import Foundation
import NodeTransport
import Testing
import TransportTLS

/// Files that change under a program's feet; each look at them is a call, so no test waits.
@Suite(.timeLimit(.minutes(5))) struct CredentialWatcherTests {
    private let folder: TemporaryFolder
    private let authority: Authority

    init() throws {
        folder = try TemporaryFolder()
        authority = try Authority()
        try write(authority.ca.certificatePEM, to: "ca.pem")
        try writeIdentity(issue())
    }

    private func issue() throws -> DevelopmentCA.Issued {
        try authority.ca.issue(name: "node", dnsNames: ["node"])
    }

    /// In one step, as everyone should.
    private func write(_ bytes: Bytes, to name: String) throws {
        try folder.write(bytes, to: name + ".new")
        #expect(unsafe rename("\(folder.path)/\(name).new", "\(folder.path)/\(name)") == 0)
    }

    private func writeIdentity(_ issued: DevelopmentCA.Issued) throws {
        try write(issued.certificatePEM, to: "node.pem")
        try write(issued.keyPEM, to: "node-key.pem")
    }

    private var files: CredentialFiles {
        CredentialFiles(
            identity: .certificate("\(folder.path)/node.pem", key: "\(folder.path)/node-key.pem"),
            roots: "\(folder.path)/ca.pem"
        )
    }

    @Test func `files that stay the same are not news`() throws {
        let watcher = try CredentialWatcher(files)
        for _ in 0..<3 { #expect(watcher.check().isEmpty) }
        #expect(watcher.credentials.statistics.replacements == 0)
    }

    @Test func `a new identity is taken at the next look`() throws {
        let watcher = try CredentialWatcher(files)
        let before = watcher.credentials.identity?.fingerprint
        let issued = try issue()
        try writeIdentity(issued)
        let events = watcher.check()
        #expect(events.map(\.kind) == [.identity])
        #expect(events.first?.error == nil)
        let fingerprint = watcher.credentials.identity?.fingerprint
        #expect(fingerprint != before)
        #expect(try fingerprint == authority.identity(of: issued).fingerprint)
        #expect(watcher.check().isEmpty)
        #expect(watcher.credentials.statistics.replacements == 1)
    }

    @Test(arguments: ["", "rubbish", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"])
    func `a broken file keeps the old identity, is reported once, and mending it helps`(text: String) throws {
        let watcher = try CredentialWatcher(files)
        let before = watcher.credentials.identity?.fingerprint
        try write(Bytes(utf8: text), to: "node.pem")
        var events: [CredentialEvent] = []
        for _ in 0..<5 { events += watcher.check() }
        #expect(events.count == 1)
        #expect(events.first?.error?.file == "\(folder.path)/node.pem")
        #expect(events.first?.description.contains("the old stays") == true)
        #expect(watcher.credentials.identity?.fingerprint == before)
        #expect(watcher.credentials.statistics.failedReplacements == 1)
        try writeIdentity(issue())
        #expect(watcher.check().first?.error == nil)
        #expect(watcher.credentials.identity?.fingerprint != before)
    }

    @Test func `a certificate that comes before its key is no news until the key is there`() throws {
        let watcher = try CredentialWatcher(files)
        let before = watcher.credentials.identity?.fingerprint
        let issued = try issue()
        try write(issued.certificatePEM, to: "node.pem")
        #expect(watcher.check().isEmpty)
        #expect(watcher.credentials.identity?.fingerprint == before)
        try write(issued.keyPEM, to: "node-key.pem")
        #expect(watcher.check().count == 1)
        #expect(watcher.credentials.identity?.fingerprint != before)
        #expect(watcher.credentials.statistics.failedReplacements == 0)
    }

    @Test func `an expired replacement is refused, also as time goes by`() throws {
        let watcher = try CredentialWatcher(files)
        let now = WallTime.now
        try writeIdentity(authority.ca.issue(name: "node", notAfter: now.adding(days: -1)))
        var events: [CredentialEvent] = []
        for second in 0..<5 {
            events += watcher.check(now: WallTime(secondsSince1970: now.secondsSince1970 + Int64(second)))
        }
        #expect(events.map { $0.error?.code } == [.expired])
    }

    @Test func `files that vanish change nothing`() throws {
        let watcher = try CredentialWatcher(files)
        try FileManager.default.removeItem(atPath: "\(folder.path)/node.pem")
        try FileManager.default.removeItem(atPath: "\(folder.path)/ca.pem")
        let events = (0..<3).flatMap { _ in watcher.check() }
        #expect(Set(events.map(\.kind)) == [.identity, .trust])
        #expect(events.allSatisfy { $0.error?.code == .unreadable })
        #expect(watcher.credentials.identity != nil)
    }

    /// Kubernetes mounts a secret as links through a folder `..data`, which is a link itself and swapped as a whole.
    @Test func `the swap of a link is seen`() throws {
        let manager = FileManager.default
        func secret(_ name: String, _ issued: DevelopmentCA.Issued) throws {
            try manager.createDirectory(atPath: "\(folder.path)/\(name)", withIntermediateDirectories: false)
            try folder.write(issued.certificatePEM, to: "\(name)/tls.crt")
            try folder.write(issued.keyPEM, to: "\(name)/tls.key")
        }
        let path = folder.path
        try secret("..1", issue())
        try manager.createSymbolicLink(atPath: "\(path)/..data", withDestinationPath: "..1")
        for name in ["tls.crt", "tls.key"] {
            try manager.createSymbolicLink(atPath: "\(path)/\(name)", withDestinationPath: "..data/\(name)")
        }
        let watcher = try CredentialWatcher(
            CredentialFiles(
                identity: .certificate("\(path)/tls.crt", key: "\(path)/tls.key"),
                roots: "\(path)/ca.pem"
            )
        )
        let second = try issue()
        try secret("..2", second)
        #expect(watcher.check().isEmpty)
        try manager.createSymbolicLink(atPath: "\(path)/..data_tmp", withDestinationPath: "..2")
        #expect(unsafe rename("\(path)/..data_tmp", "\(path)/..data") == 0)
        #expect(watcher.check().map(\.kind) == [.identity])
        #expect(try watcher.credentials.identity?.fingerprint == authority.identity(of: second).fingerprint)
    }

    @Test func `roots rotate, and pins with them`() throws {
        var files = files
        files.pins = "\(folder.path)/pins"
        try folder.write(String(repeating: "0", count: 64), to: "pins")
        let watcher = try CredentialWatcher(files)
        let other = try Authority("Other CA")
        let node = try other.identity("node")
        func isTrusted() throws -> Bool {
            let verifier = try CertificateVerifier(trust: watcher.credentials.trust)
            let result = Result { try verifier.verify(chain: node.chain, of: .server, expectedName: nil, now: .now) }
            return if case .success = result { true } else { false }
        }
        try write(other.ca.certificatePEM, to: "ca.pem")
        #expect(watcher.check().map(\.kind) == [.trust])
        #expect(try !isTrusted())
        try write(Bytes(utf8: "# node\n\(node.fingerprint)\n"), to: "pins")
        #expect(watcher.check().map(\.kind) == [.trust])
        #expect(try isTrusted())
        try write(Bytes(utf8: "# nobody\n"), to: "pins")
        let events = (0..<3).flatMap { _ in watcher.check() }
        #expect(events.map { $0.error?.code } == [.malformedPin])
        #expect(try isTrusted())
    }

    @Test func `revocations are read from a file that may come later, and do not go with it`() throws {
        var files = files
        files.revoked = "\(folder.path)/revoked"
        let watcher = try CredentialWatcher(files)
        #expect(watcher.credentials.revoked.isEmpty)
        let pin = try Pin(parsing: String(repeating: "ab", count: 32))
        try write(Bytes(utf8: "\(pin)\n"), to: "revoked")
        #expect(watcher.check().map(\.kind) == [.revocations])
        #expect(watcher.credentials.revoked == [pin])
        try FileManager.default.removeItem(atPath: "\(folder.path)/revoked")
        _ = (0..<3).map { _ in watcher.check() }
        #expect(watcher.credentials.revoked == [pin])
        try write(Bytes(), to: "revoked")
        _ = watcher.check()
        #expect(watcher.credentials.revoked.isEmpty)
    }

    @Test func `what a call has revoked stays when the file changes`() throws {
        var files = files
        files.revoked = "\(folder.path)/revoked"
        let watcher = try CredentialWatcher(files)
        let byCall = try Pin(parsing: String(repeating: "cd", count: 32))
        let byFile = try Pin(parsing: String(repeating: "ab", count: 32))
        watcher.credentials.revoke([byCall])
        try write(Bytes(utf8: "\(byFile)\n"), to: "revoked")
        _ = watcher.check()
        #expect(watcher.credentials.revoked == [byCall, byFile])
        try write(Bytes(), to: "revoked")
        _ = watcher.check()
        #expect(watcher.credentials.revoked == [byCall])
    }

    @Test func `of many revocations at the same time none is lost`() async throws {
        let credentials = Credentials(identity: nil, trust: try authority.trust)
        let pins = try (0..<64).map { number in
            try Pin(parsing: (number < 16 ? "0" : "") + String(number, radix: 16) + String(repeating: "00", count: 31))
        }
        await withDiscardingTaskGroup { group in
            for pin in pins { group.addTask { @concurrent in credentials.revoke([pin]) } }
        }
        #expect(credentials.revoked == Set(pins))
    }

    @Test func `without roots the pins alone count`() throws {
        try folder.write(String(repeating: "0", count: 64), to: "pins")
        let watcher = try CredentialWatcher(CredentialFiles(identity: nil, pins: "\(folder.path)/pins"))
        #expect(watcher.credentials.trust.description == "1 pin, name check: none")
    }

    @Test func `run looks until its task is cancelled`() async throws {
        let watcher = try CredentialWatcher(files)
        let (events, continuation) = AsyncStream.makeStream(of: CredentialEvent.self)
        let task = Task { await watcher.run(every: .milliseconds(10)) { continuation.yield($0) } }
        try writeIdentity(issue())
        for await event in events {
            #expect(event.kind == .identity)
            break
        }
        task.cancel()
        await task.value
    }

    @Test func `the passphrase is in no description`() throws {
        var files = files
        files.passphrase = "correct horse"
        let watcher = try CredentialWatcher(files)
        var dumped = ""
        dump(files, to: &dumped)
        dump(watcher.credentials, to: &dumped)
        dumped +=
            "\(files) \(watcher.credentials) \(String(reflecting: files)) \(String(reflecting: watcher.credentials))"
        #expect(!dumped.contains("correct horse"))
        #expect(!dumped.contains("PRIVATE KEY"))
    }
}
