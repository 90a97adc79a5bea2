// OpenSSL for Swift: its headers, and functions for what Swift cannot see in them (macros, variadic
// functions, typed stacks). Compiles with OpenSSL 3.0 (Debian 12) to 3.5 (Debian 13).
#ifndef COPENSSL_H
#define COPENSSL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <openssl/asn1.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/objects.h>
#include <openssl/pem.h>
#include <openssl/pkcs12.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

// MARK: Sessions (session.c)

/// What lies between a session and its driver: ciphertext in, ciphertext out. There is no socket.
typedef struct {
    /// Lent by the driver for the length of one call, and what it has not read of it.
    const uint8_t *input;
    size_t input_count;
    /// Ciphertext that was received earlier and not yet read; owned, read before `input`.
    uint8_t *pending;
    size_t pending_start, pending_end, pending_capacity;
    /// Ciphertext for the peer; owned. The driver takes from the start, the session adds at the end.
    uint8_t *output;
    size_t output_start, output_end, output_capacity;
    /// The client offered no application protocol although the context wants one.
    bool is_missing_alpn;
} copenssl_io;

/// Whether the linked OpenSSL can use a group for key exchange, by its name in TLS.
bool copenssl_has_group(const char *name);

/// Sets what all our contexts share: options, modes, groups, cipher order, no resumption.
bool copenssl_context_prepare(SSL_CTX *context, int minimum_version, int maximum_version);

/// Lets a server resume sessions by tickets that it keeps no state for; the call backs fill and judge them.
bool copenssl_context_issue_tickets(SSL_CTX *context, SSL_CTX_generate_session_ticket_fn generate,
                                    SSL_CTX_decrypt_session_ticket_fn decrypt);
/// Lets a client resume sessions; the call back takes the tickets.
void copenssl_context_collect_tickets(SSL_CTX *context, int (*collect)(SSL *, SSL_SESSION *));

/// Protocols in the wire format of RFC 7301, in order of preference; the list is copied.
/// A server that has protocols refuses a client that offers none of them.
bool copenssl_context_set_alpn(SSL_CTX *context, bool is_server, const uint8_t *list, size_t count);
bool copenssl_context_add_chain_certificate(SSL_CTX *context, X509 *certificate);

/// A session over memory. `*io` belongs to the session and lives as long as it does.
SSL *copenssl_session_new(SSL_CTX *context, bool is_server, copenssl_io **io);
bool copenssl_session_set_server_name(SSL *session, const char *name);
const char *copenssl_session_group_name(SSL *session);
SSL *copenssl_session_of_verification(X509_STORE_CTX *verification);

/// Lends `count` bytes to read from; ends with `copenssl_io_reclaim`.
void copenssl_io_lend(copenssl_io *io, const uint8_t *bytes, size_t count);
/// Ends the loan; copies what was not read. False when there is no memory for it.
bool copenssl_io_reclaim(copenssl_io *io);
/// Makes room for the ciphertext of `plaintext_count` bytes.
bool copenssl_io_reserve(copenssl_io *io, size_t plaintext_count);
/// Drops `count` bytes from the start of the output.
void copenssl_io_consume(copenssl_io *io, size_t count);
/// Gives back the memory of buffers that hold nothing.
void copenssl_io_release(copenssl_io *io);

// MARK: Certificates (certificate.c)

typedef struct stack_st_X509 copenssl_certificates;

copenssl_certificates *copenssl_certificates_new(void);
bool copenssl_certificates_add(copenssl_certificates *stack, X509 *certificate);
int copenssl_certificates_count(const copenssl_certificates *stack);
X509 *copenssl_certificates_at(const copenssl_certificates *stack, int index);
void copenssl_certificates_free(copenssl_certificates *stack);

/// The subject in RFC 2253 form, control characters escaped, cut to fit, always terminated.
void copenssl_subject_text(const X509 *certificate, char *text, size_t room);
/// The length of the first common name in UTF-8, or -1.
int copenssl_common_name(const X509 *certificate, uint8_t *text, size_t room);

GENERAL_NAMES *copenssl_names_of(const X509 *certificate);
int copenssl_names_count(const GENERAL_NAMES *names);
/// The GEN_* type of a name and, for DNS, e-mail, URI and IP, its bytes (else NULL).
int copenssl_names_at(const GENERAL_NAMES *names, int index, const uint8_t **bytes, size_t *count);

/// Whether any kind of extension is there twice (forbidden by RFC 5280 section 4.2).
bool copenssl_has_repeated_extension(const X509 *certificate);

/// Seconds since 1970; false when the time does not parse.
bool copenssl_seconds(const ASN1_TIME *time, int64_t *seconds);
/// SHA-256 of a certificate's DER, and of its public key's (SPKI).
bool copenssl_fingerprint(const X509 *certificate, uint8_t digest[32]);
bool copenssl_key_fingerprint(const X509 *certificate, uint8_t digest[32]);

// MARK: Issuing (issue.c)

