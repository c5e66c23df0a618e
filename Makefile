# SPDX-License-Identifier: GPL-3.0-or-later
# One Makefile, no configure. `make` builds ./stalwarden, `make check` installs what is missing and runs every test.
B       ?= build
BIN     ?= $(if $(filter build,$(B)),stalwarden,$(B)/stalwarden)
PREFIX  ?= /usr/local
# make predefines CC as cc, so `?=` would never take: gcc unless the caller says otherwise.
ifeq ($(origin CC),default)
CC      := gcc
endif
OPT     ?= -O2 -g
VERSION := 0.1.0

WARN    := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wformat=2 -Wvla -Werror
CFLAGS  += -std=c11 $(OPT) $(WARN) $(SAN) -MMD -MP
CPPFLAGS+= -I. -I$(B) -D_GNU_SOURCE -DVERSION='"$(VERSION)"'
LDFLAGS += $(SAN)

# Order matters to the linker and is the layer order: each archive may need the ones after it.
LAYERS  := cli views app tui client store model core
LIBS    := -lncursesw -ltinfo -lreadline -lcurl -ljansson -lyajl -lconfuse -lsqlite3 -lssl -lcrypto -lpcre2-8 -lmaxminddb -lutf8proc -lz -lm

SRC     := $(foreach d,$(LAYERS),$(wildcard $(d)/*.c))
MAINSRC := cli/main.c
obj      = $(patsubst %.c,$(B)/%.o,$(1))
lib      = $(B)/lib$(1).a
ARCHIVES:= $(foreach d,$(LAYERS),$(call lib,$(d)))

# What a unit test of a layer is linked with: the layer itself and what it may include, nothing else.
ALLOW_core   := core
ALLOW_model  := model core
ALLOW_tui    := tui core
ALLOW_store  := store model core
ALLOW_client := client model core
ALLOW_app    := app client store model core
ALLOW_views  := views app tui client store model core
ALLOW_cli    := cli views app tui client store model core

UNITS   := $(patsubst tests/unit/%.c,%,$(wildcard tests/unit/*.c))
FUZZERS := $(patsubst tests/fuzz/%.c,%,$(wildcard tests/fuzz/fuzz_*.c))

.PHONY: all units fuzz asan warnings layers doc deps check demo bench install clean
all: $(BIN)

$(BIN): $(call obj,$(MAINSRC)) $(ARCHIVES)
	$(CC) $(LDFLAGS) -o $@ $^ $(LIBS)

define archive_rule
$(call lib,$(1)): $(call obj,$(filter-out $(MAINSRC),$(wildcard $(1)/*.c)))
	@mkdir -p $$(@D)
	@rm -f $$@
	$$(AR) rcs $$@ $$^
endef
$(foreach d,$(LAYERS),$(eval $(call archive_rule,$(d))))

$(B)/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(CFLAGS) -c -o $@ $<

# Generated sources: files compiled in as byte arrays (schema, default theme).
$(B)/gen/%.h: % tools/embed.sh
	@mkdir -p $(@D)
	sh tools/embed.sh $< > $@
$(B)/store/store.o: $(B)/gen/store/schema.sql.h
$(B)/tui/theme.o: $(B)/gen/themes/default.theme.h

# Unit tests: tests/unit/LAYER_module.c
layer_of = $(firstword $(subst _, ,$(1)))
.SECONDEXPANSION:
$(B)/unit/%: tests/unit/%.c $(wildcard tests/unit/*.h) $$(foreach d,$$(ALLOW_$$(call layer_of,$$*)),$$(call lib,$$(d)))
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(CFLAGS) $(LDFLAGS) -o $@ $(filter %.c %.a,$^) -lcmocka $(LIBS)
unit-%: $(B)/unit/%
	$<
units: $(or $(GOALS),$(addprefix $(B)/unit/,$(UNITS)))

# Measures client/ and store/ together; BENCH_INGEST='256 1000000' makes the log smaller (MB, bans).
$(B)/bench/%: tests/bench/%.c $(ARCHIVES)
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(CFLAGS) $(LDFLAGS) -o $@ $(filter %.c %.a,$^) $(LIBS)

# The toolkit's own program for its tests on a terminal.
$(B)/pty/%: tests/pty/%.c $(call lib,tui) $(call lib,core)
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(CFLAGS) $(LDFLAGS) -o $@ $(filter %.c %.a,$^) $(LIBS)

# Fuzz targets need clang; `make check` replays the corpora (libFuzzer runs the files it is given once).
$(B)/fuzz/%: tests/fuzz/%.c $(wildcard tests/fuzz/*.h) $(ARCHIVES)
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(CFLAGS) $(FUZZSAN) $(LDFLAGS) -o $@ $(filter %.c %.a,$^) $(LIBS)
fuzz:
	$(MAKE) B=build/fuzzing CC=clang OPT='-O1 -g' SAN='-fsanitize=fuzzer-no-link,address,undefined' FUZZSAN=-fsanitize=fuzzer $(addprefix build/fuzzing/fuzz/,$(FUZZERS))

asan:
	$(MAKE) B=build/asan OPT='-O1 -g -fno-omit-frame-pointer' SAN='-fsanitize=address,undefined -fno-sanitize-recover=undefined' $(or $(GOALS),build/asan/stalwarden)

# A second compiler's opinion, objects only.
warnings:
	$(MAKE) B=build/clang CC=clang $(patsubst build/%,build/clang/%,build/stalwarden)

layers:
	sh tools/layers.sh

# The man pages' tables, from the program's own.
$(B)/docgen: tools/docgen.c $(ARCHIVES)
	$(CC) $(CPPFLAGS) $(CFLAGS) $(LDFLAGS) -o $@ $(filter %.c %.a,$^) $(LIBS)
doc:
	sh tools/docgen.sh
deps:
	sh tools/deps.sh build test
check:
	sh tools/deps.sh build test
	sh tools/check.sh
demo:
	sh tools/deps.sh build
	$(MAKE) all
	sh tools/demo.sh
bench:
	sh tools/deps.sh build test bench
	$(MAKE) all $(B)/bench/bench_ingest $(B)/bench/bench_turns
	/usr/bin/python3 tests/bench/run.py
	rm -rf $(B)/bench/work
	/usr/bin/python3 tests/bench/import.py
	mkdir -p $(B)/bench/work
	$(B)/bench/bench_ingest $(B)/bench/work $(BENCH_INGEST) && $(B)/bench/bench_turns $(B)/bench/work; \
	status=$$?; rm -rf $(B)/bench/work; exit $$status

install: all
	install -D -m 755 $(BIN) $(DESTDIR)$(PREFIX)/bin/stalwarden
	install -d $(DESTDIR)$(PREFIX)/share/man/man1 $(DESTDIR)$(PREFIX)/share/man/man5 $(DESTDIR)$(PREFIX)/share/stalwarden/themes
	install -m 644 doc/stalwarden.1 $(DESTDIR)$(PREFIX)/share/man/man1/
	install -m 644 doc/stalwarden.conf.5 $(DESTDIR)$(PREFIX)/share/man/man5/
	install -m 644 themes/*.theme $(DESTDIR)$(PREFIX)/share/stalwarden/themes/
	install -d $(DESTDIR)$(PREFIX)/share/bash-completion/completions $(DESTDIR)$(PREFIX)/share/zsh/site-functions $(DESTDIR)$(PREFIX)/share/fish/vendor_completions.d
	$(abspath $(BIN)) completion bash > $(DESTDIR)$(PREFIX)/share/bash-completion/completions/stalwarden
	$(abspath $(BIN)) completion zsh > $(DESTDIR)$(PREFIX)/share/zsh/site-functions/_stalwarden
	$(abspath $(BIN)) completion fish > $(DESTDIR)$(PREFIX)/share/fish/vendor_completions.d/stalwarden.fish

clean:
	rm -rf build stalwarden

-include $(patsubst %.o,%.d,$(call obj,$(SRC)))
