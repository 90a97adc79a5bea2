/// Why a key cannot be read, written or used.
///
/// The text names the file and the reason. It never holds key material.
public struct SignatureError: Error, Sendable, Hashable {
    /// What kind of failure it is.
    public var code: Code

    /// What happened, for a person to read; ``description`` puts the file before it.
    public var message: String

    /// The file, or the name given for bytes, that the failure is about.
    public var file: String?

    public init(_ code: Code, _ message: String, file: String? = nil) {
        self.code = code
        self.message = message
        self.file = file
    }
}

extension SignatureError: CustomStringConvertible {
    /// For instance `client-signing.pem: cannot be opened: No such file or directory`.
    public var description: String { file.map { "\($0): \(message)" } ?? message }
}

extension SignatureError {
    /// What kind of failure it is; more may be added.
    public struct Code: Sendable, Hashable, CustomStringConvertible {
        private enum Name: String {
            case unreadable, unwritable, fileExists, malformedPEM, wrongBlockType, malformedKey, encryptedKey
            case expandedKeyOnly, unsupportedAlgorithm, keyMismatch, invalidContext, internalFailure
        }

        private let name: Name

        public var description: String { name.rawValue }

        /// A file cannot be read.
        public static let unreadable = Code(name: .unreadable)
        /// A file cannot be written.
        public static let unwritable = Code(name: .unwritable)
        /// A file that must not be overwritten is there already.
        public static let fileExists = Code(name: .fileExists)
        /// The text holds no PEM block, or a broken one.
        public static let malformedPEM = Code(name: .malformedPEM)
        /// The PEM blocks hold something other than one key of the kind that is looked for.
        public static let wrongBlockType = Code(name: .wrongBlockType)
        /// The bytes are not a key.
        public static let malformedKey = Code(name: .malformedKey)
        /// The private key is encrypted.
        public static let encryptedKey = Code(name: .encryptedKey)
        /// An ML-DSA private key without its seed (the choice `expandedKey` of RFC 9881 section 6).
        public static let expandedKeyOnly = Code(name: .expandedKeyOnly)
        /// The key is for another algorithm.
        public static let unsupportedAlgorithm = Code(name: .unsupportedAlgorithm)
        /// The parts of a private key do not belong together.
        public static let keyMismatch = Code(name: .keyMismatch)
        /// The context is too long, or the algorithm has none.
        public static let invalidContext = Code(name: .invalidContext)
        /// The cryptographic library failed for a reason of its own, such as a lack of memory.
        public static let internalFailure = Code(name: .internalFailure)
    }
}
