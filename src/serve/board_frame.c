/* board_frame.c - what all pages share: their head, the way around, and how names, times and texts are written. */
#include <string.h>

#include "base/clock.h"
#include "report/escape.h"
#include "report/html.h"
#include "serve/board_inner.h"
#include "serve/form.h"

const struct board_span board_spans[] = {
	{ "hour", "hour", 60e3, 60 }, { "day", "24 hours", 1800e3, 48 }, { "week", "7 days", 3 * 3600e3, 56 }, { "month", "30 days", 12 * 3600e3, 60 },
};
const size_t n_board_spans = sizeof(board_spans) / sizeof(board_spans[0]);

/* Beside the report's own style sheet. */
const char board_css[] =
	".top{display:flex;flex-wrap:wrap;gap:4px 20px;align-items:baseline;padding:0 0 10px;border-bottom:1px solid var(--line);font-size:.95rem}"
	".top a[aria-current]{font-weight:700;color:var(--ink);text-decoration:none}.top .who{margin-left:auto;color:var(--muted)}"
	".top form,.inline{display:inline}.top button{padding:1px 10px;font-size:.85rem}\n"
	"a{color:var(--accent)}a:focus-visible,textarea:focus-visible{outline:2px solid var(--accent);outline-offset:2px}\n"
	"h1{margin-top:1.2rem}h1 small{display:block;font-size:.95rem;letter-spacing:0}\n"
	".spans{display:flex;flex-wrap:wrap;gap:4px 16px;list-style:none;margin:.2rem 0 1rem;padding:0;max-width:none}.spans li{margin:0}"
	".spans [aria-current]{font-weight:700;color:var(--ink);text-decoration:none}\n"
	".trio{display:grid;gap:8px 24px;grid-template-columns:repeat(auto-fill,minmax(min(100%,18rem),1fr));margin:.8rem 0}"
	".trio figure{margin:0}.trio figcaption{font-size:.85rem;color:var(--muted)}.trio svg.chart{width:100%;margin:.1rem 0}\n"
	".b-ok{fill:var(--win)}.b-none{fill:var(--muted)}.b-bad{fill:var(--loss)}.l-a,.l-b{fill:none;stroke-width:1.75;stroke-linejoin:round}"
	".l-a{stroke:var(--win)}.l-b{stroke:var(--loss);stroke-dasharray:4 3}svg .turn{stroke:var(--accent);"
	"stroke-width:1.5}.p-a{fill:var(--win)}.p-b{fill:var(--loss)}"
	".swatch{width:12px;height:12px;display:inline-block}\n"
	"svg.interval{width:120px;height:18px;vertical-align:middle}\n"
	".nowrap{white-space:nowrap}.start{max-width:20rem;overflow-wrap:anywhere}td .more{color:var(--muted);font-size:.85em;display:block}\n"
	".filter select{max-width:15rem}.filter select,.filter input,.filter button{height:2.4rem}\n"
	"@media (max-width:819px){.cards table,.cards tbody{display:block}.cards thead,.cards td:nth-child(8){display:none}.cards tr{display:grid;"
	"gap:1px 14px;grid-template-columns:minmax(0,1fr) auto;padding:10px 0;border-bottom:1px solid var(--line)}.cards td{border:0;padding:0;min-width:0;"
	"overflow-wrap:anywhere}.cards td:nth-child(2),.cards td.text{grid-column:1/-1;order:1}.cards td:nth-child(n+6){order:2}"
	".cards td.text{color:var(--muted)}.cards .start{max-width:none;display:-webkit-box;-webkit-line-clamp:3;-webkit-box-orient:vertical;"
	"overflow:hidden}}\n"
	"dl.plain{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(44%,14rem),1fr));gap:10px 24px;margin:1rem 0}"
	"dl.plain dt{color:var(--muted);font-size:.85rem}dl.plain dd{margin:0;overflow-wrap:anywhere;font-variant-numeric:tabular-nums}\n"
	"pre{font:.9rem/1.5 ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;max-height:34rem;overflow:auto}pre.whole{max-height:none}\n"
	"blockquote.cited{margin:.3rem 0 1.1rem;padding:8px 12px;background:var(--panel);border-left:3px solid var(--accent);border-radius:6px;"
	"white-space:pre-wrap;overflow-wrap:anywhere;font-size:.95rem}mark{padding:.05em 0;border-radius:2px}\n"
	"textarea{font:inherit;color:inherit;background:var(--bg);border:1px solid var(--muted);border-radius:6px;padding:6px 8px;width:100%;"
	"min-height:5rem}\n"
	".say{display:grid;gap:14px 28px;grid-template-columns:repeat(auto-fit,minmax(min(100%,19rem),1fr));margin:.8rem 0}.say form{margin:0}"
	".say label,.caption{display:block;color:var(--muted);font-size:.85rem;margin-bottom:3px}.say p{margin:.4rem 0 0}.say #score{width:8rem}\n"
	".said{border-left:3px solid var(--accent);background:var(--band);padding:8px 12px;border-radius:0 6px 6px 0}\n"
	".login{max-width:30rem}.login input{width:100%;margin:.2rem 0 .8rem}.wrong{color:var(--target)}\n"
	".events{list-style:none;margin:1rem 0;padding:0;max-width:none}.events>li{border-left:3px solid var(--line);padding:0 0 14px 14px;margin:0}"
	".events>li.good{border-color:var(--win)}.events>li.bad{border-color:var(--loss)}.events h3{display:inline}.events p{margin:.15rem 0}"
	".events details{margin:.3rem 0}\n";

