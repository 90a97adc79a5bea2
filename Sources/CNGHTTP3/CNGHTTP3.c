#include "CNGHTTP3.h"

size_t cnghttp3_decoder_stream_bytes(nghttp3_qpack_decoder *decoder) {
    return nghttp3_qpack_decoder_get_decoder_streamlen(decoder);
}

int cnghttp3_decode(nghttp3_qpack_decoder *decoder, nghttp3_qpack_stream_context *section, const uint8_t *bytes,
                    size_t *count, cnghttp3_field *field) {
    nghttp3_qpack_nv nv;
    uint8_t flags = 0;
    nghttp3_ssize read = nghttp3_qpack_decoder_read_request(decoder, section, &nv, &flags, bytes, *count, 1);
    if (read < 0) return (int)read;
    *count = (size_t)read;
    if (flags & NGHTTP3_QPACK_DECODE_FLAG_BLOCKED) return CNGHTTP3_BLOCKED;
    if (flags & NGHTTP3_QPACK_DECODE_FLAG_EMIT) {
        nghttp3_vec name = nghttp3_rcbuf_get_buf(nv.name);
        nghttp3_vec value = nghttp3_rcbuf_get_buf(nv.value);
        field->name = nv.name;
        field->value = nv.value;
        field->name_bytes = name.base;
        field->name_count = name.len;
        field->value_bytes = value.base;
        field->value_count = value.len;
        field->token = nv.token;
        field->is_sensitive = (nv.flags & NGHTTP3_NV_FLAG_NEVER_INDEX) != 0;
        return CNGHTTP3_FIELD;
    }
    return CNGHTTP3_END;
}
