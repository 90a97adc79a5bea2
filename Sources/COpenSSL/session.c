#include "COpenSSL.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/tls1.h>

/// An output buffer larger than this is given back as soon as it is drained.
enum { kept_output_capacity = 64 * 1024 };

// MARK: Buffers

/// Makes room for `more` bytes behind `*end`, moving what is left to the front or growing.
static bool buffer_reserve(uint8_t **bytes, size_t *start, size_t *end, size_t *capacity, size_t more) {
    if (*capacity - *end >= more) return true;
    size_t used = *end - *start;
    if (more > SIZE_MAX / 4 - used) return false;
    // Move only when that frees at least half, so that the cost of moving stays linear.
    if (*capacity - used >= more && *start >= *capacity / 2) {
        memmove(*bytes, *bytes + *start, used);
    } else {
        size_t larger = *capacity < 1024 ? 1024 : *capacity;
        while (larger - used < more) larger *= 2;
        uint8_t *moved = malloc(larger);
        if (moved == NULL) return false;
        if (used > 0) memcpy(moved, *bytes + *start, used);
        free(*bytes);
        *bytes = moved;
        *capacity = larger;
    }
    *start = 0;
    *end = used;
    return true;
}

void copenssl_io_lend(copenssl_io *io, const uint8_t *bytes, size_t count) {
    io->input = bytes;
    io->input_count = count;
}

bool copenssl_io_reclaim(copenssl_io *io) {
    size_t rest = io->input_count;
    bool is_kept = true;
    if (rest > 0) {
        is_kept = buffer_reserve(&io->pending, &io->pending_start, &io->pending_end, &io->pending_capacity, rest);
        if (is_kept) {
            memcpy(io->pending + io->pending_end, io->input, rest);
            io->pending_end += rest;
        }
    }
    io->input = NULL;
    io->input_count = 0;
    return is_kept;
}

bool copenssl_io_reserve(copenssl_io *io, size_t plaintext_count) {
    // A record holds 16 KiB and adds at most 5 bytes of header, 1 of type, 16 of tag, and 24 in TLS 1.2.
    size_t records = plaintext_count / SSL3_RT_MAX_PLAIN_LENGTH + 1;
    if (plaintext_count > SIZE_MAX / 8) return false;
    size_t count = plaintext_count + records * 64;
    return buffer_reserve(&io->output, &io->output_start, &io->output_end, &io->output_capacity, count);
}

void copenssl_io_consume(copenssl_io *io, size_t count) {
    size_t held = io->output_end - io->output_start;
    io->output_start += count < held ? count : held;
    if (io->output_start < io->output_end) return;
    io->output_start = io->output_end = 0;
    if (io->output_capacity > kept_output_capacity) {
        free(io->output);
        io->output = NULL;
        io->output_capacity = 0;
    }
}

void copenssl_io_release(copenssl_io *io) {
    if (io->output_start == io->output_end) {
        free(io->output);
        io->output = NULL;
        io->output_start = io->output_end = io->output_capacity = 0;
    }
    if (io->pending_start == io->pending_end) {
        free(io->pending);
        io->pending = NULL;
        io->pending_start = io->pending_end = io->pending_capacity = 0;
    }
}

// MARK: The BIO over those buffers

static size_t take(const uint8_t *from, size_t held, char **into, size_t *room) {
    size_t count = held < *room ? held : *room;
    if (count > 0) memcpy(*into, from, count);
    *into += count;
    *room -= count;
    return count;
}

static int io_read(BIO *bio, char *into, size_t room, size_t *count) {
    copenssl_io *io = BIO_get_data(bio);
    size_t wanted = room;
    BIO_clear_retry_flags(bio);
    if (io->pending_end > io->pending_start) {
        io->pending_start += take(io->pending + io->pending_start, io->pending_end - io->pending_start, &into, &room);
        if (io->pending_start == io->pending_end) io->pending_start = io->pending_end = 0;
    }
    if (io->input_count > 0) {
        size_t taken = take(io->input, io->input_count, &into, &room);
        io->input += taken;
        io->input_count -= taken;
    }
    *count = wanted - room;
    if (*count > 0 || wanted == 0) return 1;
    BIO_set_retry_read(bio);
    return 0;
}

