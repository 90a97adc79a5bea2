#include "decrypt.h"

#include <limits.h>
#include <string.h>

// The walk through a PKCS#12 file (RFC 7292 section 4) is our own: PKCS12_parse would derive keys before
// anybody has looked at what the file asks for, and knows the old ciphers only when all the process does.

enum { maximum_depth = 8, maximum_entries = 4096 };

typedef struct {
    const char *passphrase;
    size_t length;
    uint64_t budget;
    bool is_passphrase_proven;
    copenssl_pkcs12 *contents;
} reader;

typedef struct stack_st_PKCS12_SAFEBAG bags;

static copenssl_outcome read_bags(reader *reader, const bags *bags, int depth);

// MARK: Entries

static copenssl_outcome take_key(reader *reader, const PKCS8_PRIV_KEY_INFO *info) {
    copenssl_pkcs12 *contents = reader->contents;
    contents->key_count++;
    if (contents->key != NULL) return COPENSSL_OK;
    contents->key = info == NULL ? NULL : EVP_PKCS82PKEY(info);
    if (contents->key != NULL) return COPENSSL_OK;
    const ASN1_OBJECT *object = NULL;
    if (info != NULL && PKCS8_pkey_get0(&object, NULL, NULL, NULL, info) == 1) {
        contents->key_algorithm = OBJ_nid2sn(OBJ_obj2nid(object));
    }
    return COPENSSL_BAD_KEY;
}

static copenssl_outcome take_encrypted_key(reader *reader, const PKCS12_SAFEBAG *bag) {
    const X509_SIG *box = PKCS12_SAFEBAG_get0_pkcs8(bag);
    if (box == NULL) return COPENSSL_MALFORMED;
    const X509_ALGOR *algorithm = NULL;
    const ASN1_OCTET_STRING *ciphertext = NULL;
    X509_SIG_get0(box, &algorithm, &ciphertext);
    uint8_t *plain = NULL;
    size_t count = 0;
    copenssl_outcome outcome = copenssl_decrypt(algorithm, ciphertext, reader->passphrase, reader->length,
                                                &reader->budget, &plain, &count);
    if (outcome != COPENSSL_OK) return outcome;
    const uint8_t *next = plain;
    PKCS8_PRIV_KEY_INFO *info = d2i_PKCS8_PRIV_KEY_INFO(NULL, &next, (long)count);
    outcome = info == NULL ? COPENSSL_WRONG_PASSPHRASE : take_key(reader, info);
    PKCS8_PRIV_KEY_INFO_free(info);
    copenssl_clear_free(plain, count);
    return outcome;
}

static copenssl_outcome take_certificate(reader *reader, const PKCS12_SAFEBAG *bag) {
    if (PKCS12_SAFEBAG_get_bag_nid(bag) != NID_x509Certificate) return COPENSSL_OK;
    X509 *certificate = PKCS12_SAFEBAG_get1_cert(bag);
    if (certificate == NULL) return COPENSSL_BAD_CERTIFICATE;
    bool is_added = copenssl_certificates_add(reader->contents->certificates, certificate);
    X509_free(certificate);
    return is_added ? COPENSSL_OK : COPENSSL_NO_MEMORY;
}

static copenssl_outcome read_bag(reader *reader, const PKCS12_SAFEBAG *bag, int depth) {
    switch (PKCS12_SAFEBAG_get_nid(bag)) {
    case NID_keyBag:
        return take_key(reader, PKCS12_SAFEBAG_get0_p8inf(bag));
    case NID_pkcs8ShroudedKeyBag:
        return take_encrypted_key(reader, bag);
    case NID_certBag:
        return take_certificate(reader, bag);
    case NID_safeContentsBag:
        return read_bags(reader, PKCS12_SAFEBAG_get0_safes(bag), depth + 1);
    default:
        // Revocation lists and secrets of other kinds are not ours to read.
        return COPENSSL_OK;
    }
}

static copenssl_outcome read_bags(reader *reader, const bags *bags, int depth) {
    if (bags == NULL || depth > maximum_depth) return COPENSSL_MALFORMED;
    for (int index = 0; index < sk_PKCS12_SAFEBAG_num(bags); index++) {
        if (++reader->contents->entry > maximum_entries) return COPENSSL_TOO_MUCH_WORK;
        copenssl_outcome outcome = read_bag(reader, sk_PKCS12_SAFEBAG_value(bags, index), depth);
        if (outcome != COPENSSL_OK) return outcome;
    }
    return COPENSSL_OK;
}

// MARK: Safes

