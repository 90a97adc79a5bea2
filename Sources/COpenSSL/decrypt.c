#include "decrypt.h"

#include <limits.h>

#include <openssl/provider.h>

// MARK: Work

copenssl_outcome copenssl_rounds_in(const ASN1_INTEGER *number, uint64_t *rounds) {
    *rounds = 0;
    if (number == NULL || ASN1_STRING_type(number) == V_ASN1_NEG_INTEGER) return COPENSSL_MALFORMED;
    // What does not fit in 64 bits is enormous, too.
    if (ASN1_INTEGER_get_uint64(rounds, number) != 1) *rounds = UINT64_MAX;
    ERR_clear_error();
    return *rounds > 0 ? COPENSSL_OK : COPENSSL_MALFORMED;
}

copenssl_outcome copenssl_work_of_derivation(const X509_ALGOR *derivation, uint64_t *rounds) {
    copenssl_outcome outcome = COPENSSL_MALFORMED;
    switch (OBJ_obj2nid(derivation->algorithm)) {
    case NID_id_pbkdf2: {
        PBKDF2PARAM *parameters = ASN1_TYPE_unpack_sequence(ASN1_ITEM_rptr(PBKDF2PARAM), derivation->parameter);
        if (parameters != NULL) outcome = copenssl_rounds_in(parameters->iter, rounds);
        PBKDF2PARAM_free(parameters);
        break;
    }
#ifndef OPENSSL_NO_SCRYPT
    case NID_id_scrypt: {
        SCRYPT_PARAMS *parameters = ASN1_TYPE_unpack_sequence(ASN1_ITEM_rptr(SCRYPT_PARAMS), derivation->parameter);
        uint64_t cost = 0, size = 0, lanes = 0, product = 0;
        if (parameters != NULL && copenssl_rounds_in(parameters->costParameter, &cost) == COPENSSL_OK
            && copenssl_rounds_in(parameters->blockSize, &size) == COPENSSL_OK
            && copenssl_rounds_in(parameters->parallelizationParameter, &lanes) == COPENSSL_OK) {
            bool is_huge = __builtin_mul_overflow(cost, size, &product)
                || __builtin_mul_overflow(product, lanes, &product);
            *rounds = is_huge ? UINT64_MAX : product;
            outcome = COPENSSL_OK;
        }
        SCRYPT_PARAMS_free(parameters);
        break;
    }
#endif
    default:
        outcome = COPENSSL_UNKNOWN_CIPHER;
    }
    ERR_clear_error();
    return outcome;
}

/// The parts of PBES2; NULL when they do not parse.
static PBE2PARAM *parts_of(const X509_ALGOR *algorithm) {
    return ASN1_TYPE_unpack_sequence(ASN1_ITEM_rptr(PBE2PARAM), algorithm->parameter);
}

copenssl_outcome copenssl_work_of(const X509_ALGOR *algorithm, uint64_t *rounds) {
    copenssl_outcome outcome = COPENSSL_MALFORMED;
    int kind = OBJ_obj2nid(algorithm->algorithm);
    if (kind == NID_pbes2) {
        PBE2PARAM *parts = parts_of(algorithm);
        if (parts != NULL) outcome = copenssl_work_of_derivation(parts->keyfunc, rounds);
        PBE2PARAM_free(parts);
    } else if (kind != NID_undef && EVP_PBE_find(EVP_PBE_TYPE_OUTER, kind, NULL, NULL, NULL) == 1) {
        PBEPARAM *parameters = ASN1_TYPE_unpack_sequence(ASN1_ITEM_rptr(PBEPARAM), algorithm->parameter);
        if (parameters != NULL) outcome = copenssl_rounds_in(parameters->iter, rounds);
        PBEPARAM_free(parameters);
    } else {
        outcome = COPENSSL_UNKNOWN_CIPHER;
    }
    ERR_clear_error();
    return outcome;
}

bool copenssl_spend(uint64_t *budget, uint64_t rounds) {
    if (rounds > *budget) return false;
    *budget -= rounds;
    return true;
}

// MARK: Ciphers

