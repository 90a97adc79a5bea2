#include "COpenSSL.h"

#include <string.h>
#include <time.h>

copenssl_certificates *copenssl_certificates_new(void) {
    return sk_X509_new_null();
}

bool copenssl_certificates_add(copenssl_certificates *stack, X509 *certificate) {
    if (X509_up_ref(certificate) != 1) return false;
    if (sk_X509_push(stack, certificate) > 0) return true;
    X509_free(certificate);
    return false;
}

int copenssl_certificates_count(const copenssl_certificates *stack) {
    return stack == NULL ? 0 : sk_X509_num(stack);
}

X509 *copenssl_certificates_at(const copenssl_certificates *stack, int index) {
    return sk_X509_value(stack, index);
}

void copenssl_certificates_free(copenssl_certificates *stack) {
    sk_X509_pop_free(stack, X509_free);
}

void copenssl_subject_text(const X509 *certificate, char *text, size_t room) {
    if (room == 0) return;
    text[0] = 0;
    BIO *bio = BIO_new(BIO_s_mem());
    if (bio == NULL) return;
    unsigned long style = (XN_FLAG_RFC2253 & ~ASN1_STRFLGS_ESC_MSB) | XN_FLAG_SEP_CPLUS_SPC;
    if (X509_NAME_print_ex(bio, X509_get_subject_name(certificate), 0, style) >= 0) {
        char *held;
        long count = BIO_get_mem_data(bio, &held);
        if (count > 0) {
            size_t kept = (size_t)count < room - 1 ? (size_t)count : room - 1;
            memcpy(text, held, kept);
            text[kept] = 0;
        }
    }
    BIO_free(bio);
}

int copenssl_common_name(const X509 *certificate, uint8_t *text, size_t room) {
    const X509_NAME *name = X509_get_subject_name(certificate);
    int index = X509_NAME_get_index_by_NID(name, NID_commonName, -1);
    if (index < 0) return -1;
    unsigned char *utf8 = NULL;
    int count = ASN1_STRING_to_UTF8(&utf8, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, index)));
    int result = count >= 0 && (size_t)count <= room ? count : -1;
    if (result > 0) memcpy(text, utf8, (size_t)result);
    if (utf8 != NULL) OPENSSL_free(utf8);
    return result;
}

GENERAL_NAMES *copenssl_names_of(const X509 *certificate) {
    return X509_get_ext_d2i(certificate, NID_subject_alt_name, NULL, NULL);
}

int copenssl_names_count(const GENERAL_NAMES *names) {
    return names == NULL ? 0 : sk_GENERAL_NAME_num(names);
}

int copenssl_names_at(const GENERAL_NAMES *names, int index, const uint8_t **bytes, size_t *count) {
    int type = -1;
    const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, index);
    *bytes = NULL;
    *count = 0;
    const ASN1_STRING *string = GENERAL_NAME_get0_value(name, &type);
    switch (type) {
    case GEN_DNS:
    case GEN_EMAIL:
    case GEN_URI:
    case GEN_IPADD: {
        int length = string == NULL ? 0 : ASN1_STRING_length(string);
        if (length > 0) {
            *bytes = ASN1_STRING_get0_data(string);
            *count = (size_t)length;
        }
        break;
    }
    default:
        break;
    }
    return type;
}

bool copenssl_has_repeated_extension(const X509 *certificate) {
    int count = X509_get_ext_count(certificate);
    for (int index = 0; index < count; index++) {
        const ASN1_OBJECT *kind = X509_EXTENSION_get_object(X509_get_ext(certificate, index));
        if (X509_get_ext_by_OBJ(certificate, kind, index) >= 0) return true;
    }
    return false;
}

bool copenssl_seconds(const ASN1_TIME *time, int64_t *seconds) {
    struct tm parts;
    memset(&parts, 0, sizeof(parts));
    if (time == NULL || ASN1_TIME_to_tm(time, &parts) != 1) return false;
    *seconds = (int64_t)timegm(&parts);
    return true;
}

bool copenssl_fingerprint(const X509 *certificate, uint8_t digest[32]) {
    unsigned int count = 0;
    return X509_digest(certificate, EVP_sha256(), digest, &count) == 1 && count == 32;
}

bool copenssl_key_fingerprint(const X509 *certificate, uint8_t digest[32]) {
    unsigned char *der = NULL;
    int length = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(certificate), &der);
    if (length <= 0) return false;
    unsigned int count = 0;
    bool is_done = EVP_Digest(der, (size_t)length, digest, &count, EVP_sha256(), NULL) == 1 && count == 32;
    OPENSSL_free(der);
    return is_done;
}