static int io_write(BIO *bio, const char *from, size_t wanted, size_t *count) {
    copenssl_io *io = BIO_get_data(bio);
    BIO_clear_retry_flags(bio);
    *count = 0;
    if (!buffer_reserve(&io->output, &io->output_start, &io->output_end, &io->output_capacity, wanted)) return 0;
    if (wanted > 0) memcpy(io->output + io->output_end, from, wanted);
    io->output_end += wanted;
    *count = wanted;
    return 1;
}

static long io_control(BIO *bio, int command, long number, void *pointer) {
    (void)bio, (void)number, (void)pointer;
    return command == BIO_CTRL_FLUSH ? 1 : 0;
}

static int io_destroy(BIO *bio) {
    copenssl_io *io = BIO_get_data(bio);
    if (io != NULL) {
        free(io->pending);
        free(io->output);
        free(io);
        BIO_set_data(bio, NULL);
    }
    return 1;
}

static BIO_METHOD *io_method;
static pthread_once_t io_method_once = PTHREAD_ONCE_INIT;

static void make_io_method(void) {
    BIO_METHOD *method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "memory of a session");
    if (method == NULL) return;
    BIO_meth_set_read_ex(method, io_read);
    BIO_meth_set_write_ex(method, io_write);
    BIO_meth_set_ctrl(method, io_control);
    BIO_meth_set_destroy(method, io_destroy);
    io_method = method;
}

// MARK: Contexts

/// The hybrid of X25519 and ML-KEM first, where this OpenSSL has it (3.5). A `*` sends a key share at
/// once: also for X25519, or every handshake with an older peer would take one more round trip.
/// P-521 is for TLS 1.2, where a certificate's curve has to be among these.
static bool set_groups(SSL_CTX *context) {
    static const char *const lists[] = {
        "*X25519MLKEM768:*X25519:P-256:P-384:P-521",
        "X25519MLKEM768:X25519:P-256:P-384:P-521",
        "X25519:P-256:P-384:P-521",
    };
    for (size_t index = 0; index < sizeof(lists) / sizeof(lists[0]); index++) {
        bool is_set = SSL_CTX_set1_groups_list(context, lists[index]) == 1;
        ERR_clear_error();
        if (is_set) return true;
    }
    return false;
}

bool copenssl_has_group(const char *name) {
    SSL_CTX *context = SSL_CTX_new(TLS_method());
    bool is_there = context != NULL && SSL_CTX_set1_groups_list(context, name) == 1;
    SSL_CTX_free(context);
    ERR_clear_error();
    return is_there;
}

bool copenssl_context_prepare(SSL_CTX *context, int minimum_version, int maximum_version) {
    SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_NO_TICKET
                                     | SSL_OP_CIPHER_SERVER_PREFERENCE);
    SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_NO_AUTO_CHAIN);
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_num_tickets(context, 0);
    SSL_CTX_set_security_level(context, 2);
    return SSL_CTX_set_min_proto_version(context, minimum_version) == 1
        && SSL_CTX_set_max_proto_version(context, maximum_version) == 1
        && set_groups(context)
        && SSL_CTX_set_ciphersuites(
               context, "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256") == 1
        && SSL_CTX_set_cipher_list(context, "ECDHE+AESGCM:ECDHE+CHACHA20") == 1;
}

bool copenssl_context_issue_tickets(SSL_CTX *context, SSL_CTX_generate_session_ticket_fn generate,
                                    SSL_CTX_decrypt_session_ticket_fn decrypt) {
    static const unsigned char name[] = "node-transport";
    // Stateless: all that a ticket stands for is encrypted in it, with a key that lives as long as the context.
    SSL_CTX_clear_options(context, SSL_OP_NO_TICKET);
    return SSL_CTX_set_session_id_context(context, name, sizeof(name) - 1) == 1
        && SSL_CTX_set_num_tickets(context, 1) == 1
        && SSL_CTX_set_session_ticket_cb(context, generate, decrypt, NULL) == 1;
}

void copenssl_context_collect_tickets(SSL_CTX *context, int (*collect)(SSL *, SSL_SESSION *)) {
    SSL_CTX_clear_options(context, SSL_OP_NO_TICKET);
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_sess_set_new_cb(context, collect);
}