/// A new key: on a named curve, or of an algorithm ("RSA", "ED25519") with a size where it has one (else 0).
EVP_PKEY *copenssl_key_generate(const char *algorithm, const char *curve, int bits);
bool copenssl_set_random_serial(X509 *certificate);
bool copenssl_set_common_name(X509 *certificate, const uint8_t *text, size_t count);
bool copenssl_set_issuer_common_name(X509 *certificate, const uint8_t *text, size_t count);
bool copenssl_add_extension(X509 *certificate, X509 *issuer, int identifier, const char *value);
/// An extension whose contents nobody looks at.
bool copenssl_add_raw_extension(X509 *certificate, const char *oid, bool is_critical, const uint8_t *der, size_t count);
/// Signs with a digest ("SHA384"), or with the one that suits the key when there is none.
bool copenssl_sign(X509 *certificate, EVP_PKEY *key, const char *digest);

// MARK: Outcomes

/// How reading something that is encrypted or packed ended.
typedef enum {
    COPENSSL_OK,
    COPENSSL_MALFORMED,
    /// Or the bytes were altered: one cannot be told from the other.
    COPENSSL_WRONG_PASSPHRASE,
    /// Key derivation beyond the budget; nothing of it was done.
    COPENSSL_TOO_MUCH_WORK,
    /// The cipher is in the provider `legacy` alone, which is not installed.
    COPENSSL_NO_LEGACY_PROVIDER,
    COPENSSL_UNKNOWN_CIPHER,
    COPENSSL_BAD_KEY,
    COPENSSL_BAD_CERTIFICATE,
    COPENSSL_NO_MEMORY,
} copenssl_outcome;

// MARK: Keys (key.c, decrypt.c)

/// A key from the DER of one of the three plain forms; NULL on any left-over byte.
EVP_PKEY *copenssl_key_pkcs8(const uint8_t *der, size_t count);
EVP_PKEY *copenssl_key_traditional(int type, const uint8_t *der, size_t count);
/// A key from encrypted PKCS#8. `budget` is the number of rounds of key derivation that are allowed.
copenssl_outcome copenssl_key_encrypted_pkcs8(const uint8_t *der, size_t count, const char *passphrase, size_t length,
                                              uint64_t budget, EVP_PKEY **key);
/// A key of `type` from the text of a PEM block that is encrypted in the traditional way (DEK-Info).
copenssl_outcome copenssl_key_encrypted_pem(int type, const uint8_t *text, size_t count, const char *passphrase,
                                            size_t length, EVP_PKEY **key);
/// The short name of the algorithm that a PKCS#8 key is for; NULL when it is no PKCS#8.
const char *copenssl_pkcs8_algorithm(const uint8_t *der, size_t count);

typedef enum {
    COPENSSL_KEY_OTHER,
    COPENSSL_KEY_RSA,
    COPENSSL_KEY_RSA_PSS,
    COPENSSL_KEY_EC,
    COPENSSL_KEY_EDWARDS,
} copenssl_key_kind;

/// What decides whether TLS can use a key.
typedef struct {
    copenssl_key_kind kind;
    int bits;
    /// OpenSSL's short name of the algorithm.
    char name[32];
    char curve[32];
    /// The curve is spelled out instead of named.
    bool has_explicit_curve;
    /// An RSA-PSS key that is bound to a digest which TLS 1.3 does not sign with.
    bool has_odd_digest;
} copenssl_key_traits;

void copenssl_key_judge(EVP_PKEY *key, copenssl_key_traits *traits);
/// Signs with the secret half as TLS would and verifies with the public half: `COPENSSL_BAD_KEY` when they
/// do not fit together, `COPENSSL_UNKNOWN_CIPHER` when the key forbids what TLS needs.
copenssl_outcome copenssl_key_try(EVP_PKEY *key);

/// The PKCS#8 DER of a key: calls `OPENSSL_clear_free(*der, result)` when done. 0 on failure.
size_t copenssl_key_to_pkcs8(const EVP_PKEY *key, uint8_t **der);
void copenssl_clear_free(uint8_t *bytes, size_t count);
void copenssl_free(void *bytes);

// MARK: Containers (pkcs12.c, pkcs7.c)

/// What a PKCS#12 file holds.
typedef struct {
    /// In the order of the file; owned.
    copenssl_certificates *certificates;
    /// The first key, and how many there are; owned.
    EVP_PKEY *key;
    int key_count;
    /// The entry that was read last, counted from 1: on failure the one at fault, 0 for none.
    int entry;
    /// With `COPENSSL_BAD_KEY`: the short name of its algorithm, or NULL.
    const char *key_algorithm;
} copenssl_pkcs12;

/// Reads a PKCS#12 file; `contents` ends with `copenssl_pkcs12_clear` whatever the outcome.
///
/// An empty passphrase (also NULL) is tried in both of its encodings. `budget` is the number of rounds of
/// key derivation that all of the file may ask for.
copenssl_outcome copenssl_pkcs12_read(const uint8_t *bytes, size_t count, const char *passphrase, size_t length,
                                      uint64_t budget, copenssl_pkcs12 *contents);
void copenssl_pkcs12_clear(copenssl_pkcs12 *contents);

/// The certificates in signed PKCS#7 (`.p7b`); NULL when it is not that.
copenssl_certificates *copenssl_pkcs7_certificates(const uint8_t *bytes, size_t count);

#endif
