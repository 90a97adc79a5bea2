import NodeTransport
import Testing

/// The judge of the forms is openssl: `dagnode identity` is held against it; here are the forms themselves.
@Suite("Fingerprint")
struct FingerprintTests {
    /// SHA-256 of "abc" (FIPS 180-2, appendix B.1).
    static let hexadecimal = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    static let base64 = "ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0="

    static let colons = stride(from: 0, to: 64, by: 2).map {
        let start = hexadecimal.index(hexadecimal.startIndex, offsetBy: $0)
        return String(hexadecimal[start..<hexadecimal.index(start, offsetBy: 2)])
    }.joined(separator: ":")

    static let readable: [String] = [
        hexadecimal, hexadecimal.uppercased(), colons, colons.uppercased(), "  \(colons)\n", base64,
        String(base64.dropLast()), "sha256/\(base64)", "SHA256:\(base64.dropLast())",
        "sha256 Fingerprint=\(colons.uppercased())", "SHA256 Fingerprint=\(colons)", "sha256:\(hexadecimal)",
    ]

    @Test(arguments: readable)
    func everyUsualFormIsRead(text: String) throws {
        let fingerprint = try #require(Fingerprint(parsing: text))
        #expect(fingerprint.hexadecimal == Self.hexadecimal)
        #expect(fingerprint.description == Self.colons)
        #expect(fingerprint.uppercase == Self.colons.uppercased())
        #expect(fingerprint.base64 == "sha256/" + Self.base64)
    }

    static let unreadable: [String] = [
        "", "sha256/", String(hexadecimal.dropLast()), hexadecimal + "0", String(hexadecimal.dropLast(2)), colons + ":",
        String(colons.dropLast(3)), colons.replacing(":", with: "-"), colons.replacing("ba:78", with: "b:a78"),
        hexadecimal.replacing("b", with: "g"), "sha1/\(base64)", "sha256/sha256/\(base64)", base64 + "=",
        String(base64.dropFirst(4)), "sha256/\(base64) \(base64)", "ü" + hexadecimal.dropFirst(2),
        String(repeating: "a", count: 100_000),
    ]

    @Test(arguments: unreadable)
    func anythingElseIsNone(text: String) {
        #expect(Fingerprint(parsing: text) == nil)
    }
}
