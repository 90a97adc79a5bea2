/// How connections are protected.
enum Protection: Sendable {
    /// Not at all.
    case plaintext
    /// Both sides prove who they are; the names of PEM files.
    case mutualTLS(certificate: String, key: String, authorities: String)

    /// An identity that `dagnode identity init` has made in `directory`.
    static func identity(_ name: String, in directory: String) -> Protection {
        .mutualTLS(
            certificate: "\(directory)/\(name).pem", key: "\(directory)/\(name)-key.pem",
            authorities: "\(directory)/ca.pem")
    }
}
