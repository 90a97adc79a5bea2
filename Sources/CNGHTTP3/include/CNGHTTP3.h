// nghttp3 for Swift: its header, and what differs between its versions. Compiles with nghttp3 0.8 (Debian 12) to 1.x.
#ifndef CNGHTTP3_H
#define CNGHTTP3_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <nghttp3/nghttp3.h>

/// The bytes that wait for the decoder stream; the parameter became const in nghttp3 1.x.
size_t cnghttp3_decoder_stream_bytes(nghttp3_qpack_decoder *decoder);

/// One decoded field, without a call for each of its parts.
typedef struct {
    nghttp3_rcbuf *name;
    nghttp3_rcbuf *value;
    const uint8_t *name_bytes;
    const uint8_t *value_bytes;
    size_t name_count;
    size_t value_count;
    int32_t token;
    bool is_sensitive;
} cnghttp3_field;

/// What one step of decoding a field section led to.
typedef enum {
    /// `field` is set, with references that the caller drops; call again.
    CNGHTTP3_FIELD = 0,
    /// The section is complete.
    CNGHTTP3_END = 1,
    /// The section refers to entries that have not come yet; call again with the rest when they have.
    CNGHTTP3_BLOCKED = 2,
} cnghttp3_step;

/// Decodes the next field of a complete section. `*count` is how many of the bytes were read; a negative answer is an
/// error of nghttp3.
int cnghttp3_decode(nghttp3_qpack_decoder *decoder, nghttp3_qpack_stream_context *section, const uint8_t *bytes,
                    size_t *count, cnghttp3_field *field);

/// Whether two runs of `count` bytes are the same.
static inline bool cnghttp3_equal(const uint8_t *left, const uint8_t *right, size_t count) {
    return count == 0 || memcmp(left, right, count) == 0;
}

#endif
