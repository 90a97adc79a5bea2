import NodeTransport
import Testing

@Suite("Methods and services")
struct MethodTests {
    private struct TestService: Service {
        var handlers: [MethodHandler] = []
        var datagramHandler: DatagramHandler?
    }

    private let one = Method<Unary, Bytes, Bytes>("a.One", "Do", request: .bytes, response: .bytes)
    private let two = Method<Bidirectional, Bytes, Bytes>("a.Two", "Do", request: .bytes, response: .bytes)

    @Test func namesHaveTwoParts() throws {
        let name = try MethodName(service: "dag.DAGService", method: "Submit")
        #expect(name.path == "/dag.DAGService/Submit")
        #expect(name.service == "dag.DAGService")
        #expect(name.method == "Submit")
        #expect(name == MethodName("dag.DAGService", "Submit"))
    }

    @Test(arguments: ["", "a/b", "a b", "ä", "a\n", "\u{7f}"])
    func badNamesAreRefused(_ part: String) {
        #expect(throws: TransportError.self) { try MethodName(service: part, method: "M") }
        #expect(throws: TransportError.self) { try MethodName(service: "s.S", method: part) }
    }

    @Test func shapesKnowTheirSides() {
        #expect(RPCShapeKind.allCases.filter(\.hasSingleRequest) == [.unary, .serverStream])
        #expect(RPCShapeKind.allCases.filter(\.hasSingleResponse) == [.unary, .clientStream])
        #expect([Unary.kind, ClientStream.kind, ServerStream.kind, Bidirectional.kind] == RPCShapeKind.allCases)
    }

    @Test func tablesFindHandlers() throws {
        let table = try ServiceTable([
            TestService(handlers: [one.handle { request, _ in request }]),
            TestService(handlers: [two.handle(on: .concurrent) { _, _, _ in }], datagramHandler: { _, _ in nil }),
        ])
        #expect(table.handler(forPath: "/a.One/Do")?.shape == .unary)
        #expect(table.handler(forPath: "/a.Two/Do")?.execution == .concurrent)
        #expect(table.handler(forPath: "/a.Two/Other") == nil)
        #expect(table.hasService("a.Two") && !table.hasService("a.Three"))
        #expect(table.datagramHandler != nil)
        #expect(table.handlers.count == 2)
    }

    @Test func twoHandlersOfOneMethodAreRefused() throws {
        let service = TestService(handlers: [one.handle { request, _ in request }])
        let error = try #require(throws: TransportError.self) { try ServiceTable([service, service]) }
        #expect(error.code == .alreadyExists)
        #expect(error.message.contains("/a.One/Do"))
        let datagrams = TestService(datagramHandler: { _, _ in nil })
        #expect(throws: TransportError.self) { try ServiceTable([datagrams, datagrams]) }
    }

    @Test func textThatIsNotUTF8IsRefused() {
        #expect(throws: TransportError.self) { try Codec.utf8.decode([0xff]) }
    }
}
