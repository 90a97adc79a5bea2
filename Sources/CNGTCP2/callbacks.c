// ngtcp2's callbacks: each one hands plain values on to the handlers of the connection.
#include "connection.h"

#if IS_VERSION_1
#define STREAM_DATA_FLAG_EARLY NGTCP2_STREAM_DATA_FLAG_0RTT
#define CRYPTO_LEVEL ngtcp2_encryption_level
#else
#define STREAM_DATA_FLAG_EARLY NGTCP2_STREAM_DATA_FLAG_EARLY
#define CRYPTO_LEVEL ngtcp2_crypto_level
#endif

#define SELF cngtcp2_connection *self = user_data
#define HAND(name, ...) self->handlers->name(self->context, ##__VA_ARGS__)

void cngtcp2_random(uint8_t *bytes, size_t count, const ngtcp2_rand_ctx *context) {
    cngtcp2_connection *self = context->native_handle;
    self->handlers->random(self->context, bytes, count);
}

void cngtcp2_qlog_write(void *user_data, uint32_t flags, const void *data, size_t count) {
    SELF;
    HAND(qlog, data, count, (flags & NGTCP2_QLOG_WRITE_FLAG_FIN) != 0);
}

static int on_handshake_completed(ngtcp2_conn *conn, void *user_data) {
    SELF;
    gnutls_datum_t protocol;
    if (gnutls_alpn_get_selected_protocol(self->session, &protocol) != 0) {
        // RFC 9001 §8.1: without a protocol both agree on, there is no connection.
        ngtcp2_conn_set_tls_alert(conn, GNUTLS_A_NO_APPLICATION_PROTOCOL);
        return NGTCP2_ERR_CRYPTO;
    }
    if (self->is_server) {
        if (self->issues_tickets) {
            // A ticket that cannot be sent is not a reason to end the connection.
            (void)gnutls_session_ticket_send(self->session, 1, 0);
        }
    } else if (self->offers_early_data && !(gnutls_session_get_flags(self->session) & GNUTLS_SFLAGS_EARLY_DATA)) {
#if IS_VERSION_1
        int result = ngtcp2_conn_tls_early_data_rejected(conn);
#else
        int result = ngtcp2_conn_early_data_rejected(conn);
#endif
        if (result != 0) return result;
    }
    HAND(handshake_completed);
    // A client's session goes on: it has tickets to read.
    self->is_session_over = self->is_server;
    return 0;
}

/// Follows the TLS messages in CRYPTO frames by their headers. False when there is one that QUIC forbids.
static bool follow_messages(cngtcp2_connection *self, bool is_completed, const uint8_t *data, size_t count) {
    enum { NEW_SESSION_TICKET = 4, KEY_UPDATE = 24, HEADER = 4 };
    while (count > 0) {
        if (self->message_header_count < HEADER) {
            // GnuTLS acts on a KeyUpdate, with keys that ngtcp2 does not expect, and ngtcp2 ends the process.
            if (self->message_header_count == 0 && *data == KEY_UPDATE) return false;
            if (self->message_header_count == 0 && is_completed && *data != NEW_SESSION_TICKET) return false;
            if (self->message_header_count > 0) self->message_left = self->message_left << 8 | *data;
            self->message_header_count++;
            data++;
            count--;
        } else {
            size_t step = count < self->message_left ? count : self->message_left;
            self->message_left -= (uint32_t)step;
            data += step;
            count -= step;
        }
        if (self->message_header_count == HEADER && self->message_left == 0) self->message_header_count = 0;
    }
    return true;
}

static int on_crypto_data(ngtcp2_conn *conn, CRYPTO_LEVEL level, uint64_t offset, const uint8_t *data, size_t count,
                          void *user_data) {
    SELF;
    bool is_completed = ngtcp2_conn_get_handshake_completed(conn) != 0;
    // From a client nothing comes behind its Finished; from a server tickets alone (RFC 9001 §4.4 and §6).
    bool is_allowed = !(self->is_server && is_completed) && self->session != NULL;
    if (!is_allowed || !follow_messages(self, is_completed, data, count)) {
        ngtcp2_conn_set_tls_alert(conn, GNUTLS_A_UNEXPECTED_MESSAGE);
        return NGTCP2_ERR_CRYPTO;
    }
    return ngtcp2_crypto_recv_crypto_data_cb(conn, level, offset, data, count, user_data);
}

static int on_handshake_confirmed(ngtcp2_conn *conn, void *user_data) {
    (void)conn;
    SELF;
    HAND(handshake_confirmed);
    return 0;
}