typedef struct {
    unsigned int count;
    uint8_t list[];
} alpn_list;

static void free_alpn(void *parent, void *pointer, CRYPTO_EX_DATA *data, int index, long argl, void *argp) {
    (void)parent, (void)data, (void)index, (void)argl, (void)argp;
    free(pointer);
}

/// The slot in which a context owns its list, so that the list lives as long as any of its sessions.
static int alpn_slot = -1;
static pthread_once_t alpn_slot_once = PTHREAD_ONCE_INIT;

static void make_alpn_slot(void) {
    alpn_slot = SSL_CTX_get_ex_new_index(0, NULL, NULL, NULL, free_alpn);
}

static int select_alpn(SSL *session, const unsigned char **chosen, unsigned char *chosen_count,
                       const unsigned char *offered, unsigned int offered_count, void *context) {
    (void)session;
    const alpn_list *ours = context;
    unsigned char *match = NULL;
    int result = SSL_select_next_proto(&match, chosen_count, ours->list, ours->count, offered, offered_count);
    if (result != OPENSSL_NPN_NEGOTIATED) return SSL_TLSEXT_ERR_ALERT_FATAL;
    *chosen = match;
    return SSL_TLSEXT_ERR_OK;
}

static int refuse_missing_alpn(SSL *session, int *alert, void *context) {
    (void)context;
    const unsigned char *extension;
    size_t count;
    if (SSL_client_hello_get0_ext(session, TLSEXT_TYPE_application_layer_protocol_negotiation, &extension, &count)) {
        return SSL_CLIENT_HELLO_SUCCESS;
    }
    copenssl_io *io = BIO_get_data(SSL_get_rbio(session));
    io->is_missing_alpn = true;
    *alert = SSL_AD_NO_APPLICATION_PROTOCOL;
    return SSL_CLIENT_HELLO_ERROR;
}

bool copenssl_context_set_alpn(SSL_CTX *context, bool is_server, const uint8_t *list, size_t count) {
    if (count == 0 || count > UINT16_MAX) return false;
    if (!is_server) return SSL_CTX_set_alpn_protos(context, list, (unsigned int)count) == 0;
    pthread_once(&alpn_slot_once, make_alpn_slot);
    alpn_list *copy = malloc(sizeof(alpn_list) + count);
    if (copy == NULL || alpn_slot < 0 || SSL_CTX_set_ex_data(context, alpn_slot, copy) != 1) {
        free(copy);
        return false;
    }
    copy->count = (unsigned int)count;
    memcpy(copy->list, list, count);
    SSL_CTX_set_alpn_select_cb(context, select_alpn, copy);
    SSL_CTX_set_client_hello_cb(context, refuse_missing_alpn, NULL);
    return true;
}

bool copenssl_context_add_chain_certificate(SSL_CTX *context, X509 *certificate) {
    return SSL_CTX_add1_chain_cert(context, certificate) == 1;
}

// MARK: Sessions

SSL *copenssl_session_new(SSL_CTX *context, bool is_server, copenssl_io **io) {
    pthread_once(&io_method_once, make_io_method);
    if (io_method == NULL) return NULL;
    SSL *session = SSL_new(context);
    BIO *bio = BIO_new(io_method);
    copenssl_io *state = calloc(1, sizeof(copenssl_io));
    if (session == NULL || bio == NULL || state == NULL) {
        SSL_free(session);
        BIO_free(bio);
        free(state);
        return NULL;
    }
    BIO_set_data(bio, state);
    BIO_set_init(bio, 1);
    SSL_set_bio(session, bio, bio);
    if (is_server) SSL_set_accept_state(session); else SSL_set_connect_state(session);
    *io = state;
    return session;
}

bool copenssl_session_set_server_name(SSL *session, const char *name) {
    return SSL_set_tlsext_host_name(session, name) == 1;
}

const char *copenssl_session_group_name(SSL *session) {
    int group = (int)SSL_get_negotiated_group(session);
    return group == 0 ? NULL : SSL_group_to_name(session, group);
}

SSL *copenssl_session_of_verification(X509_STORE_CTX *verification) {
    return X509_STORE_CTX_get_ex_data(verification, SSL_get_ex_data_X509_STORE_CTX_idx());
}
