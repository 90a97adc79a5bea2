#ifndef CNGTCP2_INTERNAL_H
#define CNGTCP2_INTERNAL_H

#include "CNGTCP2.h"

#include <arpa/inet.h>
#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>
#include <netinet/in.h>
#include <ngtcp2/ngtcp2.h>
#include <ngtcp2/ngtcp2_crypto.h>
#include <ngtcp2/ngtcp2_crypto_gnutls.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

// 1.0 renamed much and changed some signatures.
#define IS_VERSION_1 (NGTCP2_VERSION_NUM >= 0x010000)

_Static_assert(sizeof(cngtcp2_vector) == sizeof(ngtcp2_vec), "vectors are handed on as they are");
_Static_assert(offsetof(cngtcp2_vector, count) == offsetof(ngtcp2_vec, len), "vectors are handed on as they are");
_Static_assert(sizeof(struct sockaddr_in6) == 28, "an address has room for one");

struct cngtcp2_credentials {
    bool is_server, issues_tickets, allows_early_data;
    int client_certificates;
    /// Client: a key is made for the first group alone. Each costs as much as the whole rest of a ClientHello, and
    /// a server that wants another group says so (RFC 8446 §4.1.4).
    bool has_one_key_share;
    gnutls_certificate_credentials_t certificate;
    gnutls_priority_t priority;
    gnutls_datum_t ticket_key;
    gnutls_anti_replay_t anti_replay;
    struct replay_filter *replay_filter;
    gnutls_datum_t *alpn;
    unsigned alpn_count;
};

static inline cngtcp2_address address_of(const struct sockaddr *from, size_t count) {
    cngtcp2_address address;
    memset(&address, 0, sizeof address);
    if (count <= 28) {
        memcpy(&address, from, count);
        address.count = (uint32_t)count;
    }
    return address;
}

static inline ngtcp2_cid cid_of(cngtcp2_cid from) {
    ngtcp2_cid id;
    memset(&id, 0, sizeof id);
    id.datalen = from.count <= NGTCP2_MAX_CIDLEN ? from.count : NGTCP2_MAX_CIDLEN;
    memcpy(id.data, &from, id.datalen);
    return id;
}

static inline cngtcp2_cid cid_from(const uint8_t *bytes, size_t count) {
    cngtcp2_cid id;
    memset(&id, 0, sizeof id);
    id.count = (uint32_t)(count <= NGTCP2_MAX_CIDLEN ? count : NGTCP2_MAX_CIDLEN);
    memcpy(&id, bytes, id.count);
    return id;
}

/// The addresses of `path` stay where they are, in the caller's memory.
static inline ngtcp2_path borrow_path(const cngtcp2_path *path) {
    ngtcp2_path borrowed;
    memset(&borrowed, 0, sizeof borrowed);
    borrowed.local.addr = (ngtcp2_sockaddr *)&path->local;
    borrowed.local.addrlen = path->local.count;
    borrowed.remote.addr = (ngtcp2_sockaddr *)&path->remote;
    borrowed.remote.addrlen = path->remote.count;
    return borrowed;
}

static inline void copy_path(cngtcp2_path *to, const ngtcp2_path *from) {
    to->local = address_of((const struct sockaddr *)from->local.addr, from->local.addrlen);
    to->remote = address_of((const struct sockaddr *)from->remote.addr, from->remote.addrlen);
}

#endif
