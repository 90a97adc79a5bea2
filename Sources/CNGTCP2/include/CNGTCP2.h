// ngtcp2 with GnuTLS for Swift: one connection and its TLS session behind functions that mean the same
// with ngtcp2 0.12 (Debian 12) and 1.x. No header of ngtcp2 or GnuTLS is visible from here.
#ifndef CNGTCP2_H
#define CNGTCP2_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// MARK: Values

/// A socket address: the bytes of a sockaddr_in or sockaddr_in6, zero where there are none.
typedef struct {
    uint64_t first, second, third;
    uint32_t fourth;
    uint32_t count;
} cngtcp2_address;

typedef struct {
    cngtcp2_address local, remote;
} cngtcp2_path;

/// A connection ID of up to 20 bytes, zero behind its end.
typedef struct {
    uint64_t first, second;
    uint32_t third;
    uint32_t count;
} cngtcp2_cid;

typedef struct {
    uint64_t first, second;
} cngtcp2_reset_token;

/// Bytes that belong to someone else.
typedef struct {
    const void *base;
    size_t count;
} cngtcp2_vector;

/// What a call of ngtcp2 has led to, independent of the version's numbers. Zero or more is a success.
enum {
    CNGTCP2_OK = 0,
    CNGTCP2_WRITE_MORE = -1,
    CNGTCP2_STREAM_BLOCKED = -2,
    CNGTCP2_STREAM_SHUT_WRITE = -3,
    CNGTCP2_STREAM_NOT_FOUND = -4,
    CNGTCP2_STREAM_ID_BLOCKED = -5,
    CNGTCP2_DRAINING = -6,
    CNGTCP2_CLOSING = -7,
    CNGTCP2_RETRY = -8,
    CNGTCP2_DROP = -9,
    CNGTCP2_IDLE_CLOSE = -10,
    CNGTCP2_HANDSHAKE_TIMEOUT = -11,
    CNGTCP2_CRYPTO = -12,
    CNGTCP2_VERSION_NEGOTIATION = -13,
    CNGTCP2_INVALID_ARGUMENT = -14,
    CNGTCP2_INVALID_STATE = -15,
    CNGTCP2_CONNECTION_ID_BLOCKED = -16,
    CNGTCP2_FAILED = -100,
};

// MARK: Credentials (credentials.c)

typedef struct cngtcp2_credentials cngtcp2_credentials;

typedef struct {
    bool is_server;
    /// DER, the leaf first; none for a client without a certificate.
    const cngtcp2_vector *chain;
    size_t chain_count;
    /// PKCS#8, DER, not encrypted.
    cngtcp2_vector key;
    const cngtcp2_vector *alpn;
    size_t alpn_count;
    /// Server: 0 no client certificate, 1 asked for, 2 required.
    int client_certificates;
    /// Server: tickets are issued and taken.
    bool issues_tickets;
    bool allows_early_data;
} cngtcp2_credentials_options;

/// NULL on failure, with what failed in `*what` (a static string) and GnuTLS's number in `*error`.
cngtcp2_credentials *cngtcp2_credentials_new(const cngtcp2_credentials_options *options, const char **what, int *error);
void cngtcp2_credentials_free(cngtcp2_credentials *credentials);
const char *cngtcp2_tls_error_text(int error);

// MARK: Connections (connection.c)

typedef struct cngtcp2_connection cngtcp2_connection;

/// Called from within calls on a connection; `context` is the connection's. None may call the connection
/// again, but for what reads from it.
typedef struct {
    void (*random)(void *context, uint8_t *bytes, size_t count);
    /// Judges the peer's certificates: -1 accepts, else the TLS alert to refuse with.
    int (*verify_peer)(void *context);
    void (*handshake_completed)(void *context);
    void (*handshake_confirmed)(void *context);
    void (*new_connection_id)(void *context, cngtcp2_cid *id, size_t count, cngtcp2_reset_token *token);
    void (*retire_connection_id)(void *context, cngtcp2_cid id);
    void (*peer_reset_token)(void *context, bool is_active, cngtcp2_reset_token token);
    void (*stateless_reset)(void *context);
    void (*path_validated)(void *context, const cngtcp2_path *path, bool is_valid);
    void (*key_updated)(void *context);
    void (*new_token)(void *context, const uint8_t *bytes, size_t count);
    void (*session_ticket)(void *context, const uint8_t *bytes, size_t count, bool allows_early_data);
    void (*early_data_rejected)(void *context);
    void (*qlog)(void *context, const uint8_t *bytes, size_t count, bool is_last);
    void (*stream_opened)(void *context, int64_t id);
    void (*stream_data)(
        void *context, void *stream, int64_t id, const uint8_t *bytes, size_t count, bool is_last, bool is_early);
    void (*stream_acknowledged)(void *context, void *stream, int64_t id, uint64_t count);
    void (*stream_reset)(void *context, void *stream, int64_t id, uint64_t code);
    void (*stream_closed)(void *context, void *stream, int64_t id, bool has_code, uint64_t code);
    void (*stream_credit)(void *context, void *stream, int64_t id);
    void (*more_streams)(void *context, bool is_bidirectional);
    void (*datagram)(void *context, const uint8_t *bytes, size_t count);
    void (*datagram_fate)(void *context, uint64_t id, bool is_lost);
} cngtcp2_handlers;

