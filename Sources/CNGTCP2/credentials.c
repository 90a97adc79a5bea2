#include "internal.h"

#include <gnutls/abstract.h>
#include <gnutls/x509.h>
#include <stdio.h>
#include <time.h>

// MARK: 0-RTT replays

// Early data whose ClientHello was seen before is refused (RFC 8446 §8.2). When a row is full the early
// data is refused as well: its sender falls back to one round trip.
#define REPLAY_ROWS 8192
#define REPLAY_COLUMNS 8

struct replay_filter {
    pthread_mutex_t lock;
    struct {
        uint64_t key;
        time_t expiry;
    } entries[REPLAY_ROWS][REPLAY_COLUMNS];
};

static int add_to_replay_filter(void *pointer, time_t expiry, const gnutls_datum_t *key, const gnutls_datum_t *data) {
    (void)data;
    struct replay_filter *filter = pointer;
    // The key is a hash already; this only folds it.
    uint64_t folded = 14695981039346656037u;
    for (unsigned i = 0; i < key->size; i++) folded = (folded ^ key->data[i]) * 1099511628211u;
    time_t now = time(NULL);
    int result = GNUTLS_E_DB_ENTRY_EXISTS;
    pthread_mutex_lock(&filter->lock);
    int free_column = -1;
    size_t row = folded % REPLAY_ROWS;
    bool is_known = false;
    for (int column = 0; column < REPLAY_COLUMNS; column++) {
        if (filter->entries[row][column].expiry <= now) {
            free_column = column;
        } else if (filter->entries[row][column].key == folded) {
            is_known = true;
        }
    }
    if (!is_known && free_column >= 0) {
        filter->entries[row][free_column].key = folded;
        filter->entries[row][free_column].expiry = expiry;
        result = 0;
    }
    pthread_mutex_unlock(&filter->lock);
    return result;
}

// MARK: Credentials

#define CIPHERS "NONE:+VERS-TLS1.3:+AES-128-GCM:+AES-256-GCM:+CHACHA20-POLY1305:+AEAD:+SIGN-ALL:+CTYPE-X509:" \
                "+ECDHE-ECDSA:+ECDHE-RSA:+PSK:+DHE-PSK:+ECDHE-PSK:"
#define GROUPS "+GROUP-X25519:+GROUP-SECP256R1:+GROUP-SECP384R1:%DISABLE_TLS13_COMPAT_MODE"

// The first that the linked GnuTLS knows is taken: hybrid post-quantum groups are newer than 3.7.
static const char *const priorities[] = {
    CIPHERS "+GROUP-X25519-MLKEM768:" GROUPS,
    CIPHERS "+GROUP-X25519-KYBER768:" GROUPS,
    CIPHERS GROUPS,
};

static int load_certificate(cngtcp2_credentials *credentials, const cngtcp2_credentials_options *options, const char **what) {
    gnutls_x509_crt_t *chain = calloc(options->chain_count, sizeof *chain);
    gnutls_x509_privkey_t key = NULL;
    size_t count = 0;
    int error = GNUTLS_E_MEMORY_ERROR;
    *what = "memory";
    if (chain == NULL) return error;
    while (count < options->chain_count) {
        *what = "certificate";
        gnutls_datum_t der = {(unsigned char *)options->chain[count].base, (unsigned)options->chain[count].count};
        if ((error = gnutls_x509_crt_init(&chain[count])) != 0) goto done;
        count++;
        if ((error = gnutls_x509_crt_import(chain[count - 1], &der, GNUTLS_X509_FMT_DER)) != 0) goto done;
    }
    *what = "private key";
    if ((error = gnutls_x509_privkey_init(&key)) != 0) goto done;
    gnutls_datum_t der = {(unsigned char *)options->key.base, (unsigned)options->key.count};
    error = gnutls_x509_privkey_import_pkcs8(key, &der, GNUTLS_X509_FMT_DER, NULL, GNUTLS_PKCS_PLAIN);
    if (error != 0) goto done;
    *what = "certificate and key";
    error = gnutls_certificate_set_x509_key(credentials->certificate, chain, (int)count, key);
    if (error > 0) error = 0;
done:
    for (size_t i = 0; i < count; i++) gnutls_x509_crt_deinit(chain[i]);
    free(chain);
    if (key != NULL) gnutls_x509_privkey_deinit(key);
    return error;
}

