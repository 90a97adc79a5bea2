#include "decrypt.h"

#include <limits.h>
#include <string.h>

#include <openssl/core_names.h>
#include <openssl/rsa.h>

// MARK: Reading

EVP_PKEY *copenssl_key_pkcs8(const uint8_t *der, size_t count) {
    if (count > INT_MAX) return NULL;
    const uint8_t *next = der;
    PKCS8_PRIV_KEY_INFO *info = d2i_PKCS8_PRIV_KEY_INFO(NULL, &next, (long)count);
    EVP_PKEY *key = info == NULL || next != der + count ? NULL : EVP_PKCS82PKEY(info);
    PKCS8_PRIV_KEY_INFO_free(info);
    return key;
}

EVP_PKEY *copenssl_key_traditional(int type, const uint8_t *der, size_t count) {
    if (count > INT_MAX) return NULL;
    const uint8_t *next = der;
    EVP_PKEY *key = d2i_PrivateKey(type, NULL, &next, (long)count);
    if (key != NULL && next != der + count) {
        EVP_PKEY_free(key);
        return NULL;
    }
    return key;
}

copenssl_outcome copenssl_key_encrypted_pkcs8(const uint8_t *der, size_t count, const char *passphrase, size_t length,
                                              uint64_t budget, EVP_PKEY **key) {
    *key = NULL;
    if (count > INT_MAX) return COPENSSL_MALFORMED;
    const uint8_t *next = der;
    X509_SIG *box = d2i_X509_SIG(NULL, &next, (long)count);
    if (box == NULL || next != der + count) {
        X509_SIG_free(box);
        return COPENSSL_MALFORMED;
    }
    const X509_ALGOR *algorithm = NULL;
    const ASN1_OCTET_STRING *ciphertext = NULL;
    X509_SIG_get0(box, &algorithm, &ciphertext);
    uint8_t *plain = NULL;
    size_t plain_count = 0;
    copenssl_outcome outcome =
        copenssl_decrypt(algorithm, ciphertext, passphrase, length, &budget, &plain, &plain_count);
    if (outcome == COPENSSL_OK) {
        *key = copenssl_key_pkcs8(plain, plain_count);
        // A wrong passphrase leaves right padding behind once in 256 times, or always with a stream cipher.
        if (*key == NULL) {
            bool is_key = copenssl_pkcs8_algorithm(plain, plain_count) != NULL;
            outcome = is_key ? COPENSSL_BAD_KEY : COPENSSL_WRONG_PASSPHRASE;
        }
        copenssl_clear_free(plain, plain_count);
    }
    X509_SIG_free(box);
    return outcome;
}

typedef struct {
    const char *text;
    size_t length;
} passphrase_text;

static int give_passphrase(char *into, int room, int is_writing, void *context) {
    (void)is_writing;
    const passphrase_text *passphrase = context;
    if (room < 0 || passphrase->length > (size_t)room) return -1;
    memcpy(into, passphrase->text, passphrase->length);
    return (int)passphrase->length;
}

copenssl_outcome copenssl_key_encrypted_pem(int type, const uint8_t *text, size_t count, const char *passphrase,
                                            size_t length, EVP_PKEY **key) {
    *key = NULL;
    if (count > INT_MAX) return COPENSSL_MALFORMED;
    BIO *bio = BIO_new_mem_buf(text, (int)count);
    char *label = NULL, *header = NULL;
    unsigned char *der = NULL;
    long der_count = 0;
    copenssl_outcome outcome = COPENSSL_MALFORMED;
    // Step by step, so that what comes out is read as the label says and as nothing else.
    EVP_CIPHER_INFO cipher;
    if (bio != NULL && PEM_read_bio(bio, &label, &header, &der, &der_count) == 1) {
        long room = der_count;
        passphrase_text held = {passphrase, length};
        if (PEM_get_EVP_CIPHER_INFO(header, &cipher) != 1 || cipher.cipher == NULL) {
            unsigned long error = ERR_peek_last_error();
            bool is_unknown = ERR_GET_REASON(error) == PEM_R_UNSUPPORTED_ENCRYPTION;
            outcome = is_unknown ? COPENSSL_UNKNOWN_CIPHER : COPENSSL_MALFORMED;
        } else if (!copenssl_has_cipher(NULL, EVP_CIPHER_get0_name(cipher.cipher))) {
            // Single DES, for one: PEM_do_header knows no other context than the shared one.
            outcome = COPENSSL_UNKNOWN_CIPHER;
        } else if (PEM_do_header(&cipher, der, &der_count, give_passphrase, &held) != 1) {
            outcome = COPENSSL_WRONG_PASSPHRASE;
        } else {
            *key = copenssl_key_traditional(type, der, (size_t)der_count);
            outcome = *key == NULL ? COPENSSL_WRONG_PASSPHRASE : COPENSSL_OK;
        }
        OPENSSL_cleanse(der, (size_t)room);
    }
    OPENSSL_free(label);
    OPENSSL_free(header);
    OPENSSL_free(der);
    BIO_free(bio);
    return outcome;
}

const char *copenssl_pkcs8_algorithm(const uint8_t *der, size_t count) {
    if (count > INT_MAX) return NULL;
    const uint8_t *next = der;
    PKCS8_PRIV_KEY_INFO *info = d2i_PKCS8_PRIV_KEY_INFO(NULL, &next, (long)count);
    const ASN1_OBJECT *object = NULL;
    const char *name = NULL;
    if (info != NULL && PKCS8_pkey_get0(&object, NULL, NULL, NULL, info) == 1) {
        int kind = OBJ_obj2nid(object);
        name = kind == NID_undef ? "unknown" : OBJ_nid2sn(kind);
    }
    PKCS8_PRIV_KEY_INFO_free(info);
    return name;
}

