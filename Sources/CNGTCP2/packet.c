// Packets and tokens that belong to no connection yet, or not any more.
#include "internal.h"

bool cngtcp2_decode_header(const uint8_t *packet, size_t count, size_t id_count, cngtcp2_header *header) {
    memset(header, 0, sizeof *header);
    if (count == 0) return false;
    ngtcp2_version_cid decoded;
    memset(&decoded, 0, sizeof decoded);
    int result = ngtcp2_pkt_decode_version_cid(&decoded, packet, count, id_count);
    if (result != 0 && result != NGTCP2_ERR_VERSION_NEGOTIATION) return false;
    if (decoded.dcidlen > NGTCP2_MAX_CIDLEN || decoded.scidlen > NGTCP2_MAX_CIDLEN) return false;
    header->is_long = (packet[0] & 0x80) != 0;
    header->version = decoded.version;
    header->destination_id = cid_from(decoded.dcid, decoded.dcidlen);
    if (decoded.scid != NULL) header->source_id = cid_from(decoded.scid, decoded.scidlen);
    return true;
}

int cngtcp2_decode_initial(const uint8_t *packet, size_t count, cngtcp2_initial *initial) {
    ngtcp2_pkt_hd header;
    memset(&header, 0, sizeof header);
    memset(initial, 0, sizeof *initial);
    int result = ngtcp2_accept(&header, packet, count);
    bool is_retry = result == NGTCP2_ERR_RETRY;
    if (result != 0 && !is_retry) return CNGTCP2_FAILED;
    initial->destination_id = cid_from(header.dcid.data, header.dcid.datalen);
    initial->source_id = cid_from(header.scid.data, header.scid.datalen);
    if (is_retry) return CNGTCP2_RETRY;
#if IS_VERSION_1
    initial->token = (cngtcp2_vector){header.token, header.tokenlen};
#else
    initial->token = (cngtcp2_vector){header.token.base, header.token.len};
#endif
    return CNGTCP2_OK;
}

// MARK: Tokens

bool cngtcp2_is_retry_token(cngtcp2_vector token) {
    return token.count > 0 && *(const uint8_t *)token.base == NGTCP2_CRYPTO_TOKEN_MAGIC_RETRY;
}

bool cngtcp2_verify_retry_token(
    cngtcp2_vector token, cngtcp2_vector secret, const cngtcp2_address *remote, cngtcp2_cid destination_id,
    uint64_t lifetime, uint64_t now, cngtcp2_cid *original_destination_id
) {
    ngtcp2_cid original, destination = cid_of(destination_id);
    if (ngtcp2_crypto_verify_retry_token(
            &original, token.base, token.count, secret.base, secret.count, NGTCP2_PROTO_VER_V1,
            (const ngtcp2_sockaddr *)remote, remote->count, &destination, lifetime, now) != 0) return false;
    *original_destination_id = cid_from(original.data, original.datalen);
    return true;
}

bool cngtcp2_verify_new_token(
    cngtcp2_vector token, cngtcp2_vector secret, const cngtcp2_address *remote, uint64_t lifetime, uint64_t now
) {
    return token.count > 0
        && ngtcp2_crypto_verify_regular_token(
               token.base, token.count, secret.base, secret.count, (const ngtcp2_sockaddr *)remote, remote->count,
               lifetime, now) == 0;
}

size_t cngtcp2_make_new_token(
    cngtcp2_vector secret, const cngtcp2_address *remote, uint64_t now, uint8_t *token, size_t room
) {
    if (room < NGTCP2_CRYPTO_MAX_REGULAR_TOKENLEN) return 0;
    ngtcp2_ssize count = ngtcp2_crypto_generate_regular_token(
        token, secret.base, secret.count, (const ngtcp2_sockaddr *)remote, remote->count, now);
    return count > 0 ? (size_t)count : 0;
}

bool cngtcp2_make_reset_token(cngtcp2_vector secret, cngtcp2_cid id, cngtcp2_reset_token *token) {
    ngtcp2_cid copy = cid_of(id);
    return ngtcp2_crypto_generate_stateless_reset_token((uint8_t *)token, secret.base, secret.count, &copy) == 0;
}