/* How the server stands now, where a script runs: the figures are there without one, as they were. */
const char board_script[] =
	"'use strict';\n"
	"(() => {\n"
	" const parts = document.querySelectorAll('[data-live]');\n"
	" if (parts.length === 0) return;\n"
	" const ask = async () => {\n"
	"  try {\n"
	"   const reply = await fetch('/live.json', { cache: 'no-store', credentials: 'same-origin' });\n"
	"   const now = reply.ok ? await reply.json() : {};\n"
	"   for (const p of parts)\n"
	"    if (typeof now[p.dataset.live] === 'number') p.textContent = now[p.dataset.live].toLocaleString('en');\n"
	"   document.getElementById('live').textContent = reply.ok ? 'These figures renew themselves.' : 'Log in again to see these figures renewed.';\n"
	"   if (reply.ok) setTimeout(ask, 3000);\n"
	"  } catch (e) {\n"
	"   document.getElementById('live').textContent = 'The server cannot be reached: these figures may be old.';\n"
	"   setTimeout(ask, 10000);\n"
	"  }\n"
	" };\n"
	" ask();\n"
	"})();\n";

static void add_place(struct buf *out, const char *path, const char *text, bool here)
{
	buf_addf(out, "<a href=\"%s\"%s>%s</a>\n", path, here ? " aria-current=\"page\"" : "", text);
}

static void add_ways(struct buf *out, const struct board_view *v)
{
	enum board_place place = v->query.place;
	bool shown = v->query.span != NULL; /* a page that only says something is none of them */

	buf_adds(out, "<nav class=\"top\">\n");
	add_place(out, "/", "Overview", shown && place == BOARD_OVERVIEW);
	add_place(out, "/history", "History", shown && place == BOARD_HISTORY);
	add_place(out, "/calls", "Calls", shown && place == BOARD_LIST);
	if (v->viewer.name) {
		buf_adds(out, "<span class=\"who\">");
		html_name(out, v->viewer.name);
		buf_addf(out, "%s</span>\n<form method=\"post\" action=\"/logout\"><input type=\"hidden\" name=\"token\" value=\"%s\"/>"
			      "<button>Log out</button></form>\n", v->viewer.tenant ? "" : ", all tenants", v->viewer.token);
	}
	buf_adds(out, "</nav>\n");
}

