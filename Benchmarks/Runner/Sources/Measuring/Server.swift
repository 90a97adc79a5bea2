internal import Foundation

/// A contestant's server, started for one work.
final class Server {
    let child: Child
    let port: UInt16

    /// Starts it and waits until it listens, ten seconds at most.
    init(_ contestant: Contestant, wire: String, certificates: Certificates, folder: URL) throws {
        let child = try Child(
            contestant.program,
            [
                "serve", "--wire", wire, "--port", "0", "--cert", certificates.certificate, "--key", certificates.key,
                "--ca", certificates.authority,
            ], folder: folder, name: "server-\(contestant.name)")
        var port: UInt16?
        for _ in 0..<1000 where port == nil {
            let hasEnded = child.wait(seconds: 0.01) != nil
            port = ProgramLine.port(child.output)
            if hasEnded { break }
        }
        guard let port else {
            child.end()
            throw Failure("its server does not listen: \(child.complaint)")
        }
        (self.child, self.port) = (child, port)
    }

    var processorMicroseconds: Double? { ProcessStatus.processorMicroseconds(child.pid) }
    func kibibytes(_ name: String) -> Double? { ProcessStatus.kibibytes(name, of: child.pid) }
}
