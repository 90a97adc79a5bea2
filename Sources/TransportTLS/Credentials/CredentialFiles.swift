internal import Glibc
internal import NodeTransport

/// The files that hold an identity and a trust.
public struct CredentialFiles: Sendable {
    /// Where the identity lies.
    public enum IdentityFiles: Sendable {
        /// A chain and its key: PEM or DER.
        case certificate(String, key: String)
        /// Both in one PKCS#12 file.
        case pkcs12(String)

        var paths: [String] {
            switch self {
            case .certificate(let certificate, let key): certificate == key ? [key] : [certificate, key]
            case .pkcs12(let file): [file]
            }
        }
    }

    /// Who we are; `nil` for a client that need not say.
    public var identity: IdentityFiles?

    /// For an encrypted key or PKCS#12 file.
    public var passphrase: String?

    /// The authorities that count. Without them and with ``pins`` only the pins count; without both the system's roots do.
    public var roots: String?

    /// Pins, one a line, as ``Pin/init(parsing:)`` reads them; empty lines and what follows a `#` are ignored.
    public var pins: String?

    /// Pins in addition to those in the file.
    public var fixedPins: Set<Pin> = []

    /// What a pin that does not match leads to, when there are ``roots`` too.
    public var pinningMode: Trust.PinningMode = .strict

    /// Certificates and keys that are revoked, in the form of ``pins``. The file may be missing: then none is.
    public var revoked: String?

    /// Which name a peer we connect to must have; by default as the kind of trust has it.
    public var nameCheck: NameCheck?

    /// Which name a client of ours must have.
    public var clientNameCheck: NameCheck = .none

    /// Whether chains must follow RFC 5280 to the letter; see ``Trust/isStrict``.
    public var isStrict = true

    public init(identity: IdentityFiles?, passphrase: String? = nil, roots: String? = nil, pins: String? = nil) {
        self.identity = identity
        self.passphrase = passphrase
        self.roots = roots
        self.pins = pins
    }

    func loadIdentity(now: WallTime) throws(TLSError) -> Identity? {
        switch identity {
        case .certificate(let certificate, let key):
            try Identity(certificateFile: certificate, keyFile: key, passphrase: passphrase, now: now)
        case .pkcs12(let file): try Identity(pkcs12File: file, passphrase: passphrase, now: now)
        case nil: nil
        }
    }

    func loadTrust() throws(TLSError) -> Trust {
        var pins = fixedPins
        if let file = self.pins {
            pins.formUnion(try Self.pins(in: file))
            if pins.isEmpty { throw TLSError(.malformedPin, "there is no pin in it", file: file) }
        }
        var trust: Trust
        if let roots {
            trust = try Trust.roots(file: roots)
            if !pins.isEmpty { trust = trust.pinning(pins, mode: pinningMode) }
        } else {
            trust = pins.isEmpty ? .system : .pinned(pins)
        }
        if let nameCheck { trust.nameCheck = nameCheck }
        trust.clientNameCheck = clientNameCheck
        trust.isStrict = isStrict
        return trust
    }

    func loadRevoked() throws(TLSError) -> Set<Pin> {
        guard let revoked, FileSystem.exists(revoked) else { return [] }
        return try readRevoked()
    }

    func readRevoked() throws(TLSError) -> Set<Pin> {
        guard let revoked else { return [] }
        return try Self.pins(in: revoked)
    }

    private static func pins(in file: String) throws(TLSError) -> Set<Pin> {
        try Pin.all(in: FileSystem.read(file).contents, source: file)
    }

    var trustPaths: [String] { [roots, pins].compactMap(\.self) }
}

extension CredentialFiles: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// The names of the files; nothing of the passphrase.
    public var description: String {
        let paths = (identity?.paths ?? []) + [roots, pins, revoked].compactMap(\.self)
        return paths.joined(separator: ", ")
    }

    public var debugDescription: String { description }

    public var customMirror: Mirror { Mirror(self, children: ["description": description]) }
}

/// What tells two states of a file apart without reading it; symbolic links are followed.
struct FileStamp: Hashable {
    private var device: UInt
    private var inode: UInt
    private var size: Int
    private var modified: [Int]

    /// `nil` when there is no such file, or it cannot be reached.
    init?(_ path: String) {
        var status = stat()
        guard unsafe stat(path, &status) == 0 else { return nil }
        device = UInt(status.st_dev)
        inode = UInt(status.st_ino)
        size = Int(status.st_size)
        modified = [
            status.st_mtim.tv_sec, status.st_mtim.tv_nsec, status.st_ctim.tv_sec, status.st_ctim.tv_nsec,
        ]
    }
}
