#include "COpenSSL.h"

#include <limits.h>
#include <string.h>

static EVP_PKEY *from_info(PKCS8_PRIV_KEY_INFO *info) {
    EVP_PKEY *key = info == NULL ? NULL : EVP_PKCS82PKEY(info);
    PKCS8_PRIV_KEY_INFO_free(info);
    return key;
}

EVP_PKEY *copenssl_key_pkcs8(const uint8_t *der, size_t count) {
    if (count > INT_MAX) return NULL;
    const uint8_t *next = der;
    PKCS8_PRIV_KEY_INFO *info = d2i_PKCS8_PRIV_KEY_INFO(NULL, &next, (long)count);
    if (info != NULL && next != der + count) {
        PKCS8_PRIV_KEY_INFO_free(info);
        return NULL;
    }
    return from_info(info);
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

EVP_PKEY *copenssl_key_encrypted_pkcs8(const uint8_t *der, size_t count, const char *passphrase, size_t length) {
    if (count > INT_MAX || length > INT_MAX) return NULL;
    const uint8_t *next = der;
    X509_SIG *box = d2i_X509_SIG(NULL, &next, (long)count);
    if (box == NULL) return NULL;
    PKCS8_PRIV_KEY_INFO *info = PKCS8_decrypt(box, passphrase, (int)length);
    X509_SIG_free(box);
    return from_info(info);
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

EVP_PKEY *copenssl_key_encrypted_pem(const uint8_t *text, size_t count, const char *passphrase, size_t length) {
    if (count > INT_MAX) return NULL;
    BIO *bio = BIO_new_mem_buf(text, (int)count);
    if (bio == NULL) return NULL;
    passphrase_text held = {passphrase, length};
    EVP_PKEY *key = PEM_read_bio_PrivateKey(bio, NULL, give_passphrase, &held);
    BIO_free(bio);
    return key;
}

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