static int cipher_of(const X509_ALGOR *algorithm) {
    int kind = OBJ_obj2nid(algorithm->algorithm);
    int cipher = NID_undef;
    if (kind == NID_pbes2) {
        PBE2PARAM *parts = parts_of(algorithm);
        if (parts != NULL) cipher = OBJ_obj2nid(parts->encryption->algorithm);
        PBE2PARAM_free(parts);
    } else if (EVP_PBE_find(EVP_PBE_TYPE_OUTER, kind, &cipher, NULL, NULL) != 1 || cipher < 0) {
        cipher = NID_undef;
    }
    ERR_clear_error();
    return cipher;
}

bool copenssl_has_cipher(OSSL_LIB_CTX *library, const char *name) {
    EVP_CIPHER *cipher = EVP_CIPHER_fetch(library, name, NULL);
    EVP_CIPHER_free(cipher);
    ERR_clear_error();
    return cipher != NULL;
}

/// A context in which the ciphers of the last century work; nothing outside this file ever sees it.
typedef struct {
    OSSL_LIB_CTX *library;
    OSSL_PROVIDER *current, *legacy;
} old_ciphers;

static void close_old(old_ciphers *old) {
    if (old->legacy != NULL) OSSL_PROVIDER_unload(old->legacy);
    if (old->current != NULL) OSSL_PROVIDER_unload(old->current);
    OSSL_LIB_CTX_free(old->library);
}

static copenssl_outcome open_old(old_ciphers *old, int cipher) {
    *old = (old_ciphers){.library = OSSL_LIB_CTX_new()};
    if (old->library == NULL) return COPENSSL_NO_MEMORY;
    old->current = OSSL_PROVIDER_load(old->library, "default");
    old->legacy = OSSL_PROVIDER_load(old->library, "legacy");
    if (old->current != NULL && old->legacy != NULL) {
        return copenssl_has_cipher(old->library, OBJ_nid2sn(cipher)) ? COPENSSL_OK : COPENSSL_UNKNOWN_CIPHER;
    }
    ERR_clear_error();
    return COPENSSL_NO_LEGACY_PROVIDER;
}

/// Whether the error queue says that the padding was wrong, which is how a wrong passphrase shows.
static bool is_bad_padding(void) {
    bool is_found = false;
    for (unsigned long code = ERR_get_error(); code != 0; code = ERR_get_error()) {
        if (ERR_GET_LIB(code) == ERR_LIB_PKCS12 && ERR_GET_REASON(code) == PKCS12_R_PKCS12_CIPHERFINAL_ERROR) {
            is_found = true;
        }
    }
    return is_found;
}

copenssl_outcome copenssl_decrypt(const X509_ALGOR *algorithm, const ASN1_OCTET_STRING *ciphertext,
                                  const char *passphrase, size_t length, uint64_t *budget, uint8_t **plain,
                                  size_t *count) {
    int sealed = ciphertext == NULL ? 0 : ASN1_STRING_length(ciphertext);
    if (sealed <= 0 || length > INT_MAX) return COPENSSL_MALFORMED;
    uint64_t rounds = 0;
    copenssl_outcome outcome = copenssl_work_of(algorithm, &rounds);
    if (outcome != COPENSSL_OK) return outcome;
    if (!copenssl_spend(budget, rounds)) return COPENSSL_TOO_MUCH_WORK;
    int cipher = cipher_of(algorithm);
    if (cipher == NID_undef) return COPENSSL_UNKNOWN_CIPHER;

    old_ciphers old = {0};
    if (!copenssl_has_cipher(NULL, OBJ_nid2sn(cipher))) outcome = open_old(&old, cipher);
    if (outcome == COPENSSL_OK) {
        unsigned char *data = NULL;
        int room = 0;
        unsigned char *done = PKCS12_pbe_crypt_ex(algorithm, passphrase, (int)length,
                                                  ASN1_STRING_get0_data(ciphertext), sealed, &data, &room, 0,
                                                  old.library, NULL);
        if (done != NULL && room >= 0) {
            *plain = data;
            *count = (size_t)room;
        } else {
            outcome = is_bad_padding() ? COPENSSL_WRONG_PASSPHRASE : COPENSSL_UNKNOWN_CIPHER;
        }
    }
    ERR_clear_error();
    close_old(&old);
    return outcome;
}
