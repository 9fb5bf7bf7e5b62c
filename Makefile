# rung: build, tests, checks. `make help` lists the targets. GNU Make.
#
#   make            build/rung and librung.a        make demo    everything, then a climb on examples/email
#   make test       everything, then every test     make check   layers, banned calls, clang-tidy, lengths
#   SAN=address,undefined | SAN=thread              builds into its own folder with that sanitizer

SAN ?=
CC ?= gcc
PREFIX ?= /usr/local
DESTDIR ?=
comma := ,
variant := $(if $(SAN),$(subst $(comma),-,$(SAN)),plain)
B := build/$(variant)

PACKAGES := libfyaml jansson libutf8proc sqlite3
WARNINGS := -Wall -Wextra -Wshadow -Wconversion
CPPFLAGS += -D_GNU_SOURCE -Isrc -Iinclude -include src/base/banned.h
CFLAGS ?= -O2 -g
override CFLAGS += -std=c17 $(WARNINGS) -ffp-contract=off -pthread $(if $(SAN),-fsanitize=$(SAN) -fno-omit-frame-pointer -fno-sanitize-recover=undefined)
LDFLAGS += -pthread $(if $(SAN),-fsanitize=$(SAN))
PKG_CFLAGS = $(shell pkg-config --cflags $(PACKAGES))
LDLIBS = $(shell pkg-config --libs $(PACKAGES)) -lm

LIB_SRC := $(wildcard src/*/*.c)
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
	@rm -f $@
	$(AR) rcs $@ $^

$(B)/rung: $(CLI_OBJ) $(B)/librung.a
	$(CC) $(LDFLAGS) -o $@ $^ $(LDLIBS)

$(B)/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(PKG_CFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<

$(B)/tests/%: tests/unit/%.c tests/unit/test.h $(B)/librung.a
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) -Itests/unit $(PKG_CFLAGS) $(CFLAGS) -MMD -MP $(LDFLAGS) -o $@ $< $(B)/librung.a $(LDLIBS) -lcmocka

-include $(LIB_OBJ:.o=.d) $(CLI_OBJ:.o=.d) $(wildcard $(B)/tests/*.d)