/// What an encrypted safe is encrypted with; NULL when the safe is broken.
static const PKCS7_ENC_CONTENT *sealed_part(const PKCS7 *safe) {
    const PKCS7_ENCRYPT *encrypted = safe->d.encrypted;
    return encrypted == NULL ? NULL : encrypted->enc_data;
}

static copenssl_outcome read_encrypted_safe(reader *reader, const PKCS7 *safe) {
    const PKCS7_ENC_CONTENT *sealed = sealed_part(safe);
    if (sealed == NULL || sealed->algorithm == NULL || sealed->enc_data == NULL) return COPENSSL_MALFORMED;
    uint8_t *plain = NULL;
    size_t count = 0;
    copenssl_outcome outcome = copenssl_decrypt(sealed->algorithm, sealed->enc_data, reader->passphrase,
                                                reader->length, &reader->budget, &plain, &count);
    if (outcome != COPENSSL_OK) return outcome;
    const uint8_t *next = plain;
    bags *bags = count > LONG_MAX
        ? NULL
        : (void *)ASN1_item_d2i(NULL, &next, (long)count, ASN1_ITEM_rptr(PKCS12_SAFEBAGS));
    copenssl_clear_free(plain, count);
    if (bags == NULL) return COPENSSL_WRONG_PASSPHRASE;
    outcome = read_bags(reader, bags, 0);
    sk_PKCS12_SAFEBAG_pop_free(bags, PKCS12_SAFEBAG_free);
    return outcome;
}

static copenssl_outcome read_plain_safe(reader *reader, PKCS7 *safe) {
    if (safe->d.data == NULL) return COPENSSL_MALFORMED;
    bags *bags = PKCS12_unpack_p7data(safe);
    if (bags == NULL) return COPENSSL_MALFORMED;
    copenssl_outcome outcome = read_bags(reader, bags, 0);
    sk_PKCS12_SAFEBAG_pop_free(bags, PKCS12_SAFEBAG_free);
    return outcome;
}

static copenssl_outcome read_safes(reader *reader, const STACK_OF(PKCS7) *safes) {
    for (int index = 0; index < sk_PKCS7_num(safes); index++) {
        PKCS7 *safe = sk_PKCS7_value(safes, index);
        copenssl_outcome outcome = COPENSSL_MALFORMED;
        switch (OBJ_obj2nid(safe->type)) {
        case NID_pkcs7_data:
            outcome = read_plain_safe(reader, safe);
            break;
        case NID_pkcs7_encrypted:
            outcome = read_encrypted_safe(reader, safe);
            break;
        case NID_pkcs7_enveloped:
            outcome = COPENSSL_UNKNOWN_CIPHER;
            break;
        default:
            break;
        }
        // The passphrase has been seen to be right: then it is the contents that are broken.
        if (outcome == COPENSSL_WRONG_PASSPHRASE && reader->is_passphrase_proven) return COPENSSL_MALFORMED;
        if (outcome != COPENSSL_OK) return outcome;
    }
    return COPENSSL_OK;
}

// MARK: Work and integrity

static copenssl_outcome work_of_mac(const PKCS12 *file, uint64_t *rounds) {
    const ASN1_INTEGER *iterations = NULL;
    const X509_ALGOR *algorithm = NULL;
    PKCS12_get0_mac(NULL, &algorithm, NULL, &iterations, file);
    *rounds = 1;
    if (algorithm != NULL && OBJ_obj2nid(algorithm->algorithm) == NID_pbmac1) {
        // RFC 9579: the derivation is the first of two parameters, both algorithms.
        STACK_OF(ASN1_TYPE) *parts = ASN1_TYPE_unpack_sequence(ASN1_ITEM_rptr(ASN1_SEQUENCE_ANY), algorithm->parameter);
        X509_ALGOR *derivation = parts == NULL || sk_ASN1_TYPE_num(parts) == 0
            ? NULL
            : ASN1_TYPE_unpack_sequence(ASN1_ITEM_rptr(X509_ALGOR), sk_ASN1_TYPE_value(parts, 0));
        copenssl_outcome outcome =
            derivation == NULL ? COPENSSL_MALFORMED : copenssl_work_of_derivation(derivation, rounds);
        X509_ALGOR_free(derivation);
        sk_ASN1_TYPE_pop_free(parts, ASN1_TYPE_free);
        return outcome;
    }
    return iterations == NULL ? COPENSSL_OK : copenssl_rounds_in(iterations, rounds);
}

