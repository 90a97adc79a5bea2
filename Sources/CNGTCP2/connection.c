#include "connection.h"

static int result_of(cngtcp2_connection *connection, int result) {
    if (result >= 0) return CNGTCP2_OK;
    switch (result) {
    case NGTCP2_ERR_WRITE_MORE: return CNGTCP2_WRITE_MORE;
    case NGTCP2_ERR_STREAM_DATA_BLOCKED: return CNGTCP2_STREAM_BLOCKED;
    case NGTCP2_ERR_STREAM_SHUT_WR: return CNGTCP2_STREAM_SHUT_WRITE;
    case NGTCP2_ERR_STREAM_NOT_FOUND: return CNGTCP2_STREAM_NOT_FOUND;
    case NGTCP2_ERR_STREAM_ID_BLOCKED: return CNGTCP2_STREAM_ID_BLOCKED;
    case NGTCP2_ERR_INVALID_ARGUMENT: return CNGTCP2_INVALID_ARGUMENT;
    case NGTCP2_ERR_CONN_ID_BLOCKED: return CNGTCP2_CONNECTION_ID_BLOCKED;
    default: break;
    }
    connection->failure = result;
    switch (result) {
    case NGTCP2_ERR_INVALID_STATE: return CNGTCP2_INVALID_STATE;
    case NGTCP2_ERR_DRAINING: return CNGTCP2_DRAINING;
    case NGTCP2_ERR_CLOSING: return CNGTCP2_CLOSING;
    case NGTCP2_ERR_RETRY: return CNGTCP2_RETRY;
    case NGTCP2_ERR_DROP_CONN: return CNGTCP2_DROP;
    case NGTCP2_ERR_IDLE_CLOSE: return CNGTCP2_IDLE_CLOSE;
    case NGTCP2_ERR_HANDSHAKE_TIMEOUT: return CNGTCP2_HANDSHAKE_TIMEOUT;
    case NGTCP2_ERR_CRYPTO: return CNGTCP2_CRYPTO;
    case NGTCP2_ERR_RECV_VERSION_NEGOTIATION: return CNGTCP2_VERSION_NEGOTIATION;
    default: return CNGTCP2_FAILED;
    }
}

// MARK: Life

static void fill_settings(ngtcp2_settings *settings, const cngtcp2_options *options, cngtcp2_connection *connection) {
    static const ngtcp2_cc_algo algorithms[] = {NGTCP2_CC_ALGO_RENO, NGTCP2_CC_ALGO_CUBIC, NGTCP2_CC_ALGO_BBR};
    ngtcp2_settings_default(settings);
    settings->initial_ts = options->now;
    settings->cc_algo = algorithms[options->congestion_control];
    if (options->initial_rtt != 0) settings->initial_rtt = options->initial_rtt;
    settings->handshake_timeout = options->handshake_timeout;
    settings->max_window = options->max_connection_window;
    settings->max_stream_window = options->max_stream_window;
    settings->max_tx_udp_payload_size = options->max_udp_payload;
    settings->no_pmtud = !options->has_path_mtu_discovery;
    settings->rand_ctx.native_handle = connection;
#if IS_VERSION_1
    settings->token = options->token.base;
    settings->tokenlen = options->token.count;
    settings->token_type = options->token.count == 0 ? NGTCP2_TOKEN_TYPE_UNKNOWN
        : options->is_token_of_retry ? NGTCP2_TOKEN_TYPE_RETRY : NGTCP2_TOKEN_TYPE_NEW_TOKEN;
    if (options->has_qlog) settings->qlog_write = cngtcp2_qlog_write;
#else
    settings->token.base = (uint8_t *)options->token.base;
    settings->token.len = options->token.count;
    if (options->has_qlog) {
        settings->qlog.odcid = cid_of(
            connection->is_server ? options->original_destination_id : options->destination_id);
        settings->qlog.write = cngtcp2_qlog_write;
    }
#endif
}