// MARK: Packets

size_t cngtcp2_write_version_negotiation(
    uint8_t *packet, size_t room, uint8_t random, const cngtcp2_header *received
) {
    // The second is of a kind that no one may support, so that no one comes to expect just one (RFC 9000 §6.3).
    const uint32_t versions[] = {NGTCP2_PROTO_VER_V1, 0x0a0a0a0au | ((uint32_t)(random >> 4) << 28)};
    ngtcp2_cid destination = cid_of(received->source_id), source = cid_of(received->destination_id);
    ngtcp2_ssize count = ngtcp2_pkt_write_version_negotiation(
        packet, room, random, destination.data, destination.datalen, source.data, source.datalen, versions, 2);
    return count > 0 ? (size_t)count : 0;
}

size_t cngtcp2_write_retry(
    uint8_t *packet, size_t room, cngtcp2_vector secret, const cngtcp2_address *remote,
    const cngtcp2_initial *initial, cngtcp2_cid retry_source_id, uint64_t now
) {
    uint8_t token[NGTCP2_CRYPTO_MAX_RETRY_TOKENLEN];
    ngtcp2_cid source = cid_of(retry_source_id);
    ngtcp2_cid original = cid_of(initial->destination_id), destination = cid_of(initial->source_id);
    ngtcp2_ssize token_count = ngtcp2_crypto_generate_retry_token(
        token, secret.base, secret.count, NGTCP2_PROTO_VER_V1, (const ngtcp2_sockaddr *)remote, remote->count, &source,
        &original, now);
    if (token_count < 0) return 0;
    ngtcp2_ssize count = ngtcp2_crypto_write_retry(
        packet, room, NGTCP2_PROTO_VER_V1, &destination, &source, &original, token, (size_t)token_count);
    return count > 0 ? (size_t)count : 0;
}

size_t cngtcp2_write_refusal(uint8_t *packet, size_t room, const cngtcp2_initial *initial, uint64_t code) {
    ngtcp2_cid destination = cid_of(initial->source_id), source = cid_of(initial->destination_id);
    ngtcp2_ssize count = ngtcp2_crypto_write_connection_close(
        packet, room, NGTCP2_PROTO_VER_V1, &destination, &source, code, NULL, 0);
    return count > 0 ? (size_t)count : 0;
}

size_t cngtcp2_write_stateless_reset(
    uint8_t *packet, size_t room, cngtcp2_reset_token token, const uint8_t *random, size_t random_count
) {
    ngtcp2_ssize count = ngtcp2_pkt_write_stateless_reset(packet, room, (uint8_t *)&token, random, random_count);
    return count > 0 ? (size_t)count : 0;
}

// MARK: Addresses

bool cngtcp2_parse_address(const char *text, uint16_t port, cngtcp2_address *address) {
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
    memset(&v4, 0, sizeof v4);
    memset(&v6, 0, sizeof v6);
    if (inet_pton(AF_INET, text, &v4.sin_addr) == 1) {
        v4.sin_family = AF_INET;
        v4.sin_port = htons(port);
        *address = address_of((struct sockaddr *)&v4, sizeof v4);
        return true;
    }
    if (inet_pton(AF_INET6, text, &v6.sin6_addr) == 1) {
        v6.sin6_family = AF_INET6;
        v6.sin6_port = htons(port);
        *address = address_of((struct sockaddr *)&v6, sizeof v6);
        return true;
    }
    return false;
}

bool cngtcp2_format_address(const cngtcp2_address *address, char *text, size_t room) {
    const struct sockaddr *any = (const struct sockaddr *)address;
    if (address->count == sizeof(struct sockaddr_in)) {
        return inet_ntop(AF_INET, &((const struct sockaddr_in *)any)->sin_addr, text, (socklen_t)room) != NULL;
    }
    if (address->count == sizeof(struct sockaddr_in6)) {
        return inet_ntop(AF_INET6, &((const struct sockaddr_in6 *)any)->sin6_addr, text, (socklen_t)room) != NULL;
    }
    return false;
}

const char *cngtcp2_library_version(void) { return ngtcp2_version(0)->version_str; }
