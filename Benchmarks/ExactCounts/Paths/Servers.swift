internal import EventLoops
internal import GRPCTransport
internal import Glibc
internal import HTTP2Engine
internal import NodeTransport

extension MeasuredPath {
    /// The server's part of a call: the client repeats bytes that were recorded, which costs next to nothing.
    static var servers: [MeasuredPath] {
        [1, 100].map { concurrency in
            MeasuredPath("grpc:server:64B:c\(concurrency)", passes: concurrency == 1 ? 2_000 : 10_000) { passes in
                try withSocketPath { path in
                    try SingleLoop.run { loops in
                        let server = try GRPCTransport(security: .plaintext, loops: loops)
                        _ = try await server.listen(
                            on: Endpoint(parsing: "unix://\(path)"), services: [EchoMethod.Service()])
                    }
                    let client = try RepeatingClient(path, concurrency: concurrency)
                    for _ in 0..<(passes / concurrency) { try client.call() }
                }
            }
        }
    }
}

/// A client of a gRPC server that sends the same requests again and again, and looks only whether the last answer has
/// come. It blocks.
private final class RepeatingClient {
    private let descriptor: Int32
    private var requests: StreamTemplate
    private var answers: [UInt8]
    private let concurrency: UInt32

    init(_ path: String, concurrency: Int) throws {
        self.concurrency = UInt32(concurrency)
        let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        self.descriptor = descriptor
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
        let code = withUnsafeBytes(of: &address) {
            connect(descriptor, $0.assumingMemoryBound(to: sockaddr.self).baseAddress, socklen_t($0.count))
        }
        guard code == 0 else { throw Unexpected("cannot connect: errno \(errno)") }

        // The first calls fill the tables of HPACK; the bytes of the last are the same from then on.
        let end = HTTP2End(.client)
        var sent: [UInt8] = []
        answers = []
        for round in 1...3 {
            for _ in 0..<concurrency { try end.call() }
            sent = end.output()
            answers = []
            try Self.send(sent, descriptor)
            while end.ended < round * concurrency {
                var room = [UInt8](repeating: 0, count: 65_536)
                let count = recv(descriptor, &room, room.count, 0)
                guard count > 0 else { throw Unexpected("the server has closed") }
                end.receive(Array(room[..<count]))
                answers += room[..<count]
                if let failure = end.failure { throw Unexpected(failure) }
            }
            // Only acknowledgements.
            if round < 3 { try Self.send(end.output(), descriptor) }
        }
        requests = try StreamTemplate(sent)
    }

    deinit { close(descriptor) }

    /// As many calls as there are to be under way, and their answers.
    func call() throws {
        requests.move(by: 2 * concurrency)
        try Self.send(requests.bytes, descriptor)
        let count = recv(descriptor, &answers, answers.count, Int32(MSG_WAITALL))
        // The last frame has to be trailers: HEADERS with END_STREAM and END_HEADERS.
        guard count == answers.count, answers.count > 10, answers[answers.count - 7] == 1,
            answers[answers.count - 6] == 5
        else { throw Unexpected("the answers are others than before") }
    }

    private static func send(_ bytes: [UInt8], _ descriptor: Int32) throws {
        guard !bytes.isEmpty else { return }
        guard Glibc.send(descriptor, bytes, bytes.count, Int32(MSG_NOSIGNAL)) == bytes.count else {
            throw Unexpected("sending failed: errno \(errno)")
        }
    }
}
