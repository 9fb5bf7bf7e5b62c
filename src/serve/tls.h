/* tls.h - the certificate and the private key that a server shows and proves, out of two files in PEM form (RFC 7468).
 *
 * libmicrohttpd speaks TLS through GnuTLS, 1.2 and 1.3 alone (RFC 9325), and asks tls_retrieve() for both at each handshake. So a certificate that
 * was renewed is taken while the server runs: who has shaken hands keeps the old one. One thread at a time per struct tls. */
#ifndef RUNG_SERVE_TLS_H
#define RUNG_SERVE_TLS_H

#include <gnutls/abstract.h>
#include <stdbool.h>

#include "base/error.h"

#define TLS_VERSIONS "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2" /* a priority string of GnuTLS */

struct tls;

/* certificate: the server's own first, those that signed it behind it. NULL and a sentence: this libmicrohttpd has no TLS, a file cannot be read,
 * everybody can read the key, the two do not fit together. No sentence quotes the files. Borrows the paths. */
struct tls *tls_open(const char *certificate, const char *key, struct error *err);
/* Reads the files again if they have changed since they were last read. False and a sentence: they are wrong, and what was shown is shown on. */
bool tls_refresh(struct tls *t, struct error *err);
void tls_free(struct tls *t);

/* Whose certificate handshakes in this thread show. */
void tls_use(struct tls *t);
gnutls_certificate_retrieve_function2 tls_retrieve;

#endif
