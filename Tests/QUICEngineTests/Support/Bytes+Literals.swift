package import NodeTransport

extension Bytes: ExpressibleByUnicodeScalarLiteral, ExpressibleByExtendedGraphemeClusterLiteral,
    ExpressibleByStringLiteral
{
    package init(stringLiteral text: String) { self.init(utf8: text) }
}

extension Bytes {
    /// So many times the same.
    init(repeating byte: UInt8, count: Int) { self.init([UInt8](repeating: byte, count: count)) }
}