/* Forms of a page whose referrer is kept to itself would come from "null": a browser then says nothing of where they come from. */
void board_open_page(struct buf *out, const struct board_view *v, const char *title)
{
	buf_adds(out, "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\"/>\n"
		      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>\n<meta name=\"color-scheme\" content=\"light dark\"/>\n"
		      "<meta name=\"referrer\" content=\"same-origin\"/>\n<title>");
	escape_markup(out, title);
	buf_adds(out, " - rung serve</title>\n<link rel=\"stylesheet\" href=\"/style.css\"/>\n</head>\n<body>\n<main>\n");
	if (v)
		add_ways(out, v);
}

void board_close_page(struct buf *out)
{
	buf_adds(out, "</main>\n<script src=\"/script.js\" defer=\"defer\"></script>\n</body>\n</html>\n");
}

void board_write_note(struct buf *out, const struct board_view *v, const char *title, const char *sentence)
{
	board_open_page(out, v, title);
	html_element(out, "h1", title);
	html_element(out, "p", sentence);
	board_close_page(out);
}

void board_write_login(struct buf *out, const char *wrong)
{
	board_open_page(out, NULL, "Log in");
	buf_adds(out, "<h1>rung serve</h1>\n<form class=\"login\" method=\"post\" action=\"/login\">\n");
	if (wrong)
		html_element(out, "p class=\"wrong\" role=\"alert\"", wrong);
	buf_adds(out, "<label for=\"key\">A key of this server with the scope read or admin</label>\n"
		      "<input id=\"key\" name=\"key\" type=\"password\" autocomplete=\"current-password\" required=\"required\" placeholder=\"rung-\u2026\"/>\n"
		      "<button>Log in</button>\n</form>\n"
		      "<p class=\"note\">The session lasts twelve hours, or until the key is removed or the server restarted.</p>\n");
	board_close_page(out);
}

static void add_line(struct buf *out, struct buf *line)
{
	escape_markup(out, buf_text(line));
	buf_clear(line);
}

/* Line ends stay, and what is marked is marked; everything else is escaped.h's. */
void board_add_text(struct buf *out, const char *text, size_t n, size_t mark, size_t mark_end)
{
	struct buf line = { 0 };

	for (size_t i = 0; i <= n; i++) {
		if (mark < mark_end && i == mark) {
			add_line(out, &line);
			buf_adds(out, "<mark>");
		}
		if (mark < mark_end && i == mark_end) {
			add_line(out, &line);
			buf_adds(out, "</mark>");
		}
		if (i == n || text[i] == '\n') {
			add_line(out, &line);
			if (i < n)
				buf_addc(out, '\n');
		} else {
			buf_addc(&line, text[i]);
		}
	}
	buf_release(&line);
}

void board_add_time(struct buf *out, uint64_t ms)
{
	char minute[CLOCK_MINUTE];

	clock_minute((int64_t)(ms / 1000), minute);
	buf_addf(out, "<span class=\"nowrap\">%.16s:%02u</span>", minute, (unsigned)(ms / 1000 % 60));
}

void board_add_link(struct buf *out, const char *path, const char *const *pairs, const char *text)
{
	struct buf query = { 0 };

	for (; *pairs; pairs += 2)
		if (pairs[1]) {
			buf_addf(&query, "%s%s=", query.n ? "&amp;" : "?", pairs[0]);
			form_escape(&query, pairs[1]);
		}
	buf_addf(out, "<a href=\"%s%s\">", path, buf_text(&query));
	escape_markup(out, text);
	buf_adds(out, "</a>");
	buf_release(&query);
}

void board_add_number(struct buf *out, const char *figure)
{
	buf_adds(out, "<td class=\"n\">");
	escape_markup(out, figure);
	buf_adds(out, "</td>");
}

int board_rung(const char *variant)
{
	return variant[0] >= '0' && variant[0] <= '3' && variant[1] == '/' ? variant[0] - '0' : 0;
}

const struct board_model *board_model_of(const struct board_view *v, const char *name)
{
	for (size_t i = 0; name && i < v->n_models; i++)
		if (strcmp(v->models[i].name, name) == 0)
			return &v->models[i];
	return NULL;
}
