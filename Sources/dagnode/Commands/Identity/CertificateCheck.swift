internal import NodeTransport
internal import TransportTLS

/// What `dagnode identity check` does.
struct CertificateCheck {
    let file: String
    let keyFile: String?
    let authorityFile: String?
    /// A host name or address.
    let name: String?
    let warningDays: Int
    let criticalDays: Int

    /// How bad it is, with the exit codes of monitoring plugins.
    enum State: Int32 {
        case fine = 0
        case warning = 1
        case critical = 2
        case unknown = 3

        var label: String {
            switch self {
            case .fine: "OK"
            case .warning: "WARNING"
            case .critical: "CRITICAL"
            case .unknown: "UNKNOWN"
            }
        }
    }

    struct Finding {
        let state: State
        let text: String
        /// For graphs; `nil` when it is not known.
        var daysLeft: (days: Int, warning: Int, critical: Int)?

        var line: String {
            let text = text.split(whereSeparator: \.isNewline).joined(separator: " ")
                // A bar would begin the figures.
                .replacing("|", with: "/")
            let figures = daysLeft.map { " | days_left=\($0.days);\($0.warning):;\($0.critical):" } ?? ""
            return "\(state.label): \(text)\(figures)"
        }
    }

    func run(at now: WallTime) -> Finding {
        do throws(TLSError) {
            let subject = try subject(at: now)
            let roots = try roots(for: subject.chain, at: now)
            if let name, authorityFile == nil, !subject.leaf.isFor(host: name) {
                let names = subject.leaf.names.map(\.description).joined(separator: ", ")
                throw TLSError(
                    .nameMismatch,
                    "certificate \(subject.leaf.subject) is for \(names.isEmpty ? "no name" : names), "
                        + "not for \(name)", file: file)
            }
            return judge(subject.chain + roots, leaf: subject.leaf, warnings: subject.warnings, at: now)
        } catch {
            let isUnknown = [.unreadable, .encryptedKey, .internalFailure].contains(error.code)
            return Finding(state: isUnknown ? .unknown : .critical, text: "\(error)")
        }
    }

    /// The certificate, those between it and an authority, and what is to be said of the key's file.
    private func subject(
        at now: WallTime
    ) throws(TLSError) -> (leaf: CertificateSummary, chain: [CertificateSummary], warnings: [String]) {
        let all = try CertificateSummary.all(file: file)
        guard let keyFile else { return (all[0], all, []) }
        // The time is judged afterwards, with a text of its own: any time at which the chain was valid will do here.
        let past = all.map(\.notBefore).max() ?? now
        let future = all.map(\.notAfter).min() ?? now
        let identity = try Identity(certificateFile: file, keyFile: keyFile, now: min(max(now, past), future))
        let chain = identity.chain.compactMap { der in all.first { $0.der == der } }
        return (chain.first ?? all[0], chain, identity.warnings)
    }

    /// The authority that vouches for `chain`.
    private func roots(
        for chain: [CertificateSummary], at now: WallTime
    ) throws(TLSError) -> [CertificateSummary] {
        guard let authorityFile else { return [] }
        let verifier = try CertificateVerifier(trust: .roots(file: authorityFile))
        let presented = chain.map(\.der)
        let expectedName = name.map(ExpectedName.init)
        let validated: PeerIdentity
        do throws(TLSError) {
            validated =
                try verifier.verify(chain: presented, of: .server, expectedName: expectedName, now: now).peer
        } catch {
            // A client's certificate is as good, where no name is asked for.
            guard error.code == .wrongPurpose, name == nil else { throw error.in(file) }
            do throws(TLSError) {
                validated = try verifier.verify(chain: presented, of: .client, expectedName: nil, now: now).peer
            } catch {
                throw error.in(file)
            }
        }
        return try CertificateSummary.all(file: authorityFile).filter { validated.chain.contains($0.der) }
    }

    private func judge(
        _ certificates: [CertificateSummary], leaf: CertificateSummary, warnings: [String], at now: WallTime
    ) -> Finding {
        // The one that ends first, and of several the one that comes first.
        let first = certificates.reduce(leaf) { $1.notAfter < $0.notAfter ? $1 : $0 }
        let days = first.daysLeft(at: now)
        let figures = (days, warningDays, criticalDays)
        func finding(_ state: State, _ text: String) -> Finding {
            Finding(state: state, text: "\(file): \(text)", daysLeft: figures)
        }
        if now > first.notAfter {
            return finding(.critical, "certificate \(first.subject) expired on \(first.notAfter)")
        }
        if let early = certificates.first(where: { now < $0.notBefore }) {
            return finding(.critical, "certificate \(early.subject) is not valid before \(early.notBefore)")
        }
        let text =
            "certificate \(first.subject) is valid until \(first.notAfter), \(days) \(days == 1 ? "day" : "days")"
        if days < criticalDays { return finding(.critical, text) }
        if days < warningDays { return finding(.warning, text) }
        if let warning = warnings.first { return finding(.warning, "\(text); \(warning)") }
        return finding(.fine, text)
    }
}

extension TLSError {
    /// The same with the file, for errors of a chain that name none.
    fileprivate func `in`(_ file: String) -> TLSError {
        var copy = self
        copy.file = copy.file ?? file
        return copy
    }
}