static void fill_parameters(ngtcp2_transport_params *parameters, const cngtcp2_options *options, bool is_server) {
    ngtcp2_transport_params_default(parameters);
    parameters->initial_max_stream_data_bidi_local = options->initial_stream_window;
    parameters->initial_max_stream_data_bidi_remote = options->initial_stream_window;
    parameters->initial_max_stream_data_uni = options->initial_stream_window;
    parameters->initial_max_data = options->initial_connection_window;
    parameters->initial_max_streams_bidi = options->max_streams_bidi;
    parameters->initial_max_streams_uni = options->max_streams_uni;
    parameters->max_idle_timeout = options->idle_timeout;
    if (options->max_ack_delay != 0) parameters->max_ack_delay = options->max_ack_delay;
    parameters->max_datagram_frame_size = options->max_datagram_frame;
    parameters->active_connection_id_limit = options->active_connection_ids;
    parameters->disable_active_migration = options->is_migration_disabled;
    parameters->grease_quic_bit = 1;
    if (!is_server) return;
    parameters->original_dcid = cid_of(options->original_destination_id);
#if IS_VERSION_1
    parameters->original_dcid_present = 1;
#endif
    if (options->retry_source_id.count > 0) {
        parameters->retry_scid = cid_of(options->retry_source_id);
        parameters->retry_scid_present = 1;
    }
    parameters->stateless_reset_token_present = 1;
    memcpy(parameters->stateless_reset_token, &options->reset_token, NGTCP2_STATELESS_RESET_TOKENLEN);
}

static bool set_early_parameters(ngtcp2_conn *conn, cngtcp2_vector bytes) {
#if IS_VERSION_1
    return ngtcp2_conn_decode_and_set_0rtt_transport_params(conn, bytes.base, bytes.count) == 0;
#else
    ngtcp2_transport_params parameters;
    if (ngtcp2_decode_transport_params(
            &parameters, NGTCP2_TRANSPORT_PARAMS_TYPE_ENCRYPTED_EXTENSIONS, bytes.base, bytes.count) != 0) return false;
    ngtcp2_conn_set_early_remote_transport_params(conn, &parameters);
    return true;
#endif
}

cngtcp2_connection *cngtcp2_connection_new(
    const cngtcp2_options *options, cngtcp2_credentials *credentials, const cngtcp2_handlers *handlers, void *context
) {
    cngtcp2_connection *connection = calloc(1, sizeof *connection);
    if (connection == NULL) return NULL;
    connection->handlers = handlers;
    connection->context = context;
    connection->is_server = credentials->is_server;
    connection->issues_tickets = credentials->issues_tickets;
    ngtcp2_path_storage_zero(&connection->route);

    ngtcp2_callbacks callbacks;
    cngtcp2_fill_callbacks(&callbacks, connection->is_server);
    ngtcp2_settings settings;
    fill_settings(&settings, options, connection);
    ngtcp2_transport_params parameters;
    fill_parameters(&parameters, options, connection->is_server);
    ngtcp2_cid destination = cid_of(options->destination_id), source = cid_of(options->source_id);
    ngtcp2_path path = borrow_path(&options->path);
    const ngtcp2_mem *memory = cngtcp2_memory_start(&connection->memory);
    int result = connection->is_server
        ? ngtcp2_conn_server_new(&connection->conn, &destination, &source, &path, NGTCP2_PROTO_VER_V1, &callbacks,
                                 &settings, &parameters, memory, connection)
        : ngtcp2_conn_client_new(&connection->conn, &destination, &source, &path, NGTCP2_PROTO_VER_V1, &callbacks,
                                 &settings, &parameters, memory, connection);
    if (result != 0 || cngtcp2_session_start(connection, options, credentials) != 0) {
        cngtcp2_connection_free(connection);
        return NULL;
    }
    ngtcp2_conn_set_tls_native_handle(connection->conn, connection->session);
    if (options->early_parameters.count > 0) {
        connection->offers_early_data = set_early_parameters(connection->conn, options->early_parameters);
    }
    return connection;
}

void cngtcp2_connection_free(cngtcp2_connection *connection) {
    if (connection == NULL) return;
    // The keys of ngtcp2 first: they may refer to what the session owns.
    if (connection->conn != NULL) ngtcp2_conn_del(connection->conn);
    cngtcp2_memory_end(&connection->memory);
    if (connection->session != NULL) gnutls_deinit(connection->session);
    free(connection);
}

// MARK: Packets

int cngtcp2_read(
    cngtcp2_connection *connection, const cngtcp2_path *path, uint8_t ecn, const void *packet, size_t count,
    uint64_t now
) {
    ngtcp2_path borrowed = borrow_path(path);
    ngtcp2_pkt_info info;
    memset(&info, 0, sizeof info);
    info.ecn = ecn;
    int result = ngtcp2_conn_read_pkt(connection->conn, &borrowed, &info, packet, count, now);
    if (connection->is_session_over && connection->session != NULL) cngtcp2_session_release(connection);
    return result_of(connection, result);
}