static int on_new_connection_id(ngtcp2_conn *conn, ngtcp2_cid *cid, uint8_t *token, size_t count, void *user_data) {
    (void)conn;
    SELF;
    cngtcp2_cid id;
    cngtcp2_reset_token reset_token;
    memset(&id, 0, sizeof id);
    memset(&reset_token, 0, sizeof reset_token);
    HAND(new_connection_id, &id, count, &reset_token);
    *cid = cid_of(id);
    memcpy(token, &reset_token, NGTCP2_STATELESS_RESET_TOKENLEN);
    return cid->datalen == count ? 0 : NGTCP2_ERR_CALLBACK_FAILURE;
}

static int on_remove_connection_id(ngtcp2_conn *conn, const ngtcp2_cid *cid, void *user_data) {
    (void)conn;
    SELF;
    HAND(retire_connection_id, cid_from(cid->data, cid->datalen));
    return 0;
}

#if IS_VERSION_1
static int on_dcid_status(ngtcp2_conn *conn, ngtcp2_connection_id_status_type type, uint64_t sequence,
                          const ngtcp2_cid *cid, const uint8_t *token, void *user_data) {
#else
static int on_dcid_status(ngtcp2_conn *conn, int type, uint64_t sequence, const ngtcp2_cid *cid,
                          const uint8_t *token, void *user_data) {
#endif
    (void)conn;
    (void)sequence;
    (void)cid;
    SELF;
    if (token != NULL) {
        cngtcp2_reset_token reset_token;
        memcpy(&reset_token, token, NGTCP2_STATELESS_RESET_TOKENLEN);
        HAND(peer_reset_token, type == NGTCP2_CONNECTION_ID_STATUS_TYPE_ACTIVATE, reset_token);
    }
    return 0;
}

static int on_stateless_reset(ngtcp2_conn *conn, const ngtcp2_pkt_stateless_reset *reset, void *user_data) {
    (void)conn;
    (void)reset;
    SELF;
    HAND(stateless_reset);
    return 0;
}

static void path_validated(cngtcp2_connection *self, const ngtcp2_path *path, ngtcp2_path_validation_result result) {
    if (result == NGTCP2_PATH_VALIDATION_RESULT_ABORTED) return;
    cngtcp2_path copy;
    copy_path(&copy, path);
    HAND(path_validated, &copy, result == NGTCP2_PATH_VALIDATION_RESULT_SUCCESS);
}

#if IS_VERSION_1
static int on_path_validation(ngtcp2_conn *conn, uint32_t flags, const ngtcp2_path *path, const ngtcp2_path *old,
                              ngtcp2_path_validation_result result, void *user_data) {
    (void)old;
#else
static int on_path_validation(ngtcp2_conn *conn, uint32_t flags, const ngtcp2_path *path,
                              ngtcp2_path_validation_result result, void *user_data) {
#endif
    (void)conn;
    (void)flags;
    SELF;
    path_validated(self, path, result);
    return 0;
}

static int on_update_key(
    ngtcp2_conn *conn, uint8_t *rx_secret, uint8_t *tx_secret, ngtcp2_crypto_aead_ctx *rx_context, uint8_t *rx_iv,
    ngtcp2_crypto_aead_ctx *tx_context, uint8_t *tx_iv, const uint8_t *current_rx_secret,
    const uint8_t *current_tx_secret, size_t count, void *user_data
) {
    SELF;
    HAND(key_updated);
    return ngtcp2_crypto_update_key_cb(
        conn, rx_secret, tx_secret, rx_context, rx_iv, tx_context, tx_iv, current_rx_secret, current_tx_secret, count,
        user_data);
}

#if IS_VERSION_1
static int on_new_token(ngtcp2_conn *conn, const uint8_t *token, size_t count, void *user_data) {
    (void)conn;
    SELF;
    HAND(new_token, token, count);
    return 0;
}
#else
static int on_new_token(ngtcp2_conn *conn, const ngtcp2_vec *token, void *user_data) {
    (void)conn;
    SELF;
    HAND(new_token, token->base, token->len);
    return 0;
}
#endif

static int on_early_data_rejected(ngtcp2_conn *conn, void *user_data) {
    (void)conn;
    SELF;
    HAND(early_data_rejected);
    return 0;
}

static int on_stream_open(ngtcp2_conn *conn, int64_t id, void *user_data) {
    (void)conn;
    SELF;
    HAND(stream_opened, id);
    return 0;
}

static int on_stream_data(ngtcp2_conn *conn, uint32_t flags, int64_t id, uint64_t offset, const uint8_t *data,
                          size_t count, void *user_data, void *stream) {
    (void)conn;
    (void)offset;
    SELF;
    HAND(stream_data, stream, id, data, count, (flags & NGTCP2_STREAM_DATA_FLAG_FIN) != 0,
         (flags & STREAM_DATA_FLAG_EARLY) != 0);
    return 0;
}

static int on_stream_acknowledged(ngtcp2_conn *conn, int64_t id, uint64_t offset, uint64_t count, void *user_data,
                                  void *stream) {
    (void)conn;
    (void)offset;
    SELF;
    HAND(stream_acknowledged, stream, id, count);
    return 0;
}

static int on_stream_reset(ngtcp2_conn *conn, int64_t id, uint64_t final_size, uint64_t code, void *user_data,
                           void *stream) {
    (void)conn;
    (void)final_size;
    SELF;
    HAND(stream_reset, stream, id, code);
    return 0;
}

static int on_stream_close(ngtcp2_conn *conn, uint32_t flags, int64_t id, uint64_t code, void *user_data,
                           void *stream) {
    (void)conn;
    SELF;
    HAND(stream_closed, stream, id, (flags & NGTCP2_STREAM_CLOSE_FLAG_APP_ERROR_CODE_SET) != 0, code);
    return 0;
}

static int on_stream_credit(ngtcp2_conn *conn, int64_t id, uint64_t limit, void *user_data, void *stream) {
    (void)conn;
    (void)limit;
    SELF;
    HAND(stream_credit, stream, id);
    return 0;
}

static int on_more_bidi(ngtcp2_conn *conn, uint64_t limit, void *user_data) {
    (void)conn;
    (void)limit;
    SELF;
    HAND(more_streams, true);
    return 0;
}

static int on_more_uni(ngtcp2_conn *conn, uint64_t limit, void *user_data) {
    (void)conn;
    (void)limit;
    SELF;
    HAND(more_streams, false);
    return 0;
}

static int on_datagram(ngtcp2_conn *conn, uint32_t flags, const uint8_t *data, size_t count, void *user_data) {
    (void)conn;
    (void)flags;
    SELF;
    HAND(datagram, data, count);
    return 0;
}

static int on_datagram_acknowledged(ngtcp2_conn *conn, uint64_t id, void *user_data) {
    (void)conn;
    SELF;
    HAND(datagram_fate, id, false);
    return 0;
}

static int on_datagram_lost(ngtcp2_conn *conn, uint64_t id, void *user_data) {
    (void)conn;
    SELF;
    HAND(datagram_fate, id, true);
    return 0;
}

void cngtcp2_fill_callbacks(ngtcp2_callbacks *callbacks, bool is_server) {
    memset(callbacks, 0, sizeof *callbacks);
    if (is_server) {
        callbacks->recv_client_initial = ngtcp2_crypto_recv_client_initial_cb;
    } else {
        callbacks->client_initial = ngtcp2_crypto_client_initial_cb;
        callbacks->recv_retry = ngtcp2_crypto_recv_retry_cb;
    }
    callbacks->recv_crypto_data = on_crypto_data;
    callbacks->encrypt = ngtcp2_crypto_encrypt_cb;
    callbacks->decrypt = ngtcp2_crypto_decrypt_cb;
    callbacks->hp_mask = ngtcp2_crypto_hp_mask_cb;
    callbacks->update_key = on_update_key;
    callbacks->delete_crypto_aead_ctx = ngtcp2_crypto_delete_crypto_aead_ctx_cb;
    callbacks->delete_crypto_cipher_ctx = ngtcp2_crypto_delete_crypto_cipher_ctx_cb;
    callbacks->get_path_challenge_data = ngtcp2_crypto_get_path_challenge_data_cb;
    callbacks->version_negotiation = ngtcp2_crypto_version_negotiation_cb;
    callbacks->rand = cngtcp2_random;

    callbacks->handshake_completed = on_handshake_completed;
    callbacks->handshake_confirmed = on_handshake_confirmed;
    callbacks->get_new_connection_id = on_new_connection_id;
    callbacks->remove_connection_id = on_remove_connection_id;
    callbacks->dcid_status = on_dcid_status;
    callbacks->recv_stateless_reset = on_stateless_reset;
    callbacks->path_validation = on_path_validation;
    callbacks->recv_new_token = on_new_token;
#if IS_VERSION_1
    callbacks->tls_early_data_rejected = on_early_data_rejected;
#else
    callbacks->early_data_rejected = on_early_data_rejected;
#endif

    callbacks->stream_open = on_stream_open;
    callbacks->recv_stream_data = on_stream_data;
    callbacks->acked_stream_data_offset = on_stream_acknowledged;
    callbacks->stream_reset = on_stream_reset;
    callbacks->stream_close = on_stream_close;
    callbacks->extend_max_stream_data = on_stream_credit;
    callbacks->extend_max_local_streams_bidi = on_more_bidi;
    callbacks->extend_max_local_streams_uni = on_more_uni;
    callbacks->recv_datagram = on_datagram;
    callbacks->ack_datagram = on_datagram_acknowledged;
    callbacks->lost_datagram = on_datagram_lost;
}
