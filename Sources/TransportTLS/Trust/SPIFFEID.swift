/// The name of a workload in SPIFFE: `spiffe://trust.domain/path` (SPIFFE-ID specification, section 2).
public struct SPIFFEID: Sendable, Hashable {
    /// Who vouches for the workload: lower-case letters, digits, `-`, `_` and `.`, 1 to 255 of them.
    public let trustDomain: String

    /// The workload within its domain: empty, or segments that each follow a `/`.
    public let path: String

    /// - Throws: ``TLSError`` with ``TLSError/Code/invalidConfiguration`` when `text` is not a SPIFFE ID.
    public init(_ text: String) throws(TLSError) {
        guard let id = SPIFFEID(parsing: text) else {
            throw TLSError(
                .invalidConfiguration,
                "'\(printableStart(of: text[...]))' is not a SPIFFE ID, as spiffe://trust.domain/workload is"
            )
        }
        self = id
    }

    init?(parsing text: String) {
        let scheme = "spiffe://"
        guard text.utf8.count <= 2048, text.hasPrefix(scheme) else { return nil }
        let rest = text.dropFirst(scheme.count)
        let slash = rest.firstIndex(of: "/") ?? rest.endIndex
        let (domain, path) = (rest[..<slash], rest[slash...])
        guard Self.isTrustDomain(domain), Self.isPath(path) else { return nil }
        trustDomain = String(domain)
        self.path = String(path)
    }

    static func isTrustDomain(_ text: Substring) -> Bool {
        (1...255).contains(text.utf8.count) && text.utf8.allSatisfy { isLowercaseOrDigit($0) || isPunctuation($0) }
    }

    private static func isPath(_ text: Substring) -> Bool {
        text.isEmpty
            || text.dropFirst().split(separator: "/", omittingEmptySubsequences: false).allSatisfy { segment in
                !segment.isEmpty && segment != "." && segment != ".."
                    && segment.utf8.allSatisfy {
                        isLowercaseOrDigit($0) || isPunctuation($0)
                            || (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains($0)
                    }
            }
    }

    private static func isLowercaseOrDigit(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte) || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
    }

    private static func isPunctuation(_ byte: UInt8) -> Bool {
        byte == UInt8(ascii: "-") || byte == UInt8(ascii: "_") || byte == UInt8(ascii: ".")
    }
}

extension SPIFFEID: CustomStringConvertible {
    /// The URI.
    public var description: String { "spiffe://\(trustDomain)\(path)" }
}