/// All that can be asked for before anything is decrypted; what encrypted safes hide is counted later.
static copenssl_outcome refuse_excess(const PKCS12 *file, const STACK_OF(PKCS7) *safes, uint64_t budget) {
    uint64_t rounds = 0;
    if (PKCS12_mac_present(file)) {
        copenssl_outcome outcome = work_of_mac(file, &rounds);
        if (outcome != COPENSSL_OK) return outcome;
        if (!copenssl_spend(&budget, rounds)) return COPENSSL_TOO_MUCH_WORK;
    }
    for (int index = 0; index < sk_PKCS7_num(safes); index++) {
        const PKCS7 *safe = sk_PKCS7_value(safes, index);
        if (OBJ_obj2nid(safe->type) != NID_pkcs7_encrypted) continue;
        const PKCS7_ENC_CONTENT *sealed = sealed_part(safe);
        if (sealed == NULL || sealed->algorithm == NULL) return COPENSSL_MALFORMED;
        // An unknown cipher is reported when its turn comes.
        if (copenssl_work_of(sealed->algorithm, &rounds) != COPENSSL_OK) continue;
        if (!copenssl_spend(&budget, rounds)) return COPENSSL_TOO_MUCH_WORK;
    }
    return COPENSSL_OK;
}

static copenssl_outcome check_mac(reader *reader, PKCS12 *file) {
    uint64_t rounds = 0;
    copenssl_outcome outcome = work_of_mac(file, &rounds);
    if (outcome != COPENSSL_OK) return outcome;
    if (!copenssl_spend(&reader->budget, rounds)) return COPENSSL_TOO_MUCH_WORK;
    if (PKCS12_verify_mac(file, reader->passphrase, (int)reader->length) == 1) {
        reader->is_passphrase_proven = true;
        return COPENSSL_OK;
    }
    // A mismatch leaves no error behind; an unknown digest does.
    outcome = ERR_peek_error() == 0 ? COPENSSL_WRONG_PASSPHRASE : COPENSSL_UNKNOWN_CIPHER;
    ERR_clear_error();
    return outcome;
}

// MARK: Files

static copenssl_outcome read_with(reader *reader, PKCS12 *file, const STACK_OF(PKCS7) *safes) {
    if (PKCS12_mac_present(file)) {
        copenssl_outcome outcome = check_mac(reader, file);
        if (outcome != COPENSSL_OK) return outcome;
    }
    return read_safes(reader, safes);
}

static bool start(copenssl_pkcs12 *contents) {
    memset(contents, 0, sizeof(*contents));
    contents->certificates = copenssl_certificates_new();
    return contents->certificates != NULL;
}

copenssl_outcome copenssl_pkcs12_read(const uint8_t *bytes, size_t count, const char *passphrase, size_t length,
                                      uint64_t budget, copenssl_pkcs12 *contents) {
    if (!start(contents)) return COPENSSL_NO_MEMORY;
    if (count > INT_MAX || length > INT_MAX) return COPENSSL_MALFORMED;
    const uint8_t *next = bytes;
    PKCS12 *file = d2i_PKCS12(NULL, &next, (long)count);
    // NULL, too, when the file is signed with a key instead of a passphrase.
    STACK_OF(PKCS7) *safes = file == NULL || next != bytes + count ? NULL : PKCS12_unpack_authsafes(file);
    ERR_clear_error();
    copenssl_outcome outcome = safes == NULL ? COPENSSL_MALFORMED : refuse_excess(file, safes, budget);
    if (outcome == COPENSSL_OK) {
        reader reader = {passphrase, length, budget, false, contents};
        outcome = read_with(&reader, file, safes);
        // No passphrase is written in two ways, as no text and as an empty text (RFC 7292 appendix B.1).
        if (outcome != COPENSSL_OK && length == 0) {
            copenssl_pkcs12 again;
            if (start(&again)) {
                copenssl_outcome first = outcome;
                reader.passphrase = passphrase == NULL ? "" : NULL;
                reader.is_passphrase_proven = false;
                reader.contents = &again;
                outcome = read_with(&reader, file, safes);
                bool is_better = outcome == COPENSSL_OK || first == COPENSSL_WRONG_PASSPHRASE;
                copenssl_pkcs12 worse = is_better ? *contents : again;
                if (is_better) *contents = again; else outcome = first;
                copenssl_pkcs12_clear(&worse);
            }
        }
    }
    sk_PKCS7_pop_free(safes, PKCS7_free);
    PKCS12_free(file);
    ERR_clear_error();
    return outcome;
}

void copenssl_pkcs12_clear(copenssl_pkcs12 *contents) {
    copenssl_certificates_free(contents->certificates);
    EVP_PKEY_free(contents->key);
    memset(contents, 0, sizeof(*contents));
}