static int64_t written(
    cngtcp2_connection *connection, cngtcp2_route *route, const ngtcp2_pkt_info *info, ngtcp2_ssize result
) {
    if (result < 0) return result_of(connection, (int)result);
    if (result > 0) {
        copy_path(&route->path, &connection->route.path);
        route->ecn = info->ecn;
    }
    return result;
}

int64_t cngtcp2_write_stream(
    cngtcp2_connection *connection, cngtcp2_route *route, void *packet, size_t room, int64_t stream,
    const void *vectors, size_t vector_count, bool is_last, bool has_more, int64_t *accepted, uint64_t now
) {
    ngtcp2_pkt_info info;
    memset(&info, 0, sizeof info);
    ngtcp2_ssize taken = -1;
    uint32_t flags = has_more ? NGTCP2_WRITE_STREAM_FLAG_MORE : NGTCP2_WRITE_STREAM_FLAG_NONE;
    if (is_last) flags |= NGTCP2_WRITE_STREAM_FLAG_FIN;
    ngtcp2_ssize result = ngtcp2_conn_writev_stream(
        connection->conn, &connection->route.path, &info, packet, room, &taken, flags, stream, vectors, vector_count,
        now);
    *accepted = taken;
    return written(connection, route, &info, result);
}

int64_t cngtcp2_write_datagram(
    cngtcp2_connection *connection, cngtcp2_route *route, void *packet, size_t room, uint64_t id,
    const void *bytes, size_t count, bool *is_accepted, uint64_t now
) {
    ngtcp2_pkt_info info;
    memset(&info, 0, sizeof info);
    ngtcp2_vec vector = {(uint8_t *)bytes, count};
    int accepted = 0;
    ngtcp2_ssize result = ngtcp2_conn_writev_datagram(
        connection->conn, &connection->route.path, &info, packet, room, &accepted, NGTCP2_WRITE_DATAGRAM_FLAG_MORE,
        id, &vector, 1, now);
    *is_accepted = accepted != 0;
    return written(connection, route, &info, result);
}

int64_t cngtcp2_write_close(
    cngtcp2_connection *connection, cngtcp2_route *route, void *packet, size_t room, int kind, uint64_t code,
    const uint8_t *reason, size_t reason_count, uint64_t now
) {
#if IS_VERSION_1
    ngtcp2_ccerr error;
    ngtcp2_ccerr_default(&error);
    switch (kind) {
    case 0: ngtcp2_ccerr_set_transport_error(&error, code, reason, reason_count); break;
    case 1: ngtcp2_ccerr_set_application_error(&error, code, reason, reason_count); break;
    case 3: ngtcp2_ccerr_set_tls_alert(&error, (uint8_t)code, reason, reason_count); break;
    default: ngtcp2_ccerr_set_liberr(&error, connection->failure, reason, reason_count); break;
    }
#else
    ngtcp2_connection_close_error error;
    ngtcp2_connection_close_error_default(&error);
    switch (kind) {
    case 0: ngtcp2_connection_close_error_set_transport_error(&error, code, reason, reason_count); break;
    case 1: ngtcp2_connection_close_error_set_application_error(&error, code, reason, reason_count); break;
    case 3:
        ngtcp2_connection_close_error_set_transport_error_tls_alert(&error, (uint8_t)code, reason, reason_count);
        break;
    default:
        ngtcp2_connection_close_error_set_transport_error_liberr(&error, connection->failure, reason, reason_count);
        break;
    }
#endif
    ngtcp2_pkt_info info;
    memset(&info, 0, sizeof info);
    return written(
        connection, route, &info,
        ngtcp2_conn_write_connection_close(
            connection->conn, &connection->route.path, &info, packet, room, &error, now));
}

size_t cngtcp2_send_quantum(cngtcp2_connection *connection) { return ngtcp2_conn_get_send_quantum(connection->conn); }
void cngtcp2_sent(cngtcp2_connection *connection, uint64_t now) {
    ngtcp2_conn_update_pkt_tx_time(connection->conn, now);
}
uint64_t cngtcp2_expiry(cngtcp2_connection *connection) { return ngtcp2_conn_get_expiry(connection->conn); }
int cngtcp2_handle_expiry(cngtcp2_connection *connection, uint64_t now) {
    return result_of(connection, ngtcp2_conn_handle_expiry(connection->conn, now));
}
uint64_t cngtcp2_probe_timeout(cngtcp2_connection *connection) { return ngtcp2_conn_get_pto(connection->conn); }

// MARK: Streams

