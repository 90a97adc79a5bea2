// The TLS session of a connection.
#include "connection.h"

static cngtcp2_connection *connection_of(gnutls_session_t session) {
    ngtcp2_crypto_conn_ref *reference = gnutls_session_get_ptr(session);
    return reference->user_data;
}

static ngtcp2_conn *conn_of(ngtcp2_crypto_conn_ref *reference) {
    return ((cngtcp2_connection *)reference->user_data)->conn;
}

static int verify(gnutls_session_t session) {
    cngtcp2_connection *self = connection_of(session);
    unsigned count = 0;
    // A client that was asked for a certificate, and not required to have one, may have none.
    if (gnutls_certificate_get_peers(session, &count) == NULL || count == 0) return self->is_server ? 0 : -1;
    return self->handlers->verify_peer(self->context) < 0 ? 0 : -1;
}

// Whether a NewSessionTicket (RFC 8446 §4.6.1) allows early data: GnuTLS does not tell the absence of the extension from the
// value that QUIC puts there.
static bool allows_early_data(const uint8_t *bytes, size_t count) {
    // Lifetime and ageing; then the nonce, the ticket and the extensions, each behind its length.
    size_t at = 8;
    if (count < at + 1) return false;
    at += 1 + bytes[at];
    if (count < at + 2) return false;
    at += 2 + ((size_t)bytes[at] << 8 | bytes[at + 1]);
    if (count < at + 2) return false;
    size_t end = at + 2 + ((size_t)bytes[at] << 8 | bytes[at + 1]);
    if (count < end) return false;
    for (at += 2; at + 4 <= end;) {
        size_t size = (size_t)bytes[at + 2] << 8 | bytes[at + 3];
        if (size > end - at - 4) return false;
        const uint8_t *value = bytes + at + 4;
        // RFC 9001 §4.6.1: the size is this one and no other.
        if (bytes[at] == 0 && bytes[at + 1] == 42) return size == 4 && memcmp(value, "\xff\xff\xff\xff", 4) == 0;
        at += 4 + size;
    }
    return false;
}

static int on_ticket(gnutls_session_t session, unsigned type, unsigned when, unsigned incoming,
                     const gnutls_datum_t *message) {
    (void)type;
    if (!incoming) return 0;
    cngtcp2_connection *self = connection_of(session);
    // GnuTLS eats the message up: it is whole only before, and what it left in the session is there only behind.
    if (when == GNUTLS_HOOK_PRE) {
        self->ticket_allows_early_data = message != NULL && allows_early_data(message->data, message->size);
        return 0;
    }
    gnutls_datum_t data = {NULL, 0};
    if (gnutls_session_get_data2(session, &data) == 0) {
        self->handlers->session_ticket(self->context, data.data, data.size, self->ticket_allows_early_data);
        gnutls_free(data.data);
    }
    return 0;
}

static bool is_ip_address(const char *name) {
    struct in6_addr any;
    return inet_pton(AF_INET, name, &any) == 1 || inet_pton(AF_INET6, name, &any) == 1;
}

static int start_server(gnutls_session_t session, cngtcp2_credentials *credentials) {
    static const gnutls_certificate_request_t requests[] = {
        GNUTLS_CERT_IGNORE, GNUTLS_CERT_REQUEST, GNUTLS_CERT_REQUIRE,
    };
    if (ngtcp2_crypto_gnutls_configure_server_session(session) != 0) return -1;
    gnutls_certificate_server_set_request(session, requests[credentials->client_certificates]);
    if (credentials->issues_tickets) {
        if (gnutls_session_ticket_enable_server(session, &credentials->ticket_key) != 0) return -1;
        if (credentials->anti_replay != NULL) {
            gnutls_anti_replay_enable(session, credentials->anti_replay);
            if (gnutls_record_set_max_early_data_size(session, 0xffffffff) != 0) return -1;
        }
    }
    return 0;
}

static int start_client(gnutls_session_t session, const cngtcp2_options *options) {
    if (ngtcp2_crypto_gnutls_configure_client_session(session) != 0) return -1;
    gnutls_handshake_set_hook_function(session, GNUTLS_HANDSHAKE_NEW_SESSION_TICKET, GNUTLS_HOOK_BOTH, on_ticket);
    const char *name = options->server_name;
    // RFC 6066 §3: no addresses in SNI.
    if (name != NULL && *name != 0 && !is_ip_address(name)
        && gnutls_server_name_set(session, GNUTLS_NAME_DNS, name, strlen(name)) != 0) return -1;
    // Session data that GnuTLS does not take leads to a full handshake.
    if (options->session.count > 0) {
        (void)gnutls_session_set_data(session, options->session.base, options->session.count);
    }
    return 0;
}

