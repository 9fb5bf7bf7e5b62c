/* sha256.h - SHA-256 (FIPS 180-4), for names that others recompute: a content security policy names a script by it. */
#ifndef RUNG_BASE_SHA256_H
#define RUNG_BASE_SHA256_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

enum { SHA256_BYTES = 32 };

void sha256(const void *bytes, size_t n, uint8_t out[SHA256_BYTES]);

/* Appends the bytes in base64 (RFC 4648, with padding). */
void base64_add(struct buf *out, const uint8_t *bytes, size_t n);

#endif
