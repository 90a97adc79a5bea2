internal import Synchronization

/// Keeps ``Credentials`` in step with the files that they came from.
///
/// ```swift
/// let watcher = try CredentialWatcher(CredentialFiles(identity: .certificate("node.pem", key: "node-key.pem"), roots: "ca.pem"))
/// let transport = try GRPCTransport(security: .mutualTLS(watcher.credentials))
/// await watcher.run { print($0) }   // in a task of its own, until that is cancelled
/// ```
///
/// It looks at the files' inode, size and times, through symbolic links, so the swap of a link (as Kubernetes replaces a
/// secret) is a change like any other. Files that do not load, or not together, leave everything as it was; that is
/// reported once, when it lasts for more than one look, for a certificate and its key are seldom replaced in one step.
public final class CredentialWatcher: Sendable {
    /// What follows the files. Give these to transports.
    public let credentials: Credentials

    private let files: CredentialFiles
    private let parts: Mutex<[WatchedPart]>
    /// Which of the revocations are the file's; others were made by a call and stay.
    private let revokedByFile: Mutex<Set<Pin>>

    /// Loads the files.
    ///
    /// - Parameters:
    ///   - files: Where identity and trust lie.
    ///   - now: What validity is measured with.
    /// - Throws: ``TLSError`` that names the file, the block and the reason.
    public init(_ files: CredentialFiles, now: WallTime = .now) throws(TLSError) {
        // The stamps first: what changes while it is read is read again at the first look.
        let parts = WatchedPart.all(of: files)
        credentials = Credentials(identity: try files.loadIdentity(now: now), trust: try files.loadTrust())
        let revoked = try files.loadRevoked()
        credentials.revoke(revoked)
        revokedByFile = Mutex(revoked)
        // Whether TLS can use them shows here, not in the first handshake.
        _ = try TLSContext(TLSConfiguration(credentials: credentials), role: .client)
        self.files = files
        self.parts = Mutex(parts)
    }

    /// Looks at the files again and again, until the task is cancelled.
    ///
    /// - Parameters:
    ///   - interval: Between two looks; at least 10 ms.
    ///   - onEvent: Hears of every change and of every failure, once.
    public func run(
        every interval: Duration = .seconds(1),
        onEvent: @Sendable (CredentialEvent) -> Void = { _ in }
    ) async {
        while true {
            do { try await Task.sleep(for: max(interval, .milliseconds(10))) } catch { return }
            for event in check() { onEvent(event) }
        }
    }

    /// Looks at the files once, and takes what has changed.
    public func check(now: WallTime = .now) -> [CredentialEvent] {
        parts.withLock { parts in
            var events: [CredentialEvent] = []
            for index in parts.indices {
                if let event = parts[index].check({ kind throws(TLSError) in try take(kind, now: now) }) {
                    if event.error != nil { credentials.countFailedReplacement() }
                    events.append(event)
                }
            }
            return events
        }
    }

    /// Loads a part and puts it in the place of what was there; says what is new.
    private func take(_ kind: CredentialEvent.Kind, now: WallTime) throws(TLSError) -> String {
        switch kind {
        case .identity:
            guard let identity = try files.loadIdentity(now: now) else { return "" }
            try credentials.take(identity: identity)
            return ([identity.description] + identity.warnings).joined(separator: "; ")
        case .trust:
            let trust = try files.loadTrust()
            try credentials.take(trust: trust)
            return trust.description
        case .revocations:
            // A file that vanishes takes back nothing.
            let revoked = try files.readRevoked()
            let before = revokedByFile.withLock { held in
                defer { held = revoked }
                return held
            }
            credentials.changeRevoked { pins in
                pins.subtract(before)
                pins.formUnion(revoked)
            }
            return "\(revoked.count) revoked"
        }
    }
}

/// What a ``CredentialWatcher`` has seen.
public struct CredentialEvent: Sendable, CustomStringConvertible {
    /// Which part of the credentials it is about.
    public enum Kind: String, Sendable {
        case identity
        case trust
        case revocations
    }

    public let kind: Kind

    /// What is used from now on; `nil` when it could not be loaded.
    public let replacement: String?

    /// Why the files were not taken; what was there before is still used.
    public let error: TLSError?

    public var description: String {
        if let error { return "the new \(kind.rawValue) cannot be used, the old stays: \(error)" }
        return "\(kind.rawValue) replaced: \(replacement ?? "")"
    }
}

/// Files that are taken together, and what was seen of them.
///
/// ```
/// settled ── changed, loads ──▶ settled (event)
///    └── changed, fails ──▶ failing ── same failure at the next look ──▶ reported (event)
///                              ▲                                            │
///                              └── changed, fails otherwise ────────────────┘
/// ```
struct WatchedPart: Sendable {
    private enum Outcome: Equatable {
        case settled
        case failing(Failure)
        case reported(Failure)
    }

    /// What makes two failures the same; their messages may tell the time.
    private struct Failure: Equatable {
        let code: TLSError.Code
        let file: String?
        let block: Int?

        init(_ error: TLSError) {
            code = error.code
            file = error.file
            block = error.block
        }
    }

    private let kind: CredentialEvent.Kind
    private let paths: [String]
    private var stamps: [FileStamp?]
    private var outcome = Outcome.settled

    private init(_ kind: CredentialEvent.Kind, _ paths: [String]) {
        self.kind = kind
        self.paths = paths
        stamps = paths.map(FileStamp.init)
    }

    static func all(of files: CredentialFiles) -> [WatchedPart] {
        [
            WatchedPart(.identity, files.identity?.paths ?? []), WatchedPart(.trust, files.trustPaths),
            WatchedPart(.revocations, [files.revoked].compactMap(\.self)),
        ].filter { !$0.paths.isEmpty }
    }

    /// One look: calls `take` when the files have changed since the last success.
    mutating func check(
        _ take: (CredentialEvent.Kind) throws(TLSError) -> String
    ) -> CredentialEvent? {
        let seen = paths.map(FileStamp.init)
        // After a failure always: what made it fail need not show in the stamps.
        guard seen != stamps || outcome != .settled else { return nil }
        stamps = seen
        do throws(TLSError) {
            let replacement = try take(kind)
            outcome = .settled
            return CredentialEvent(kind: kind, replacement: replacement, error: nil)
        } catch {
            let failure = Failure(error)
            switch outcome {
            case .reported(failure): return nil
            case .failing(failure):
                outcome = .reported(failure)
                return CredentialEvent(kind: kind, replacement: nil, error: error)
            case .settled, .failing, .reported:
                outcome = .failing(failure)
                return nil
            }
        }
    }
}