int cngtcp2_session_start(
    cngtcp2_connection *connection, const cngtcp2_options *options, cngtcp2_credentials *credentials
) {
    unsigned flags = credentials->is_server ? GNUTLS_SERVER | GNUTLS_NO_AUTO_SEND_TICKET : GNUTLS_CLIENT;
    flags |= GNUTLS_NO_END_OF_EARLY_DATA;
    if (!credentials->is_server && credentials->has_one_key_share) flags |= GNUTLS_KEY_SHARE_TOP;
    // A client must not offer what its ticket does not allow (RFC 8446 §4.2.10).
    bool has_early_data = credentials->is_server || options->early_parameters.count > 0;
    if (credentials->allows_early_data && has_early_data) flags |= GNUTLS_ENABLE_EARLY_DATA;
    if (credentials->is_server && !credentials->issues_tickets) flags |= GNUTLS_NO_TICKETS;
    if (gnutls_init(&connection->session, flags) != 0) return -1;
    gnutls_session_t session = connection->session;
    if (gnutls_priority_set(session, credentials->priority) != 0) return -1;
    if (gnutls_credentials_set(session, GNUTLS_CRD_CERTIFICATE, credentials->certificate) != 0) return -1;
    if (credentials->alpn_count > 0
        && gnutls_alpn_set_protocols(session, credentials->alpn, credentials->alpn_count, GNUTLS_ALPN_MANDATORY) != 0) {
        return -1;
    }
    connection->reference.get_conn = conn_of;
    connection->reference.user_data = connection;
    gnutls_session_set_ptr(session, &connection->reference);
    gnutls_session_set_verify_function(session, verify);
    gnutls_handshake_set_timeout(session, 0);
    return credentials->is_server ? start_server(session, credentials) : start_client(session, options);
}

// MARK: What the session knows

static size_t alpn_of(gnutls_session_t session, const uint8_t **bytes) {
    gnutls_datum_t protocol;
    if (gnutls_alpn_get_selected_protocol(session, &protocol) != 0) return 0;
    *bytes = protocol.data;
    return protocol.size;
}

static bool is_early_data_accepted(gnutls_session_t session) {
    return (gnutls_session_get_flags(session) & GNUTLS_SFLAGS_EARLY_DATA) != 0;
}

void cngtcp2_session_release(cngtcp2_connection *connection) {
    gnutls_session_t session = connection->session;
    cngtcp2_session_facts *facts = &connection->facts;
    facts->is_resumed = gnutls_session_is_resumed(session) != 0;
    facts->is_early_data_accepted = is_early_data_accepted(session);
    // Static strings.
    facts->group = gnutls_group_get_name(gnutls_group_get(session));
    facts->cipher = gnutls_cipher_get_name(gnutls_cipher_get(session));
    const uint8_t *alpn = NULL;
    size_t count = alpn_of(session, &alpn);
    if (count > 0 && count <= sizeof facts->alpn) {
        memcpy(facts->alpn, alpn, count);
        facts->alpn_count = (uint8_t)count;
    }
    // The packets' keys are ngtcp2's own, and so are those that come after them (RFC 9001 §6).
    ngtcp2_conn_set_tls_native_handle(connection->conn, NULL);
    gnutls_deinit(session);
    connection->session = NULL;
}

size_t cngtcp2_peer_certificate(cngtcp2_connection *connection, size_t index, const uint8_t **bytes) {
    if (connection->session == NULL) return 0;
    unsigned count = 0;
    const gnutls_datum_t *chain = gnutls_certificate_get_peers(connection->session, &count);
    if (chain == NULL || index >= count) return 0;
    *bytes = chain[index].data;
    return chain[index].size;
}

bool cngtcp2_is_resumed(cngtcp2_connection *connection) {
    if (connection->session == NULL) return connection->facts.is_resumed;
    return gnutls_session_is_resumed(connection->session) != 0;
}

bool cngtcp2_is_early_data_accepted(cngtcp2_connection *connection) {
    if (connection->session == NULL) return connection->facts.is_early_data_accepted;
    return is_early_data_accepted(connection->session);
}

size_t cngtcp2_alpn(cngtcp2_connection *connection, const uint8_t **bytes) {
    if (connection->session != NULL) return alpn_of(connection->session, bytes);
    *bytes = connection->facts.alpn;
    return connection->facts.alpn_count;
}

size_t cngtcp2_server_name(cngtcp2_connection *connection, char *name, size_t room) {
    if (connection->session == NULL) return 0;
    unsigned type = 0;
    if (gnutls_server_name_get(connection->session, name, &room, &type, 0) != 0 || type != GNUTLS_NAME_DNS) return 0;
    return strnlen(name, room);
}

const char *cngtcp2_group_name(cngtcp2_connection *connection) {
    if (connection->session == NULL) return connection->facts.group;
    return gnutls_group_get_name(gnutls_group_get(connection->session));
}

const char *cngtcp2_cipher_name(cngtcp2_connection *connection) {
    if (connection->session == NULL) return connection->facts.cipher;
    return gnutls_cipher_get_name(gnutls_cipher_get(connection->session));
}
