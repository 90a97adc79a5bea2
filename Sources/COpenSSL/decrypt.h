// Decryption with a passphrase, for key.c and pkcs12.c: bounded work, and old ciphers in a context apart.
#ifndef COPENSSL_DECRYPT_H
#define COPENSSL_DECRYPT_H

#include "COpenSSL.h"

/// A number of rounds; `COPENSSL_MALFORMED` for none, zero and less.
copenssl_outcome copenssl_rounds_in(const ASN1_INTEGER *number, uint64_t *rounds);

/// How much key derivation an encryption asks for, in rounds of its function.
copenssl_outcome copenssl_work_of(const X509_ALGOR *algorithm, uint64_t *rounds);

/// The same for one key derivation function: PBKDF2 or scrypt.
copenssl_outcome copenssl_work_of_derivation(const X509_ALGOR *derivation, uint64_t *rounds);

/// Takes `rounds` from what may still be spent; false when that is too little.
bool copenssl_spend(uint64_t *budget, uint64_t rounds);

/// Whether a library context (NULL: the one that all the process shares) can do a cipher.
bool copenssl_has_cipher(OSSL_LIB_CTX *library, const char *name);

/// Decrypts with what the algorithm says; `*plain` ends with `copenssl_clear_free`.
///
/// A wrong passphrase is not always noticed here: it can also yield rubbish.
copenssl_outcome copenssl_decrypt(const X509_ALGOR *algorithm, const ASN1_OCTET_STRING *ciphertext,
                                  const char *passphrase, size_t length, uint64_t *budget, uint8_t **plain,
                                  size_t *count);

#endif