cngtcp2_credentials *cngtcp2_credentials_new(const cngtcp2_credentials_options *options, const char **what, int *error) {
    *what = "memory";
    *error = GNUTLS_E_MEMORY_ERROR;
    cngtcp2_credentials *credentials = calloc(1, sizeof *credentials);
    if (credentials == NULL) return NULL;
    credentials->is_server = options->is_server;
    credentials->issues_tickets = options->issues_tickets;
    credentials->allows_early_data = options->allows_early_data;
    credentials->client_certificates = options->client_certificates;
    if ((*error = gnutls_certificate_allocate_credentials(&credentials->certificate)) != 0) goto failed;

    *what = "priorities";
    const size_t priority_count = sizeof priorities / sizeof *priorities;
    for (size_t i = 0; i < priority_count; i++) {
        if ((*error = gnutls_priority_init(&credentials->priority, priorities[i], NULL)) == 0) {
            // Of the hybrid groups a peer may know none; X25519 all have.
            credentials->has_one_key_share = i == priority_count - 1;
            break;
        }
    }
    if (*error != 0) goto failed;

    if (options->chain_count > 0 && (*error = load_certificate(credentials, options, what)) != 0) goto failed;

    *what = "memory";
    *error = GNUTLS_E_MEMORY_ERROR;
    credentials->alpn = calloc(options->alpn_count + 1, sizeof *credentials->alpn);
    if (credentials->alpn == NULL) goto failed;
    for (size_t i = 0; i < options->alpn_count; i++) {
        gnutls_datum_t *protocol = &credentials->alpn[i];
        protocol->data = malloc(options->alpn[i].count + 1);
        if (protocol->data == NULL) goto failed;
        memcpy(protocol->data, options->alpn[i].base, options->alpn[i].count);
        protocol->size = (unsigned)options->alpn[i].count;
        credentials->alpn_count++;
    }

    *what = "tickets";
    if (options->is_server && options->issues_tickets) {
        if ((*error = gnutls_session_ticket_key_generate(&credentials->ticket_key)) != 0) goto failed;
        if (options->allows_early_data) {
            if ((*error = gnutls_anti_replay_init(&credentials->anti_replay)) != 0) goto failed;
            *error = GNUTLS_E_MEMORY_ERROR;
            credentials->replay_filter = calloc(1, sizeof *credentials->replay_filter);
            if (credentials->replay_filter == NULL) goto failed;
            pthread_mutex_init(&credentials->replay_filter->lock, NULL);
            gnutls_anti_replay_set_add_function(credentials->anti_replay, add_to_replay_filter);
            gnutls_anti_replay_set_ptr(credentials->anti_replay, credentials->replay_filter);
        }
    }
    *error = 0;
    return credentials;

failed:
    cngtcp2_credentials_free(credentials);
    return NULL;
}

void cngtcp2_credentials_free(cngtcp2_credentials *credentials) {
    if (credentials == NULL) return;
    for (unsigned i = 0; i < credentials->alpn_count; i++) free(credentials->alpn[i].data);
    free(credentials->alpn);
    if (credentials->anti_replay != NULL) gnutls_anti_replay_deinit(credentials->anti_replay);
    if (credentials->replay_filter != NULL) {
        pthread_mutex_destroy(&credentials->replay_filter->lock);
        free(credentials->replay_filter);
    }
    if (credentials->ticket_key.data != NULL) {
        gnutls_memset(credentials->ticket_key.data, 0, credentials->ticket_key.size);
        gnutls_free(credentials->ticket_key.data);
    }
    if (credentials->priority != NULL) gnutls_priority_deinit(credentials->priority);
    if (credentials->certificate != NULL) gnutls_certificate_free_credentials(credentials->certificate);
    free(credentials);
}

const char *cngtcp2_tls_error_text(int error) { return gnutls_strerror(error); }
