internal import TransportTLS

/// How connections are protected.
enum Protection: Sendable {
    /// Not at all.
    case plaintext
    /// Both sides prove who they are.
    case mutualTLS(CredentialFiles)

    /// An identity that `dagnode identity init` has made in `directory`.
    static func identity(_ name: String, in directory: String) -> Protection {
        .mutualTLS(
            CredentialFiles(
                identity: .certificate("\(directory)/\(name).pem", key: "\(directory)/\(name)-key.pem"),
                roots: "\(directory)/ca.pem"))
    }
}
