internal import Foundation
internal import NodeTransport
public import TransactionSignatures

extension SigningKey {
    /// A node's key in `path`; a new Ed25519 key is made there, for its owner's eyes only, when there is none.
    ///
    /// The file is PKCS#8 in PEM and may hold a key of any algorithm. The 32 bytes of an Ed25519 key alone, as earlier
    /// versions wrote them, are read too.
    ///
    /// - Parameters:
    ///   - path: The file.
    ///   - onWarning: Told when others can read the file.
    /// - Throws: ``/NodeTransport/TransportError`` that names the file.
    public static func load(orCreate path: String, onWarning: (String) -> Void = { _ in }) throws -> SigningKey {
        do throws(SignatureError) {
            guard FileManager.default.fileExists(atPath: path) else {
                let key = SigningKey()
                try key.write(to: path)
                return key
            }
            if let data = FileManager.default.contents(atPath: path),
                data.count == SignatureAlgorithm.ed25519.seedByteCount
            {
                return try SigningKey(.ed25519, seed: Bytes(data))
            }
            return try SigningKey(file: path, onWarning: onWarning)
        } catch {
            let code: StatusCode = [.unreadable, .unwritable].contains(error.code) ? .unavailable : .dataLoss
            throw TransportError(code, "node key \(error)")
        }
    }
}
