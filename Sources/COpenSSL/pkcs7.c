#include "COpenSSL.h"

#include <limits.h>

copenssl_certificates *copenssl_pkcs7_certificates(const uint8_t *bytes, size_t count) {
    if (count > INT_MAX) return NULL;
    const uint8_t *next = bytes;
    PKCS7 *box = d2i_PKCS7(NULL, &next, (long)count);
    copenssl_certificates *found = NULL;
    if (box != NULL && next == bytes + count && PKCS7_type_is_signed(box) && box->d.sign != NULL) {
        found = copenssl_certificates_new();
        const STACK_OF(X509) *held = box->d.sign->cert;
        for (int index = 0; found != NULL && held != NULL && index < sk_X509_num(held); index++) {
            if (copenssl_certificates_add(found, sk_X509_value(held, index))) continue;
            copenssl_certificates_free(found);
            found = NULL;
        }
    }
    PKCS7_free(box);
    ERR_clear_error();
    return found;
}
