internal import NodeTransport
internal import SwiftASN1

/// The outer form of a key: DER, or DER in a PEM block (RFC 7468).
enum KeyText {
    static let privateKeyLabel = "PRIVATE KEY"
    static let publicKeyLabel = "PUBLIC KEY"

    /// Parses the one key in `contents`.
    ///
    /// - Parameters:
    ///   - contents: DER, or PEM with one block of that label; blocks of other kinds are passed over.
    ///   - label: The label of the PEM block that is looked for.
    ///   - source: What errors call the contents.
    ///   - body: Makes the key; what it throws gets the name of the source.
    static func parse<Key: DERParseable, Result>(
        _ contents: Bytes, as _: Key.Type, label: String, source: String, _ body: (Key) throws -> Result
    ) throws(SignatureError) -> Result {
        do {
            return try body(Key(derEncoded: der(in: contents, label: label)))
        } catch var error as SignatureError {
            error.file = source
            throw error
        } catch {
            // The text of that error may repeat a part of the key.
            throw SignatureError(.malformedKey, "is not a \(label.lowercased()) that can be read", file: source)
        }
    }

    /// The textual form, which ends with a line feed.
    static func pem(_ label: String, _ der: [UInt8]) -> Bytes {
        Bytes(utf8: PEMDocument(type: label, derBytes: der).pemString + "\n")
    }

    /// The DER of what cannot fail to be encoded: sequences, octets and identifiers that are constants.
    static func der(_ value: some DERSerializable) -> [UInt8] {
        var serializer = DER.Serializer()
        do {
            try serializer.serialize(value)
        } catch {
            assertionFailure("a key could not be encoded")
            return []
        }
        return serializer.serializedBytes
    }

    private static func der(in contents: Bytes, label: String) throws(SignatureError) -> [UInt8] {
        // The tag of a SEQUENCE, which is also the digit 0.
        if contents.first == 0x30, contents.firstRange(of: "-----BEGIN ".utf8) == nil { return Array(contents) }
        guard let text = String(validating: contents, as: UTF8.self) else {
            throw SignatureError(.malformedPEM, "is neither PEM nor DER")
        }
        guard let blocks = try? PEMDocument.parseMultiple(pemString: text) else {
            throw SignatureError(.malformedPEM, "has a PEM block that is cut short or not base64")
        }
        let wanted = blocks.filter { $0.discriminator == label }
        guard let block = wanted.first else { throw missing(label, among: blocks.map(\.discriminator)) }
        guard wanted.count == 1 else {
            throw SignatureError(.wrongBlockType, "has \(wanted.count) \(label) blocks instead of one")
        }
        return block.derBytes
    }

    private static func missing(_ label: String, among labels: [String]) -> SignatureError {
        guard !labels.isEmpty else { return SignatureError(.malformedPEM, "has no PEM block") }
        if labels.contains("ENCRYPTED PRIVATE KEY") {
            return SignatureError(.encryptedKey, "is encrypted, which signing keys may not be")
        }
        let known = Set(labels).sorted().prefix(4).map { label in
            label.utf8.count <= 40 && label.utf8.allSatisfy { (0x20...0x7e).contains($0) } ? label : "(odd)"
        }
        return SignatureError(.wrongBlockType, "has no \(label) block, only \(known.joined(separator: ", "))")
    }
}
