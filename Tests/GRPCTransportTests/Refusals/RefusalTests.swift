import ForeignPeers
import GRPCTransport
import NodeTransport
import Testing
import TransportTLS

/// Who is not accepted learns it when it connects, both sides say why, and the listener goes on.
@Suite(.timeLimit(.minutes(5)), .serialized) struct RefusalTests {
    @Test(arguments: RefusalCase.all)
    func `is refused by name on both sides`(_ bad: RefusalCase) async throws {
        // Making certificates takes time: keys, and thousands of bits of RSA.
        let (forge, server, client) = try await blocking {
            let forge = try Forge.shared
            return (forge, try bad.server(forge), try bad.client(forge))
        }
        try await RefusalRig.run(server) { rig in
            let atClient = try await rig.refusal(of: client)
            let atServer = try await rig.refusedHandshake()
            let (refuser, refused) = bad.refuser == .client ? (atClient, atServer) : (atServer, atClient)

            let cause = try #require(refuser.cause as? TLSError, "\(refuser)")
            #expect(refuser.code == .unauthenticated, "\(refuser)")
            #expect(cause.code == bad.code, "\(refuser)")
            for text in bad.texts { #expect(refuser.description.contains(text), "\(refuser)") }

            let told = try #require(refused.cause as? TLSError, "\(refused)")
            #expect(refused.code == .unauthenticated, "\(refused)")
            #expect(told.code == .peerAlert, "\(refused)")
            #expect(told.alert == bad.alert, "\(refused)")
            #expect(refused.description.contains("'\(bad.alert)'"), "\(refused)")

            #expect(atClient.processing == .notProcessed)
            let line = "unauthenticated: the TLS handshake failed (grpc://127.0.0.1:\(rig.port)): "
            #expect(atClient.description.hasPrefix(line), "\(atClient)")

            if let goodClient = bad.goodClient {
                try await rig.expectServed(goodClient(forge))
            } else {
                // None can be served here; the listener still answers, and the same client is served elsewhere.
                _ = try await rig.refusal(of: client)
                guard bad.isJudgeNeutral else { return }
                try await RefusalRig.run(forge.good()) { try await $0.expectServed(client) }
            }
        }
    }

    @Test func `there are as many cases as there are ways to go wrong`() {
        #expect(Set(RefusalCase.all.map(\.testDescription)).count == RefusalCase.all.count)
        #expect(RefusalCase.all.count >= 100)
    }

    @Test func `a plaintext client is told what may be wrong, the TLS server what is`() async throws {
        let forge = try Forge.shared
        try await RefusalRig.run(forge.good()) { rig in
            let atClient = try await rig.refusal(of: .plaintext)
            #expect(atClient.code == .unavailable)
            #expect(atClient.processing == .notProcessed)
            let hint = "before HTTP/2 had begun; it may be one that wants TLS"
            #expect(atClient.description.contains(hint), "\(atClient)")
            #expect(atClient.description.contains("grpc://127.0.0.1:\(rig.port)"), "\(atClient)")
            let atServer = try await rig.refusedHandshake()
            #expect(atServer.code == .unavailable)
            #expect((atServer.cause as? TLSError)?.code == .notTLS, "\(atServer)")
            #expect(atServer.description.contains("the client does not speak TLS"), "\(atServer)")
            try await rig.expectServed(forge.good())
        }
    }

    @Test func `a TLS client says that a plaintext server speaks no TLS`() async throws {
        let forge = try Forge.shared
        try await RefusalRig.run(.plaintext) { rig in
            let atClient = try await rig.refusal(of: forge.good())
            #expect(atClient.code == .unavailable, "\(atClient)")
            #expect(atClient.processing == .notProcessed)
            #expect((atClient.cause as? TLSError)?.code == .notTLS, "\(atClient)")
            #expect(atClient.description.contains("grpc://127.0.0.1:\(rig.port)"), "\(atClient)")
            let atServer = try await rig.refusedHandshake()
            #expect(atServer.description.contains("the client's connection preface is missing"), "\(atServer)")
            try await rig.expectServed(.plaintext)
        }
    }

    @Test func `nobody listens`() async throws {
        let free = try Endpoint(parsing: "grpc://127.0.0.1:\(freePort())")
        let client = try GRPCTransport(security: .plaintext)
        let error = await #expect(throws: TransportError.self) { try await client.connect(to: free) }
        #expect(error?.code == .unavailable)
        #expect(error?.processing == .notProcessed)
        #expect(error?.description == "unavailable: cannot connect: Connection refused (\(free))")
    }
}
