import Foundation
import NodeTransport

/// The published vectors in the folder Vectors, whose README says where they are from.
enum Vectors {
    static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appending(path: "Vectors")

    static func read<File: Decodable>(_ name: String, as _: File.Type = File.self) throws -> File {
        try JSONDecoder().decode(File.self, from: Data(contentsOf: folder.appending(path: "\(name).json")))
    }
}

/// A file in the format of Wycheproof, as far as it is used.
struct WycheproofFile: Decodable {
    let testGroups: [Group]

    struct Group: Decodable {
        /// Either has one: plain for ML-DSA, in parts for Ed25519.
        let publicKey: PublicKey?
        let privateSeed: Hex?
        let privateKeyPkcs8: Hex?
        let tests: [Test]
    }

    struct Test: Decodable {
        let tcId: Int
        let comment: String
        let msg: Hex
        let ctx: Hex?
        let sig: Hex?
        let result: String

        var isValid: Bool { result == "valid" }
    }

    struct PublicKey: Decodable {
        let bytes: Bytes

        private enum CodingKeys: String, CodingKey { case pk }

        init(from decoder: any Decoder) throws {
            if let parts = try? decoder.container(keyedBy: CodingKeys.self) {
                bytes = try parts.decode(Hex.self, forKey: .pk).bytes
            } else {
                bytes = try Hex(from: decoder).bytes
            }
        }
    }
}

/// Bytes that are written as hexadecimal digits.
struct Hex: Decodable {
    let bytes: Bytes

    init(from decoder: any Decoder) throws {
        let text = try decoder.singleValueContainer().decode(String.self)
        guard let bytes = Bytes(hexadecimal: text) else {
            throw DecodingError.dataCorrupted(
                .init(codingPath: decoder.codingPath, debugDescription: "not hexadecimal"))
        }
        self.bytes = bytes
    }
}

extension Bytes {
    init?(hexadecimal text: String) {
        let digits = text.compactMap(\.hexDigitValue)
        guard digits.count == text.count, digits.count.isMultiple(of: 2) else { return nil }
        self.init(stride(from: 0, to: digits.count, by: 2).map { UInt8(digits[$0] << 4 | digits[$0 + 1]) })
    }

    var hexadecimal: String { map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined() }
}
