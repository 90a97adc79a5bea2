#include "COpenSSL.h"

#include <limits.h>

#include <openssl/bn.h>
#include <openssl/ec.h>

EVP_PKEY *copenssl_key_generate_p256(void) {
    return EVP_EC_gen("P-256");
}

bool copenssl_set_random_serial(X509 *certificate) {
    // RFC 5280 4.1.2.2: positive and at most 20 bytes.
    BIGNUM *number = BN_new();
    bool is_set = number != NULL && BN_rand(number, 159, BN_RAND_TOP_ONE, BN_RAND_BOTTOM_ANY) == 1
        && BN_to_ASN1_INTEGER(number, X509_get_serialNumber(certificate)) != NULL;
    BN_free(number);
    return is_set;
}

bool copenssl_set_common_name(X509 *certificate, const uint8_t *text, size_t count) {
    if (count > INT_MAX) return false;
    X509_NAME *name = X509_NAME_new();
    bool is_set = name != NULL
        && X509_NAME_add_entry_by_NID(name, NID_commonName, MBSTRING_UTF8, text, (int)count, -1, 0) == 1
        && X509_set_subject_name(certificate, name) == 1;
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

bool copenssl_names_add(GENERAL_NAMES *names, int type, const uint8_t *bytes, size_t count) {
    if (count > INT_MAX) return false;
    GENERAL_NAME *name = GENERAL_NAME_new();
    ASN1_STRING *value = ASN1_STRING_type_new(type == GEN_IPADD ? V_ASN1_OCTET_STRING : V_ASN1_IA5STRING);
    if (name == NULL || value == NULL || ASN1_STRING_set(value, bytes, (int)count) != 1) {
        GENERAL_NAME_free(name);
        ASN1_STRING_free(value);
        return false;
    }
    GENERAL_NAME_set0_value(name, type, value);
    if (sk_GENERAL_NAME_push(names, name) > 0) return true;
    GENERAL_NAME_free(name);
    return false;
}

bool copenssl_set_names(X509 *certificate, GENERAL_NAMES *names) {
    return X509_add1_ext_i2d(certificate, NID_subject_alt_name, names, 0, X509V3_ADD_DEFAULT) == 1;
}

bool copenssl_sign(X509 *certificate, EVP_PKEY *key) {
    // The EdDSA keys bring their own digest.
    int type = EVP_PKEY_get_base_id(key);
    const EVP_MD *digest = type == EVP_PKEY_ED25519 || type == EVP_PKEY_ED448 ? NULL : EVP_sha256();
    return X509_sign(certificate, key, digest) > 0;
}
