import GRPCTransport
import NodeTransport
import Testing
import TransportTLS

/// Two peers of which one refuses the other in the handshake.
struct RefusalCase: Sendable, CustomTestStringConvertible {
    enum Side: Sendable, CaseIterable { case client, server }

    typealias Security = @Sendable (Forge) throws -> GRPCTransport.Security

    let testDescription: String
    /// Who finds the fault; the other side learns it from the alert.
    let refuser: Side
    let code: TLSError.Code
    /// What the refuser says, all of it.
    let texts: [String]
    let alert: TLSAlert
    let client: Security
    let server: Security
    /// A client that the same listener serves; `nil` where the server's certificate is one that none can accept.
    var goodClient: Security? = good
    /// Whether who refuses would accept the good peer; not where it asks for a pin that this one lacks.
    var isJudgeNeutral = true

    static let good: Security = { try $0.good() }

    static let all = leaves + chains + algorithms + names + constraints + pins + otherClients

    /// What is wrong with a chain, and how that is told.
    struct Fault: Sendable {
        let code: TLSError.Code
        let texts: [String]
        let alert: TLSAlert

        /// - Parameters:
        ///   - certificate: The one that is blamed, by place and common name.
        ///   - reason: What is wrong with it.
        init(_ code: TLSError.Code, _ certificate: (Int, String), _ reason: String, alert: TLSAlert) {
            self.code = code
            texts = ["certificate \(certificate.0) (CN=\(certificate.1)): ", reason]
            self.alert = alert
        }

        init(_ code: TLSError.Code, saying text: String, alert: TLSAlert) {
            self.code = code
            texts = [text]
            self.alert = alert
        }
    }

    /// A chain that a server shows to a good client, and a client to a good server.
    static func shown(
        _ what: String, _ fault: Fault, by sides: [Side] = Side.allCases, isNameChecked: Bool = true,
        trusting roots: @escaping @Sendable (Forge) throws -> [KeyedCertificate] = { _ in [] },
        _ chain: @escaping @Sendable (Forge, Side) throws -> [KeyedCertificate]
    ) -> [RefusalCase] {
        sides.map { side in
            let bad: Security = { forge in
                let chain = try chain(forge, side)
                return forge.bad(try chain[0].unchecked(Array(chain.dropFirst())))
            }
            let judge: Security = { try $0.good(trusting: roots($0), isNameChecked: isNameChecked) }
            return RefusalCase(
                testDescription: "the \(side) shows \(what)", refuser: side == .server ? .client : .server,
                code: fault.code, texts: fault.texts, alert: fault.alert, client: side == .client ? bad : judge,
                server: side == .server ? bad : judge, goodClient: side == .server ? nil : good)
        }
    }

    private static let otherClients = [
        RefusalCase(
            testDescription: "the client shows no certificate", refuser: .server, code: .noCertificate,
            texts: ["the client sent no certificate"], alert: .certificateRequired,
            client: { .tls(TLSConfiguration(identity: nil, trust: $0.trust)) }, server: good)
    ]
}