// MARK: Judging

/// The curve, when it is given by its name as TLS wants it.
static void note_curve(const EVP_PKEY *key, copenssl_key_traits *traits) {
    char encoding[16] = "";
    size_t count = 0;
    if (EVP_PKEY_get_utf8_string_param(key, OSSL_PKEY_PARAM_EC_ENCODING, encoding, sizeof(encoding), &count) == 1) {
        traits->has_explicit_curve = strcmp(encoding, OSSL_PKEY_EC_ENCODING_EXPLICIT) == 0;
    }
    if (EVP_PKEY_get_utf8_string_param(key, OSSL_PKEY_PARAM_GROUP_NAME, traits->curve, sizeof(traits->curve), &count)
        != 1) {
        traits->curve[0] = 0;
    }
}

void copenssl_key_judge(EVP_PKEY *key, copenssl_key_traits *traits) {
    memset(traits, 0, sizeof(*traits));
    traits->bits = EVP_PKEY_get_bits(key);
    const char *name = OBJ_nid2sn(EVP_PKEY_get_base_id(key));
    strncpy(traits->name, name == NULL ? "unknown" : name, sizeof(traits->name) - 1);
    switch (EVP_PKEY_get_base_id(key)) {
    case EVP_PKEY_RSA:
        traits->kind = COPENSSL_KEY_RSA;
        break;
    case EVP_PKEY_RSA_PSS: {
        traits->kind = COPENSSL_KEY_RSA_PSS;
        int digest = NID_undef;
        // 2: the key allows this digest alone.
        if (EVP_PKEY_get_default_digest_nid(key, &digest) == 2) {
            traits->has_odd_digest = digest != NID_sha256 && digest != NID_sha384 && digest != NID_sha512;
        }
        break;
    }
    case EVP_PKEY_EC:
        traits->kind = COPENSSL_KEY_EC;
        note_curve(key, traits);
        break;
    case EVP_PKEY_ED25519:
    case EVP_PKEY_ED448:
        traits->kind = COPENSSL_KEY_EDWARDS;
        break;
    default:
        traits->kind = COPENSSL_KEY_OTHER;
    }
    ERR_clear_error();
}

/// TLS signs with the digest's own mask function and a salt as long as it (RFC 8446 section 4.2.3); a key
/// may forbid that.
static bool allows_tls_padding(EVP_PKEY_CTX *parameters) {
    const EVP_MD *digest = NULL;
    return EVP_PKEY_CTX_get_signature_md(parameters, &digest) == 1
        && EVP_PKEY_CTX_set_rsa_mgf1_md(parameters, digest) == 1
        && EVP_PKEY_CTX_set_rsa_pss_saltlen(parameters, RSA_PSS_SALTLEN_DIGEST) == 1;
}

copenssl_outcome copenssl_key_try(EVP_PKEY *key) {
    static const uint8_t probe[32] = "a key that belongs to itself";
    uint8_t *signature = NULL;
    size_t count = 0;
    EVP_MD_CTX *signer = EVP_MD_CTX_new(), *checker = EVP_MD_CTX_new();
    EVP_PKEY_CTX *parameters = NULL;
    copenssl_outcome outcome = COPENSSL_BAD_KEY;
    bool is_pss = EVP_PKEY_get_base_id(key) == EVP_PKEY_RSA_PSS;
    if (signer == NULL || checker == NULL) {
        outcome = COPENSSL_NO_MEMORY;
    } else if (EVP_DigestSignInit(signer, &parameters, NULL, NULL, key) != 1) {
        outcome = COPENSSL_BAD_KEY;
    } else if (is_pss && !allows_tls_padding(parameters)) {
        outcome = COPENSSL_UNKNOWN_CIPHER;
    } else if (EVP_DigestSign(signer, NULL, &count, probe, sizeof(probe)) == 1
               && (signature = OPENSSL_malloc(count)) != NULL
               && EVP_DigestSign(signer, signature, &count, probe, sizeof(probe)) == 1
               && EVP_DigestVerifyInit(checker, &parameters, NULL, NULL, key) == 1
               && (!is_pss || allows_tls_padding(parameters))
               && EVP_DigestVerify(checker, signature, count, probe, sizeof(probe)) == 1) {
        outcome = COPENSSL_OK;
    }
    OPENSSL_free(signature);
    EVP_MD_CTX_free(signer);
    EVP_MD_CTX_free(checker);
    ERR_clear_error();
    return outcome;
}

// MARK: Writing

size_t copenssl_key_to_pkcs8(const EVP_PKEY *key, uint8_t **der) {
    PKCS8_PRIV_KEY_INFO *info = EVP_PKEY2PKCS8(key);
    if (info == NULL) return 0;
    *der = NULL;
    int count = i2d_PKCS8_PRIV_KEY_INFO(info, der);
    PKCS8_PRIV_KEY_INFO_free(info);
    return count > 0 ? (size_t)count : 0;
}

void copenssl_clear_free(uint8_t *bytes, size_t count) {
    OPENSSL_clear_free(bytes, count);
}

void copenssl_free(void *bytes) {
    OPENSSL_free(bytes);
}
