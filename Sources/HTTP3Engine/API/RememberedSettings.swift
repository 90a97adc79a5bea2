/// A server's SETTINGS, kept for a later connection that begins with early data (RFC 9114 §7.2.4.2).
package struct RememberedSettings: Sendable, Hashable {
    let settings: Settings

    /// Whether a server that took the early data may say `now`: nothing less than what the client went by.
    func check(_ now: Settings) throws(HTTP3Error) {
        // RFC 9204 §3.2.3: another size of the table is out of the question once one was given.
        let isTableKept = settings.dynamicTableBytes == 0 || now.dynamicTableBytes == settings.dynamicTableBytes
        guard isTableKept, now.blockedStreams >= settings.blockedStreams,
            now.maxFieldSectionBytes >= settings.maxFieldSectionBytes,
            // RFC 9297 §2.1.1.
            now.allowsDatagrams || !settings.allowsDatagrams
        else {
            throw HTTP3Error(.settingsError, "the server took early data and allows less than it did before")
        }
    }
}

extension HTTP3Connection {
    /// What the server has said, to be kept; nil before it has.
    package var settingsToRemember: RememberedSettings? {
        hasReceivedSettings ? RememberedSettings(settings: peerSettings) : nil
    }

    /// Client: goes by what the server said on an earlier connection, until it speaks. What it says must then allow as
    /// much, or the connection fails; where the early data was refused, another value takes this one's place.
    ///
    /// The dynamic table stays empty until then: an encoder need not use what it is allowed.
    package mutating func assume(_ remembered: RememberedSettings) {
        guard role == .client, !hasReceivedSettings else { return }
        peerSettings = remembered.settings
        assumed = remembered
    }
}
