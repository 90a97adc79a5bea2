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

static int on_ticket(gnutls_session_t session, unsigned type, unsigned when, unsigned incoming,
                     const gnutls_datum_t *message) {
    (void)type;
    (void)when;
    (void)message;
    if (!incoming) return 0;
    cngtcp2_connection *self = connection_of(session);
    gnutls_datum_t data = {NULL, 0};
    if (gnutls_session_get_data2(session, &data) == 0) {
        self->handlers->session_ticket(self->context, data.data, data.size);
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
    gnutls_handshake_set_hook_function(session, GNUTLS_HANDSHAKE_NEW_SESSION_TICKET, GNUTLS_HOOK_POST, on_ticket);
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
    if (credentials->allows_early_data) flags |= GNUTLS_ENABLE_EARLY_DATA;
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

size_t cngtcp2_peer_certificate(cngtcp2_connection *connection, size_t index, const uint8_t **bytes) {
    unsigned count = 0;
    const gnutls_datum_t *chain = gnutls_certificate_get_peers(connection->session, &count);
    if (chain == NULL || index >= count) return 0;
    *bytes = chain[index].data;
    return chain[index].size;
}

bool cngtcp2_is_resumed(cngtcp2_connection *connection) { return gnutls_session_is_resumed(connection->session) != 0; }

bool cngtcp2_is_early_data_accepted(cngtcp2_connection *connection) {
    return (gnutls_session_get_flags(connection->session) & GNUTLS_SFLAGS_EARLY_DATA) != 0;
}

size_t cngtcp2_alpn(cngtcp2_connection *connection, const uint8_t **bytes) {
    gnutls_datum_t protocol;
    if (gnutls_alpn_get_selected_protocol(connection->session, &protocol) != 0) return 0;
    *bytes = protocol.data;
    return protocol.size;
}

size_t cngtcp2_server_name(cngtcp2_connection *connection, char *name, size_t room) {
    unsigned type = 0;
    if (gnutls_server_name_get(connection->session, name, &room, &type, 0) != 0 || type != GNUTLS_NAME_DNS) return 0;
    return strnlen(name, room);
}

const char *cngtcp2_group_name(cngtcp2_connection *connection) {
    return gnutls_group_get_name(gnutls_group_get(connection->session));
}

const char *cngtcp2_cipher_name(cngtcp2_connection *connection) {
    return gnutls_cipher_get_name(gnutls_cipher_get(connection->session));
}
