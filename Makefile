# rung: build, tests, checks. `make help` lists the targets. GNU Make.
#
#   make            build/rung and librung.a        make demo    everything, then a climb on examples/email
#   make bench-peers, then make bench-engine        the engine beside llama.cpp and ONNX Runtime (docs/benchmarks.md)
#   make bench-peers, then make bench-retrieve      the vector index beside hnswlib, faiss, usearch, sqlite-vec
#   make bench-peers, then make bench-serve         `rung serve` beside LiteLLM, Portkey and TensorZero
#   make bench-decide   what decisions promise, by simulation and on recorded outcomes; bench-cascade: what thresholds of cascades do
#   make bench-live     what promotion and demotion by live feedback promise, by simulation
#   make test       everything, then every test     make check   layers, banned calls, clang-tidy, lengths
#   make check-handoff  the files for TRL and axolotl, read by their own parsers
#   make check-export   what rung tune export writes, loaded by PEFT, transformers and llama.cpp
#   make check-llama-server  the local engine beside llama.cpp's server, and a climb through it
#   make sdk            what tests/e2e/sdk.sh and clients.sh need: packages of vendors and of LangChain, for Python and Node
#   make neon-tests  the engine's tests for 64-bit ARM, cross-compiled and run under qemu
#   SAN=address,undefined | SAN=thread              builds into its own folder with that sanitizer
#   V=1                                             shows the commands in full

SAN ?=
CC ?= gcc
PREFIX ?= /usr/local
DESTDIR ?=
comma := ,
variant := $(if $(SAN),$(subst $(comma),-,$(SAN)),plain)
B := build/$(variant)

Q := $(if $(V),,@)
say = $(if $(V),,@echo "  $1")

PACKAGES := libfyaml jansson libutf8proc sqlite3 md4c gumbo libmicrohttpd gnutls libcurl
# An incompatible pointer is how a split would leak into code that must not see it.
WARNINGS := -Wall -Wextra -Wshadow -Wconversion -Werror=incompatible-pointer-types
CPPFLAGS += -D_GNU_SOURCE -Isrc -Iinclude -include src/base/banned.h
MODELS_HERE := -DRUNG_BUILD_MODELS='"$(CURDIR)/models"'
CFLAGS ?= -O2 -g
override CFLAGS += -std=c17 $(WARNINGS) -ffp-contract=off -pthread $(if $(SAN),-fsanitize=$(SAN) -fno-omit-frame-pointer -fno-sanitize-recover=undefined -Wno-format-truncation)
LDFLAGS += -pthread $(if $(SAN),-fsanitize=$(SAN))
PKG_CFLAGS = $(shell pkg-config --cflags $(PACKAGES))
LDLIBS = $(shell pkg-config --libs $(PACKAGES)) -lm