typedef struct {
    cngtcp2_cid destination_id, source_id;
    /// Server: the destination ID of the client's first packet.
    cngtcp2_cid original_destination_id;
    /// Server after Retry: the source ID that the Retry carried; empty otherwise.
    cngtcp2_cid retry_source_id;
    cngtcp2_reset_token reset_token;
    cngtcp2_path path;
    uint64_t now;
    /// Server: the token the client showed, and it was valid. Client: one that the server gave earlier.
    cngtcp2_vector token;
    bool is_token_of_retry;

    /// 0 Reno, 1 CUBIC, 2 BBR.
    int congestion_control;
    uint64_t initial_stream_window, initial_connection_window;
    uint64_t max_stream_window, max_connection_window;
    uint64_t max_streams_bidi, max_streams_uni;
    uint64_t idle_timeout, handshake_timeout, initial_rtt, max_ack_delay;
    uint64_t max_datagram_frame;
    uint64_t active_connection_ids;
    size_t max_udp_payload;
    bool has_path_mtu_discovery;
    bool is_migration_disabled;
    bool has_qlog;

    /// Client: the name for SNI, or NULL.
    const char *server_name;
    /// Client: what an earlier session left.
    cngtcp2_vector session, early_parameters;
} cngtcp2_options;

cngtcp2_connection *cngtcp2_connection_new(
    const cngtcp2_options *options, cngtcp2_credentials *credentials, const cngtcp2_handlers *handlers, void *context);
void cngtcp2_connection_free(cngtcp2_connection *connection);

int cngtcp2_read(
    cngtcp2_connection *connection, const cngtcp2_path *path, uint8_t ecn, const void *packet, size_t count,
    uint64_t now);

/// Where and how the packet that a write call has just written goes.
typedef struct {
    cngtcp2_path path;
    uint32_t ecn;
} cngtcp2_route;

/// Writes one packet, or adds to the one under way. `stream` -1 ends the packet that is under way.
/// `*accepted` is -1 when nothing of the stream was taken.
int64_t cngtcp2_write_stream(
    cngtcp2_connection *connection, cngtcp2_route *route, void *packet, size_t room, int64_t stream,
    const void *vectors, size_t vector_count, bool is_last, bool has_more, int64_t *accepted, uint64_t now);
int64_t cngtcp2_write_datagram(
    cngtcp2_connection *connection, cngtcp2_route *route, void *packet, size_t room, uint64_t id,
    const void *bytes, size_t count, bool *is_accepted, uint64_t now);

/// The packet that closes the connection: `kind` 0 transport code, 1 application code, 2 what the failed
/// call left, 3 TLS alert.
int64_t cngtcp2_write_close(
    cngtcp2_connection *connection, cngtcp2_route *route, void *packet, size_t room, int kind, uint64_t code,
    const uint8_t *reason, size_t reason_count, uint64_t now);

size_t cngtcp2_send_quantum(cngtcp2_connection *connection);
void cngtcp2_sent(cngtcp2_connection *connection, uint64_t now);
uint64_t cngtcp2_expiry(cngtcp2_connection *connection);
int cngtcp2_handle_expiry(cngtcp2_connection *connection, uint64_t now);
uint64_t cngtcp2_probe_timeout(cngtcp2_connection *connection);

int cngtcp2_open_stream(cngtcp2_connection *connection, bool is_bidirectional, int64_t *id);
void cngtcp2_set_stream_data(cngtcp2_connection *connection, int64_t id, void *stream);
int cngtcp2_reset_stream(cngtcp2_connection *connection, int64_t id, uint64_t code);
int cngtcp2_stop_sending(cngtcp2_connection *connection, int64_t id, uint64_t code);
/// Whether the stream's sending side is gone although this side did not end it: the peer asked to stop.
bool cngtcp2_is_stream_stopped(cngtcp2_connection *connection, int64_t id);
void cngtcp2_extend_stream(cngtcp2_connection *connection, int64_t id, uint64_t count);
void cngtcp2_extend_connection(cngtcp2_connection *connection, uint64_t count);
void cngtcp2_extend_max_streams(cngtcp2_connection *connection, bool is_bidirectional, size_t count);
/// How many packets with data of the stream were lost.
uint64_t cngtcp2_stream_losses(cngtcp2_connection *connection, int64_t id);
uint64_t cngtcp2_streams_left(cngtcp2_connection *connection, bool is_bidirectional);

