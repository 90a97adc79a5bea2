import Foundation
import Testing

@Suite("The command line", .timeLimit(.minutes(5)))
struct CommandLineTests {
    /// Wrong usage: one line, and the exit code that sysexits.h has for it.
    @Test(arguments: [
        ["--bogus"], ["bogus"], ["serve", "--bogus"], ["serve"],
        ["serve", "--plaintext", "--name", "a", "--data", "/tmp/x", "--listen", "bogus://127.0.0.1:1"],
        ["serve", "--plaintext", "--name", "a", "--data", "/tmp/x", "--listen", "grpc://127.0.0.1:99999"],
        ["serve", "--plaintext", "--ca", "x", "--name", "a", "--data", "/tmp/x", "--listen", "grpc://127.0.0.1:0"],
        ["serve", "--name", "a", "--data", "/tmp/x", "--listen", "grpc://127.0.0.1:0"],
        ["serve", "--plaintext", "--data", "/tmp/x", "--listen", "grpc://127.0.0.1:0"],
        ["serve", "--plaintext", "--name", "a b", "--data", "/tmp/x", "--listen", "grpc://127.0.0.1:0"],
        ["submit", "--plaintext", "--to", "grpc://127.0.0.1:1", "/does/not/exist"],
        ["submit", "--plaintext", "--to", "grpc://127.0.0.1:1", "--chunk", "0", "/etc/hostname"],
        ["demo", "--transport", "pigeon", "/etc/hostname"], ["demo", "/does/not/exist"],
    ])
    func `Wrong usage is one line`(arguments: [String]) async throws {
        let result = try await Program.start(arguments).result()
        #expect(result.exitCode == 64)
        #expect(result.errorLines.count == 1, "\(result.error)")
        #expect(result.error.hasPrefix("dagnode: "))
        #expect(result.output.isEmpty)
    }

    @Test func `Help and version are no failures`() async throws {
        for arguments in [["--help"], ["serve", "--help"], ["identity", "init", "--help"], ["--version"]] {
            let result = try await Program.start(arguments).result()
            #expect(result.exitCode == 0)
            #expect(result.error.isEmpty)
            #expect(!result.output.isEmpty)
        }
    }

    @Test func `A node that nobody runs is reported in one line`() async throws {
        let result = try await Program.run("status", "--plaintext", "--to", "grpc://127.0.0.1:1")
        #expect(result.exitCode == 1)
        #expect(result.errorLines.count == 1)
        #expect(result.error.contains("grpc://127.0.0.1:1"))
    }

    @Test func `An unreadable database is reported in one line`() async throws {
        let folder = try Folder()
        let path = try folder.write("ledger.sqlite", Data(repeating: 1, count: 10_000))
        let result = try await Program.run(
            "serve", "--plaintext", "--name", "a", "--data", folder.path, "--listen", "grpc://127.0.0.1:0")
        #expect(result.exitCode == 1)
        #expect(result.error == "dagnode: database \(path): file is not a database\n")
        #expect(result.output.isEmpty)
    }

    @Test func `A port and a database in use are reported in one line`() async throws {
        let (first, second) = (try Folder(), try Folder())
        let node = try Program.start([
            "serve", "--plaintext", "--name", "a", "--data", first.path, "--listen", "grpc://127.0.0.1:0",
            "--stop-with-input",
        ])
        let endpoint = try #require(await node.line(beginningWith: "LISTENING "))
        let port = try await Program.run(
            "serve", "--plaintext", "--name", "b", "--data", second.path, "--listen", endpoint)
        #expect(port.exitCode == 1)
        #expect(port.errorLines.count == 1)
        #expect(port.error.contains(endpoint) && port.error.lowercased().contains("in use"), "\(port.error)")
        let data = try await Program.run(
            "serve", "--plaintext", "--name", "b", "--data", first.path, "--listen", "grpc://127.0.0.1:0")
        #expect(data.exitCode == 1)
        #expect(data.error == "dagnode: cannot lock \(first.path)/lock: another process has it open\n")
        node.send(SIGTERM)
        #expect(try await node.result().exitCode == 0)
    }

    @Test func `An identity's keys are for its owner only`() async throws {
        let folder = try Folder()
        let result = try await Program.run("identity", "init", "--directory", folder.path, "--name", "a", "--json")
        #expect(result.exitCode == 0)
        for (file, mode) in [("ca.pem", 0o644), ("ca-key.pem", 0o600), ("a.pem", 0o644), ("a-key.pem", 0o600)] {
            let attributes = try FileManager.default.attributesOfItem(atPath: "\(folder.path)/\(file)")
            #expect(attributes[.posixPermissions] as? Int == mode, "\(file)")
        }
        let again = try await Program.run("identity", "init", "--directory", folder.path, "--name", "a")
        #expect(again.exitCode == 1)
        #expect(again.errorLines.count == 1)
        #expect(again.error.contains("a-key.pem"))
    }
}