int cngtcp2_open_stream(cngtcp2_connection *connection, bool is_bidirectional, int64_t *id) {
    return result_of(
        connection,
        is_bidirectional ? ngtcp2_conn_open_bidi_stream(connection->conn, id, NULL)
                         : ngtcp2_conn_open_uni_stream(connection->conn, id, NULL));
}

void cngtcp2_set_stream_data(cngtcp2_connection *connection, int64_t id, void *stream) {
    ngtcp2_conn_set_stream_user_data(connection->conn, id, stream);
}

int cngtcp2_reset_stream(cngtcp2_connection *connection, int64_t id, uint64_t code) {
#if IS_VERSION_1
    return result_of(connection, ngtcp2_conn_shutdown_stream_write(connection->conn, 0, id, code));
#else
    return result_of(connection, ngtcp2_conn_shutdown_stream_write(connection->conn, id, code));
#endif
}

int cngtcp2_stop_sending(cngtcp2_connection *connection, int64_t id, uint64_t code) {
#if IS_VERSION_1
    return result_of(connection, ngtcp2_conn_shutdown_stream_read(connection->conn, 0, id, code));
#else
    return result_of(connection, ngtcp2_conn_shutdown_stream_read(connection->conn, id, code));
#endif
}

bool cngtcp2_is_stream_stopped(cngtcp2_connection *connection, int64_t id) {
    // ngtcp2 tells nobody that STOP_SENDING came. A write longer than any stream can be is refused before
    // anything else happens, by one error when the stream may send and by another when it may not.
    static uint8_t nothing;
    ngtcp2_vec vector = {&nothing, SIZE_MAX};
    ngtcp2_ssize taken = -1;
    uint8_t packet[1];
    ngtcp2_ssize result = ngtcp2_conn_writev_stream(
        connection->conn, NULL, NULL, packet, 0, &taken, NGTCP2_WRITE_STREAM_FLAG_NONE, id, &vector, 1, 0);
    return result == NGTCP2_ERR_STREAM_SHUT_WR;
}

void cngtcp2_extend_stream(cngtcp2_connection *connection, int64_t id, uint64_t count) {
    (void)ngtcp2_conn_extend_max_stream_offset(connection->conn, id, count);
}
void cngtcp2_extend_connection(cngtcp2_connection *connection, uint64_t count) {
    ngtcp2_conn_extend_max_offset(connection->conn, count);
}
void cngtcp2_extend_max_streams(cngtcp2_connection *connection, bool is_bidirectional, size_t count) {
    if (is_bidirectional) {
        ngtcp2_conn_extend_max_streams_bidi(connection->conn, count);
    } else {
        ngtcp2_conn_extend_max_streams_uni(connection->conn, count);
    }
}
uint64_t cngtcp2_streams_left(cngtcp2_connection *connection, bool is_bidirectional) {
    return is_bidirectional ? ngtcp2_conn_get_streams_bidi_left(connection->conn)
                            : ngtcp2_conn_get_streams_uni_left(connection->conn);
}

uint64_t cngtcp2_stream_losses(cngtcp2_connection *connection, int64_t id) {
    return ngtcp2_conn_get_stream_loss_count(connection->conn, id);
}

// MARK: The connection

int cngtcp2_migrate(cngtcp2_connection *connection, const cngtcp2_path *path, bool is_immediate, uint64_t now) {
    if (connection->is_server) return CNGTCP2_INVALID_STATE;
    ngtcp2_path borrowed = borrow_path(path);
    return result_of(
        connection,
        is_immediate ? ngtcp2_conn_initiate_immediate_migration(connection->conn, &borrowed, now)
                     : ngtcp2_conn_initiate_migration(connection->conn, &borrowed, now));
}

int cngtcp2_update_key(cngtcp2_connection *connection, uint64_t now) {
    return result_of(connection, ngtcp2_conn_initiate_key_update(connection->conn, now));
}

void cngtcp2_set_keep_alive(cngtcp2_connection *connection, uint64_t interval) {
#if IS_VERSION_1
    if (interval == 0) interval = UINT64_MAX;
#endif
    ngtcp2_conn_set_keep_alive_timeout(connection->conn, interval);
}

bool cngtcp2_submit_token(cngtcp2_connection *connection, const uint8_t *token, size_t count) {
    return ngtcp2_conn_submit_new_token(connection->conn, token, count) == 0;
}

void cngtcp2_current_path(cngtcp2_connection *connection, cngtcp2_path *path) {
    copy_path(path, ngtcp2_conn_get_path(connection->conn));
}