int cngtcp2_migrate(cngtcp2_connection *connection, const cngtcp2_path *path, bool is_immediate, uint64_t now);
int cngtcp2_update_key(cngtcp2_connection *connection, uint64_t now);
void cngtcp2_set_keep_alive(cngtcp2_connection *connection, uint64_t interval);
bool cngtcp2_submit_token(cngtcp2_connection *connection, const uint8_t *token, size_t count);
void cngtcp2_current_path(cngtcp2_connection *connection, cngtcp2_path *path);
uint64_t cngtcp2_peer_max_datagram_frame(cngtcp2_connection *connection);
size_t cngtcp2_path_max_payload(cngtcp2_connection *connection);
bool cngtcp2_peer_first_reset_token(cngtcp2_connection *connection, cngtcp2_reset_token *token);

typedef struct {
    uint64_t latest_rtt, min_rtt, smoothed_rtt, rtt_variance;
    uint64_t congestion_window, slow_start_threshold, bytes_in_flight;
} cngtcp2_statistics;

void cngtcp2_get_statistics(cngtcp2_connection *connection, cngtcp2_statistics *statistics);

typedef struct {
    bool is_application;
    uint64_t code;
    const uint8_t *reason;
    size_t reason_count;
} cngtcp2_close;

/// What the peer gave as the reason of its close.
void cngtcp2_peer_close(cngtcp2_connection *connection, cngtcp2_close *close);
/// The transport error code for what the last failed call met, and the text for it.
uint64_t cngtcp2_failure_code(cngtcp2_connection *connection);
const char *cngtcp2_failure_text(cngtcp2_connection *connection);
/// The alert of the TLS engine, 0 if there is none.
uint8_t cngtcp2_tls_alert(cngtcp2_connection *connection);

/// The peer's certificates, DER, the leaf first; 0 behind the last.
size_t cngtcp2_peer_certificate(cngtcp2_connection *connection, size_t index, const uint8_t **bytes);
bool cngtcp2_is_resumed(cngtcp2_connection *connection);
bool cngtcp2_is_early_data_accepted(cngtcp2_connection *connection);
size_t cngtcp2_alpn(cngtcp2_connection *connection, const uint8_t **bytes);
size_t cngtcp2_server_name(cngtcp2_connection *connection, char *name, size_t room);
const char *cngtcp2_group_name(cngtcp2_connection *connection);
const char *cngtcp2_cipher_name(cngtcp2_connection *connection);
/// The parameters of the server that 0-RTT needs the next time; 0 if there are none.
size_t cngtcp2_early_parameters(cngtcp2_connection *connection, uint8_t *bytes, size_t room);

// MARK: Packets outside a connection (packet.c)

typedef struct {
    uint32_t version;
    bool is_long;
    cngtcp2_cid destination_id, source_id;
} cngtcp2_header;

/// Reads what every version has in common (RFC 8999). False when it cannot be a QUIC packet for us.
bool cngtcp2_decode_header(const uint8_t *packet, size_t count, size_t id_count, cngtcp2_header *header);

typedef struct {
    cngtcp2_cid destination_id, source_id;
    cngtcp2_vector token;
} cngtcp2_initial;

/// CNGTCP2_OK for an Initial packet that may begin a connection, CNGTCP2_RETRY for 0-RTT that came first.
int cngtcp2_decode_initial(const uint8_t *packet, size_t count, cngtcp2_initial *initial);

bool cngtcp2_is_retry_token(cngtcp2_vector token);
bool cngtcp2_verify_retry_token(
    cngtcp2_vector token, cngtcp2_vector secret, const cngtcp2_address *remote, cngtcp2_cid destination_id,
    uint64_t lifetime, uint64_t now, cngtcp2_cid *original_destination_id);
bool cngtcp2_verify_new_token(
    cngtcp2_vector token, cngtcp2_vector secret, const cngtcp2_address *remote, uint64_t lifetime, uint64_t now);
/// Room of at least 128 bytes; 0 on failure.
size_t cngtcp2_make_new_token(
    cngtcp2_vector secret, const cngtcp2_address *remote, uint64_t now, uint8_t *token, size_t room);

bool cngtcp2_make_reset_token(cngtcp2_vector secret, cngtcp2_cid id, cngtcp2_reset_token *token);

// Each writes one packet and answers its size, 0 on failure. `room` is at least 512.
size_t cngtcp2_write_version_negotiation(
    uint8_t *packet, size_t room, uint8_t random, const cngtcp2_header *received);
size_t cngtcp2_write_retry(
    uint8_t *packet, size_t room, cngtcp2_vector secret, const cngtcp2_address *remote,
    const cngtcp2_initial *initial, cngtcp2_cid retry_source_id, uint64_t now);
size_t cngtcp2_write_refusal(uint8_t *packet, size_t room, const cngtcp2_initial *initial, uint64_t code);
size_t cngtcp2_write_stateless_reset(
    uint8_t *packet, size_t room, cngtcp2_reset_token token, const uint8_t *random, size_t random_count);

/// An address from its text (without brackets); false when it is none.
bool cngtcp2_parse_address(const char *text, uint16_t port, cngtcp2_address *address);
/// Room of at least 64 bytes.
bool cngtcp2_format_address(const cngtcp2_address *address, char *text, size_t room);

const char *cngtcp2_library_version(void);

#endif