LIB_SRC := $(wildcard src/*.c src/*/*.c)
CLI_SRC := $(wildcard cli/*.c)
TEST_SRC := $(wildcard tests/unit/*.c)
FUZZ_SRC := $(wildcard fuzz/*.c)
LIB_OBJ := $(LIB_SRC:%.c=$(B)/%.o)
CLI_OBJ := $(CLI_SRC:%.c=$(B)/%.o)
TEST_BIN := $(TEST_SRC:tests/unit/%.c=$(B)/tests/%)
FUZZ_BIN := $(FUZZ_SRC:fuzz/%.c=build/fuzz/%)

all: $(B)/rung $(if $(SAN),,build/rung) compile_commands.json

build/rung: build/plain/rung
	@ln -sf plain/rung $@

$(B)/librung.a: $(LIB_OBJ)
	$(call say,AR $@)
	@rm -f $@
	$(Q)$(AR) rcs $@ $^

$(B)/rung: $(CLI_OBJ) $(B)/librung.a
	$(call say,LD $@)
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ $(LDLIBS)

$(B)/%.o: %.c
	$(call say,CC $<)
	@mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS) $(PKG_CFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<

$(B)/tests/%: tests/unit/%.c tests/unit/test.h $(B)/librung.a
	$(call say,CC $<)
	@mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS) -Itests/unit $(PKG_CFLAGS) $(CFLAGS) -MMD -MP $(LDFLAGS) -o $@ $< $(B)/librung.a $(LDLIBS) -lcmocka

# What stands in for hosted providers in tests (CONTRIBUTING.md).
SUPPORT_OBJ := $(patsubst %.c,$(B)/%.o,$(wildcard tests/support/*.c))
fault-server: $(B)/tests/support/fault_server
$(B)/tests/support/fault_server: $(SUPPORT_OBJ) $(B)/librung.a
	$(call say,LD $@)
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ $(LDLIBS)

$(B)/src/model/registry.o: CPPFLAGS += $(MODELS_HERE)

-include $(SUPPORT_OBJ:.o=.d) $(LIB_OBJ:.o=.d) $(CLI_OBJ:.o=.d) $(wildcard $(B)/tests/*.d)

# --- what a machine needs -------------------------------------------------------------------------------------------

APT_PACKAGES := gcc make pkg-config libfyaml-dev libjansson-dev libutf8proc-dev libsqlite3-dev libmd4c-dev libgumbo-dev \
	libmicrohttpd-dev libgnutls28-dev libcurl4-openssl-dev poppler-utils libcmocka-dev python3 python3-pip unzip
BREW_PACKAGES := pkg-config libfyaml jansson utf8proc sqlite md4c gumbo-parser libmicrohttpd gnutls curl poppler cmocka unzip
# Tests of the page alone, which skip without.
APT_TEST_PACKAGES := chromium

deps:
	@tools/deps.sh "$(APT_PACKAGES)" "$(BREW_PACKAGES)"

test-deps:
	-@tools/deps.sh "$(APT_TEST_PACKAGES)" ""

models:
	@tools/models.sh models

# 744 MB that only tests read; those that need them skip without.
models-optional:
	@tools/models-optional.sh models/optional

# --- the two commands of the README ---------------------------------------------------------------------------------

demo: deps
	@$(MAKE) --no-print-directory all models
	build/rung climb examples/email

test: deps test-deps
	@$(MAKE) --no-print-directory all models tests

tests: $(B)/rung $(B)/tests/support/fault_server $(TEST_BIN)
	@tests/run.sh $(B) $(sort $(TEST_BIN))

# What tests/e2e/sdk.sh and clients.sh ask with; they skip without.
sdk:
	@tools/sdk.sh build/sdk

# The engine's tests for 64-bit ARM under qemu (Debian on x86-64; minutes).
neon-tests:
	@tools/neon.sh

# --- checks ---------------------------------------------------------------------------------------------------------

check: compile_commands.json
	@tools/check.sh

# What goes to trainers elsewhere, read by their own parsers (an environment with torch: bench/train_peers.txt).
check-handoff: $(B)/rung
	@tools/check-handoff.sh $<

# What is exported, loaded by PEFT, transformers and llama.cpp (TRAIN_PEERS and `make bench-peers`).
check-export: $(B)/rung $(B)/tests/llm_decoder $(B)/tests/llm_encoder
	@tools/check-export.sh $< $(B)/tests

# The local engine beside llama.cpp's server, and a climb through it (`make bench-peers`; more than an hour).
check-llama-server: $(B)/rung $(B)/bench/agree
	@tools/check-llama-server.sh $< $(B)/bench/agree

compile_commands.json: Makefile $(LIB_SRC) $(CLI_SRC)
	@tools/compile-commands.sh "$(CPPFLAGS) $(PKG_CFLAGS) $(CFLAGS)" $(LIB_SRC) $(CLI_SRC) >$@

fuzz: $(FUZZ_BIN)

FUZZ_CC ?= clang-14
FUZZ_CFLAGS := -std=c17 -g -O1 -ffp-contract=off -pthread -fsanitize=address,undefined -fno-sanitize-recover=undefined
FUZZ_OBJ := $(LIB_SRC:%.c=build/fuzz/obj/%.o)

build/fuzz/obj/src/model/registry.o: CPPFLAGS += $(MODELS_HERE)
build/fuzz/obj/%.o: %.c
	$(call say,CC $<)
	@mkdir -p $(@D)
	$(Q)$(FUZZ_CC) $(CPPFLAGS) $(PKG_CFLAGS) $(FUZZ_CFLAGS) -fsanitize=fuzzer-no-link -MMD -MP -c -o $@ $<

build/fuzz/%: fuzz/%.c $(FUZZ_OBJ)
	$(call say,LD $@)
	$(Q)$(FUZZ_CC) $(CPPFLAGS) $(PKG_CFLAGS) $(FUZZ_CFLAGS) -fsanitize=fuzzer -o $@ $< $(FUZZ_OBJ) $(LDLIBS)

-include $(FUZZ_OBJ:.o=.d)

BENCH_SRC := $(wildcard bench/*.c)
bench: $(BENCH_SRC:bench/%.c=bench-%)
bench-%: $(B)/bench/%
	@$<
bench-engine: $(B)/bench/engine
	@bench/engine.py $<
# RUNS=4000 for the figures that are quoted.
bench-decide: $(B)/bench/replays $(B)/bench/decide
	@$(B)/bench/replays
	@$(B)/bench/decide $(if $(RUNS),-n $(RUNS))
bench-live: $(B)/bench/live
	@$< $(if $(RUNS),-n $(RUNS))
bench-calls: $(B)/bench/calls $(B)/tests/support/fault_server
	@$< $(B)/tests/support/fault_server
bench-knowledge: $(B)/bench/knowledge
	@bench/knowledge.py $<
bench-retrieve: $(B)/bench/retrieve $(B)/bench/engine $(B)/bench/library
	@bench/retrieve.py $(B)/bench/retrieve $(B)/bench/engine
	@bench/library.py $(B)/bench/library
# Training beside PyTorch (docs/benchmarks.md says how its environment is made).
bench-train: $(B)/bench/train $(B)/bench/engine
	@bench/train.py $<
bench-peers:
	@tools/bench-peers.sh build/peers
	@tools/serve-peers.sh build/serve-peers
bench-serve: $(B)/rung $(B)/bench/load $(B)/bench/upstream $(B)/bench/cascade
	@bench/serve.py $< $(B)/bench
$(B)/bench/%: bench/%.c $(wildcard bench/*.h) $(B)/librung.a
	$(call say,CC $<)
	@mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS) $(PKG_CFLAGS) $(CFLAGS) -o $@ $< $(B)/librung.a $(LDLIBS) $(LDFLAGS) -ldl

install: all
	install -D -m 755 build/rung $(DESTDIR)$(PREFIX)/bin/rung
	install -D -m 644 $(B)/librung.a $(DESTDIR)$(PREFIX)/lib/librung.a
	install -D -m 644 include/rung.h $(DESTDIR)$(PREFIX)/include/rung.h
	install -d $(DESTDIR)$(PREFIX)/share/man/man1
	build/rung --man >$(DESTDIR)$(PREFIX)/share/man/man1/rung.1

clean:
	rm -rf build compile_commands.json

help:
	@sed -n 's/^#   //p' Makefile

.PHONY: all deps fault-server sdk test-deps models models-optional demo test tests neon-tests check check-handoff check-export check-llama-server fuzz bench bench-engine bench-retrieve bench-calls bench-knowledge bench-decide bench-live bench-serve bench-train bench-peers install clean help
.DEFAULT_GOAL := all
.SECONDARY:
