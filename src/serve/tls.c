/* tls.c - two files, tried once on a server that nobody can reach */
#include "serve/tls.h"

#include <microhttpd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"

enum { MOST_BYTES = 1 << 20 };

static enum MHD_Result no_request(void *context, struct MHD_Connection *connection, const char *path, const char *method, const char *version,
				  const char *upload, size_t *n_upload, void **request)
{
	(void)context, (void)connection, (void)path, (void)method, (void)version, (void)upload, (void)n_upload, (void)request;
	return MHD_NO;
}

/* Whether GnuTLS takes them: it is asked through a server without a socket, so that what then fails to start has another reason. */
static bool fit_together(const struct tls_pair *p)
{
	struct MHD_Daemon *daemon = MHD_start_daemon(MHD_USE_TLS | MHD_USE_NO_LISTEN_SOCKET, 0, NULL, NULL, no_request, NULL, MHD_OPTION_HTTPS_MEM_CERT,
						     p->certificate, MHD_OPTION_HTTPS_MEM_KEY, p->key, MHD_OPTION_HTTPS_PRIORITIES, TLS_VERSIONS,
						     MHD_OPTION_END);

	if (daemon)
		MHD_stop_daemon(daemon);
	return daemon != NULL;
}

static char *read_pem(const char *path, const char *what, struct error *err)
{
	size_t n;
	char *text = file_read(path, MOST_BYTES, &n, err);

	if (text && !strstr(text, "-----BEGIN ")) {
		error_set(err, "%s: is no %s in PEM form; that begins with a line \"-----BEGIN ...\"", path, what);
		explicit_bzero(text, n);
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

bool tls_read(struct tls_pair *out, const char *certificate, const char *key, struct error *err)
{
	*out = (struct tls_pair){ NULL, NULL };
	if (MHD_is_feature_supported(MHD_FEATURE_TLS) != MHD_YES)
		return error_set(err, "the libmicrohttpd of this machine was built without TLS; install one with GnuTLS, or put a proxy with TLS in front");
	if (!(out->certificate = read_pem(certificate, "certificate", err)))
		return false;
	if (!is_guarded(key, err) || !(out->key = read_pem(key, "private key", err))) {
		tls_forget(out);
		return false;
	}
	if (fit_together(out))
		return true;
	tls_forget(out);
	return error_set(err, "%s and %s: are no certificate and the private key of it, without a password, in PEM form", certificate, key);
}

void tls_forget(struct tls_pair *p)
{
	if (p->key)
		explicit_bzero(p->key, strlen(p->key));
	free(p->certificate);
	free(p->key);
	*p = (struct tls_pair){ NULL, NULL };
}