uint64_t cngtcp2_peer_max_datagram_frame(cngtcp2_connection *connection) {
    const ngtcp2_transport_params *parameters = ngtcp2_conn_get_remote_transport_params(connection->conn);
    return parameters == NULL ? 0 : parameters->max_datagram_frame_size;
}

size_t cngtcp2_path_max_payload(cngtcp2_connection *connection) {
    return ngtcp2_conn_get_path_max_tx_udp_payload_size(connection->conn);
}

bool cngtcp2_peer_first_reset_token(cngtcp2_connection *connection, cngtcp2_reset_token *token) {
    const ngtcp2_transport_params *parameters = ngtcp2_conn_get_remote_transport_params(connection->conn);
    if (parameters == NULL || !parameters->stateless_reset_token_present) return false;
    memcpy(token, parameters->stateless_reset_token, sizeof *token);
    return true;
}

void cngtcp2_get_statistics(cngtcp2_connection *connection, cngtcp2_statistics *statistics) {
#if IS_VERSION_1
    ngtcp2_conn_info info;
    ngtcp2_conn_get_conn_info(connection->conn, &info);
#else
    ngtcp2_conn_stat info;
    ngtcp2_conn_get_conn_stat(connection->conn, &info);
#endif
    statistics->latest_rtt = info.latest_rtt;
    statistics->min_rtt = info.min_rtt;
    statistics->smoothed_rtt = info.smoothed_rtt;
    statistics->rtt_variance = info.rttvar;
    statistics->congestion_window = info.cwnd;
    statistics->slow_start_threshold = info.ssthresh;
    statistics->bytes_in_flight = info.bytes_in_flight;
}

void cngtcp2_peer_close(cngtcp2_connection *connection, cngtcp2_close *close) {
#if IS_VERSION_1
    const ngtcp2_ccerr *error = ngtcp2_conn_get_ccerr(connection->conn);
    close->is_application = error->type == NGTCP2_CCERR_TYPE_APPLICATION;
#else
    ngtcp2_connection_close_error copy, *error = &copy;
    ngtcp2_conn_get_connection_close_error(connection->conn, error);
    close->is_application = error->type == NGTCP2_CONNECTION_CLOSE_ERROR_CODE_TYPE_APPLICATION;
#endif
    close->code = error->error_code;
    close->reason = error->reason;
    close->reason_count = error->reasonlen;
}

uint64_t cngtcp2_failure_code(cngtcp2_connection *connection) {
    return ngtcp2_err_infer_quic_transport_error_code(connection->failure);
}
const char *cngtcp2_failure_text(cngtcp2_connection *connection) { return ngtcp2_strerror(connection->failure); }
uint8_t cngtcp2_tls_alert(cngtcp2_connection *connection) { return ngtcp2_conn_get_tls_alert(connection->conn); }

size_t cngtcp2_early_parameters(cngtcp2_connection *connection, uint8_t *bytes, size_t room) {
#if IS_VERSION_1
    ngtcp2_ssize count = ngtcp2_conn_encode_0rtt_transport_params(connection->conn, bytes, room);
#else
    const ngtcp2_transport_params *remote = ngtcp2_conn_get_remote_transport_params(connection->conn);
    if (remote == NULL) return 0;
    // Only what 0-RTT may remember (RFC 9000 §7.4.1).
    ngtcp2_transport_params kept;
    ngtcp2_transport_params_default(&kept);
    kept.initial_max_streams_bidi = remote->initial_max_streams_bidi;
    kept.initial_max_streams_uni = remote->initial_max_streams_uni;
    kept.initial_max_stream_data_bidi_local = remote->initial_max_stream_data_bidi_local;
    kept.initial_max_stream_data_bidi_remote = remote->initial_max_stream_data_bidi_remote;
    kept.initial_max_stream_data_uni = remote->initial_max_stream_data_uni;
    kept.initial_max_data = remote->initial_max_data;
    kept.active_connection_id_limit = remote->active_connection_id_limit;
    kept.max_datagram_frame_size = remote->max_datagram_frame_size;
    kept.disable_active_migration = remote->disable_active_migration;
    // The decoder insists on these two, nothing uses them.
    kept.original_dcid.datalen = kept.initial_scid.datalen = NGTCP2_MIN_INITIAL_DCIDLEN;
    ngtcp2_ssize count = ngtcp2_encode_transport_params(
        bytes, room, NGTCP2_TRANSPORT_PARAMS_TYPE_ENCRYPTED_EXTENSIONS, &kept);
#endif
    return count > 0 ? (size_t)count : 0;
}
