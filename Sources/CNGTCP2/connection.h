#ifndef CNGTCP2_CONNECTION_H
#define CNGTCP2_CONNECTION_H

#include "memory.h"

typedef struct {
    bool is_resumed, is_early_data_accepted;
    uint8_t alpn_count;
    uint8_t alpn[255];
    const char *group, *cipher;
} cngtcp2_session_facts;

struct cngtcp2_connection {
    ngtcp2_conn *conn;
    /// NULL once the handshake is over, at a server: nothing of it is needed any more.
    gnutls_session_t session;
    /// The session goes as soon as no call is inside it.
    bool is_session_over;
    /// What is asked about the session when it is gone.
    cngtcp2_session_facts facts;
    ngtcp2_crypto_conn_ref reference;
    connection_memory memory;
    const cngtcp2_handlers *handlers;
    void *context;
    bool is_server;
    /// Server: the client may resume.
    bool issues_tickets;
    /// Client: streams may be opened before the server has answered.
    bool offers_early_data;
    /// Client: what the ticket that is being read says.
    bool ticket_allows_early_data;
    /// Of the peer's TLS message that is arriving: how much of its header came, and what is to come of the rest.
    uint8_t message_header_count;
    uint32_t message_left;
    /// What the last call that failed answered, in ngtcp2's numbers.
    int failure;
    /// Receives the path of each packet that is written; points into itself, so it stays here.
    ngtcp2_path_storage route;
};

/// The callbacks that every connection has (callbacks.c).
void cngtcp2_fill_callbacks(ngtcp2_callbacks *callbacks, bool is_server);
void cngtcp2_qlog_write(void *user_data, uint32_t flags, const void *data, size_t count);
void cngtcp2_random(uint8_t *bytes, size_t count, const ngtcp2_rand_ctx *context);
/// Begins the TLS session (session.c).
int cngtcp2_session_start(
    cngtcp2_connection *connection, const cngtcp2_options *options, cngtcp2_credentials *credentials);
/// Ends a session that is over, and remembers what may be asked about it.
void cngtcp2_session_release(cngtcp2_connection *connection);

#endif
