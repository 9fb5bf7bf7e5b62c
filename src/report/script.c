/* script.c - the policy that lets the page's own scripts run and nothing else; and the one that the others build on. */
#include "report/script.h"

#include <string.h>

#include "base/sha256.h"

const char script_state[] =
	"'use strict';\n"
	"const chosen = (() => {\n"
	" const all = new URLSearchParams(location.hash.slice(1));\n"
	" return {\n"
	"  get: key => all.get(key) || '',\n"
	"  put: (key, value) => {\n"
	"   if (value) all.set(key, value);\n"
	"   else all.delete(key);\n"
	"   history.replaceState(null, '', '#' + all);\n"
	"  },\n"
	" };\n"
	"})();\n"
	"addEventListener('hashchange', () => location.reload());\n";

void script_policy(struct buf *out, const struct page_scripts *scripts, bool live)
{
	uint8_t digest[SHA256_BYTES];

	buf_adds(out, "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'");
	if (scripts->n > 0)
		buf_adds(out, "; script-src");
	for (size_t i = 0; i < scripts->n; i++) {
		sha256(scripts->list[i], strlen(scripts->list[i]), digest);
		buf_adds(out, " 'sha256-");
		base64_add(out, digest, sizeof(digest));
		buf_addc(out, '\'');
	}
	if (live)
		buf_adds(out, "; connect-src 'self'");
}

void script_elements(struct buf *out, const struct page_scripts *scripts)
{
	for (size_t i = 0; i < scripts->n; i++)
		buf_addf(out, "<script>%s</script>\n", scripts->list[i]);
}
