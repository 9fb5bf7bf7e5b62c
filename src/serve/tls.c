/* tls.c - two files, read whole, held against each other, and kept as long as a handshake may look at them */
#include "serve/tls.h"

#include <microhttpd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/arena.h"
#include "base/file.h"

enum { MOST_BYTES = 1 << 20, CHAIN_MOST = 16, ID_BYTES = 64 };

/* What was read at one time. */
struct pair {
	gnutls_pcert_st chain[CHAIN_MOST];
	unsigned n_chain;
	gnutls_privkey_t key;
	struct pair *before; /* that a handshake may still look at */
};

struct stamp {
	struct timespec changed[2];
	off_t size[2];
	ino_t file[2];
};

struct tls {
	const char *certificate, *key;
	struct pair *shown;
	struct stamp read; /* as the files were when they were last read, well or not */
};

static _Thread_local struct tls *in_use;

/* ---- reading ---- */

static char *read_pem(const char *path, const char *what, size_t *n, struct error *err)
{
	char *text = file_read(path, MOST_BYTES, n, err);

	if (text && !strstr(text, "-----BEGIN ")) {
		error_set(err, "%s: is no %s in PEM form; that begins with a line \"-----BEGIN ...\"", path, what);
		explicit_bzero(text, *n);
		free(text);
		return NULL;
	}
	return text;
}

static bool is_guarded(const char *path, struct error *err)
{
	struct stat s;

	if (stat(path, &s) != 0 || !(s.st_mode & S_IRWXO))
		return true;
	return error_set(err, "%s: everybody on this machine may read this private key; take that away: chmod o= %s", path, path);
}

static bool import_chain(struct pair *p, const char *path, struct error *err)
{
	unsigned n = CHAIN_MOST;
	size_t size;
	char *text = read_pem(path, "certificate", &size, err);
	const gnutls_datum_t pem = { (unsigned char *)text, (unsigned)size };
	int code = text ? gnutls_pcert_list_import_x509_raw(p->chain, &n, &pem, GNUTLS_X509_FMT_PEM, 0) : 0;

	free(text);
	if (code < 0)
		return error_set(err, "%s: is no certificate, with those that signed it: %s", path, gnutls_strerror(code));
	p->n_chain = text ? n : 0;
	return text != NULL;
}

static bool import_key(struct pair *p, const char *path, struct error *err)
{
	size_t size;
	char *text = is_guarded(path, err) ? read_pem(path, "private key", &size, err) : NULL;

	if (!text)
		return false;
	const gnutls_datum_t pem = { (unsigned char *)text, (unsigned)size };
	int code = gnutls_privkey_import_x509_raw(p->key, &pem, GNUTLS_X509_FMT_PEM, NULL, 0);

	explicit_bzero(text, size);
	free(text);
	return code >= 0 || error_set(err, "%s: is no private key without a password: %s", path, gnutls_strerror(code));
}

static bool id_of(gnutls_pubkey_t key, unsigned char id[ID_BYTES])
{
	size_t n = ID_BYTES;

	memset(id, 0, ID_BYTES);
	return gnutls_pubkey_get_key_id(key, GNUTLS_KEYID_USE_SHA256, id, &n) >= 0;
}

/* Whether the certificate is of that key: their public keys are the same. */
static bool fit_together(const struct pair *p)
{
	unsigned char mine[ID_BYTES], certified[ID_BYTES];
	gnutls_pubkey_t key;
	bool same;

	if (gnutls_pubkey_init(&key) < 0)
		return false;
	same = gnutls_pubkey_import_privkey(key, p->key, 0, 0) >= 0 && id_of(key, mine) && id_of(p->chain[0].pubkey, certified) &&
	       memcmp(mine, certified, ID_BYTES) == 0;
	gnutls_pubkey_deinit(key);
	return same;
}

static void pair_free(struct pair *p)
{
	for (struct pair *before; p; p = before) {
		before = p->before;
		for (unsigned i = 0; i < p->n_chain; i++)
			gnutls_pcert_deinit(&p->chain[i]);
		gnutls_privkey_deinit(p->key);
		free(p);
	}
}

static struct stamp stamp_of(const struct tls *t)
{
	const char *const paths[] = { t->certificate, t->key };
	struct stamp now;

	memset(&now, 0, sizeof(now)); /* it is compared whole */
	for (size_t i = 0; i < 2; i++) {
		struct stat s;

		if (stat(paths[i], &s) != 0)
			continue;
		now.changed[i] = s.st_mtim;
		now.size[i] = s.st_size;
		now.file[i] = s.st_ino;
	}
	return now;
}

static bool take(struct tls *t, struct error *err)
{
	struct pair *p = mem_zero(1, sizeof(*p));

	t->read = stamp_of(t);
	if (gnutls_privkey_init(&p->key) < 0)
		abort(); /* no memory */
	if (!import_chain(p, t->certificate, err) || !import_key(p, t->key, err)) {
		pair_free(p);
		return false;
	}
	if (!fit_together(p)) {
		pair_free(p);
		return error_set(err, "%s: is not the private key of the certificate in %s", t->key, t->certificate);
	}
	p->before = t->shown;
	t->shown = p;
	return true;
}

struct tls *tls_open(const char *certificate, const char *key, struct error *err)
{
	struct tls *t;

	if (MHD_is_feature_supported(MHD_FEATURE_TLS) != MHD_YES || MHD_is_feature_supported(MHD_FEATURE_HTTPS_CERT_CALLBACK) != MHD_YES) {
		error_set(err, "the libmicrohttpd of this machine was built without TLS; install one with GnuTLS, or put a proxy with TLS in front");
		return NULL;
	}
	t = mem_zero(1, sizeof(*t));
	*t = (struct tls){ .certificate = certificate, .key = key };
	if (take(t, err))
		return t;
	free(t);
	return NULL;
}

bool tls_refresh(struct tls *t, struct error *err)
{
	const struct stamp now = stamp_of(t);

	return memcmp(&now, &t->read, sizeof(now)) == 0 || take(t, err);
}

void tls_free(struct tls *t)
{
	if (!t)
		return;
	pair_free(t->shown);
	free(t);
}

/* ---- handshakes ---- */

void tls_use(struct tls *t)
{
	in_use = t;
}

int tls_retrieve(gnutls_session_t session, const gnutls_datum_t *issuers, int n_issuers, const gnutls_pk_algorithm_t *algorithms, int n_algorithms,
		 gnutls_pcert_st **chain, unsigned int *n_chain, gnutls_privkey_t *key)
{
	(void)session, (void)issuers, (void)n_issuers, (void)algorithms, (void)n_algorithms;
	if (!in_use)
		return -1;
	*chain = in_use->shown->chain;
	*n_chain = in_use->shown->n_chain;
	*key = in_use->shown->key;
	return 0;
}
