#include "COpenSSL.h"

#include <limits.h>

#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/rsa.h>

EVP_PKEY *copenssl_key_generate(const char *algorithm, const char *curve, int bits) {
    if (curve != NULL) return EVP_EC_gen(curve);
    EVP_PKEY *key = NULL;
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, algorithm, NULL);
    bool is_made = context != NULL && EVP_PKEY_keygen_init(context) == 1
        && (bits == 0 || EVP_PKEY_CTX_set_rsa_keygen_bits(context, bits) == 1)
        && EVP_PKEY_generate(context, &key) == 1;
    EVP_PKEY_CTX_free(context);
    return is_made ? key : NULL;
}

bool copenssl_set_random_serial(X509 *certificate) {
    // RFC 5280 4.1.2.2: positive and at most 20 bytes.
    BIGNUM *number = BN_new();
    bool is_set = number != NULL && BN_rand(number, 159, BN_RAND_TOP_ONE, BN_RAND_BOTTOM_ANY) == 1
        && BN_to_ASN1_INTEGER(number, X509_get_serialNumber(certificate)) != NULL;
    BN_free(number);
    return is_set;
}

static X509_NAME *common_name(const uint8_t *text, size_t count) {
    X509_NAME *name = count > INT_MAX ? NULL : X509_NAME_new();
    if (name == NULL) return NULL;
    if (X509_NAME_add_entry_by_NID(name, NID_commonName, MBSTRING_UTF8, text, (int)count, -1, 0) == 1) return name;
    X509_NAME_free(name);
    return NULL;
}

bool copenssl_set_common_name(X509 *certificate, const uint8_t *text, size_t count) {
    X509_NAME *name = common_name(text, count);
    bool is_set = name != NULL && X509_set_subject_name(certificate, name) == 1;
    X509_NAME_free(name);
    return is_set;
}

bool copenssl_set_issuer_common_name(X509 *certificate, const uint8_t *text, size_t count) {
    X509_NAME *name = common_name(text, count);
    bool is_set = name != NULL && X509_set_issuer_name(certificate, name) == 1;
    X509_NAME_free(name);
    return is_set;
}

bool copenssl_add_extension(X509 *certificate, X509 *issuer, int identifier, const char *value) {
    X509V3_CTX context;
    X509V3_set_ctx(&context, issuer, certificate, NULL, NULL, 0);
    X509V3_set_ctx_nodb(&context);
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &context, identifier, value);
    bool is_added = extension != NULL && X509_add_ext(certificate, extension, -1) == 1;
    X509_EXTENSION_free(extension);
    return is_added;
}

bool copenssl_add_raw_extension(X509 *certificate, const char *oid, bool is_critical, const uint8_t *der, size_t count) {
    if (count > INT_MAX) return false;
    ASN1_OBJECT *object = OBJ_txt2obj(oid, 1);
    ASN1_OCTET_STRING *value = ASN1_OCTET_STRING_new();
    X509_EXTENSION *extension = NULL;
    if (object != NULL && value != NULL && ASN1_OCTET_STRING_set(value, der, (int)count) == 1) {
        extension = X509_EXTENSION_create_by_OBJ(NULL, object, is_critical, value);
    }
    bool is_added = extension != NULL && X509_add_ext(certificate, extension, -1) == 1;
    X509_EXTENSION_free(extension);
    ASN1_OCTET_STRING_free(value);
    ASN1_OBJECT_free(object);
    return is_added;
}

/// The digest that is as strong as the key. The EdDSA keys bring their own.
static const EVP_MD *digest_for(EVP_PKEY *key) {
    switch (EVP_PKEY_get_base_id(key)) {
    case EVP_PKEY_ED25519:
    case EVP_PKEY_ED448:
        return NULL;
    case EVP_PKEY_EC:
        if (EVP_PKEY_get_bits(key) > 384) return EVP_sha512();
        if (EVP_PKEY_get_bits(key) > 256) return EVP_sha384();
        return EVP_sha256();
    default:
        return EVP_sha256();
    }
}

bool copenssl_sign(X509 *certificate, EVP_PKEY *key, const char *digest) {
    const EVP_MD *chosen = digest_for(key);
    if (digest != NULL && chosen != NULL && (chosen = EVP_get_digestbyname(digest)) == NULL) return false;
    return X509_sign(certificate, key, chosen) > 0;
}
