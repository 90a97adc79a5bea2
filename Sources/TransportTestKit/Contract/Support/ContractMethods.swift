internal import NodeTransport

/// The methods that cases serve, each with a handler of its own.
enum ContractMethods {
    static let unary = Method<Unary, Bytes, Bytes>("contract.Contract", "Unary", request: .bytes, response: .bytes)
    static let serverStream = Method<ServerStream, Bytes, Bytes>(
        "contract.Contract", "ServerStream", request: .bytes, response: .bytes)
    static let clientStream = Method<ClientStream, Bytes, Bytes>(
        "contract.Contract", "ClientStream", request: .bytes, response: .bytes)
    static let bidirectional = Method<Bidirectional, Bytes, Bytes>(
        "contract.Contract", "Bidirectional", request: .bytes, response: .bytes)
    /// A second unary method.
    static let ask = Method<Unary, String, String>("contract.Contract", "Ask", request: .utf8, response: .utf8)

    /// Answers with the request.
    static var echo: MethodHandler { unary.handle { request, _ in request } }

    /// Answers each request with itself.
    static var echoStream: MethodHandler {
        bidirectional.handle { requests, responses, _ in
            while let request = try await requests.next() { try await responses.send(request) }
        }
    }
}

/// A message of `count` bytes that are not all alike.
func pattern(_ count: Int) -> Bytes {
    var builder = BytesBuilder(capacity: count)
    let block = Bytes((0..<1021).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ 7) })
    while builder.count + block.count <= count { builder.append(block) }
    builder.append(block.slice(0..<(count - builder.count)))
    return builder.finish()
}

extension Bytes {
    /// The text in these bytes.
    var text: String { String(decoding: self, as: UTF8.self) }

    /// The decimal number in these bytes; -1 when there is none.
    var number: Int { Int(text) ?? -1 }

    init(number: Int) { self.init(utf8: String(number)) }
}
