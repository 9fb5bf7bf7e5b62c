/* tls.h - the certificate and the private key that a server shows and proves, out of two files in PEM form (RFC 7468).
 *
 * libmicrohttpd speaks TLS through GnuTLS, 1.2 and 1.3 alone (RFC 9325). They are read once: a certificate that was renewed is taken at the next
 * start. */
#ifndef RUNG_SERVE_TLS_H
#define RUNG_SERVE_TLS_H

#include <stdbool.h>

#include "base/error.h"

#define TLS_VERSIONS "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2" /* a priority string of GnuTLS */

struct tls_pair {
	char *certificate, *key; /* PEM; the certificate may be followed by those that signed it */
};

/* False and a sentence: this libmicrohttpd has no TLS, a file cannot be read, everybody can read the key, the two do not fit together. No sentence
 * quotes the files. */
bool tls_read(struct tls_pair *out, const char *certificate, const char *key, struct error *err);
void tls_forget(struct tls_pair *p); /* wipes the key */

#endif
