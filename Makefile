# SPDX-License-Identifier: BSD-2-Clause
#
# One makefile for the whole house.  Sources are found by wildcard, so a new file needs no line
# here.  `make help` lists what there is to ask for.
#
#   build/            release: hardened, warnings are errors, gcc or clang (make CC=clang)
#   build/VARIANT/    the same sources built another way: asan, plain, clang, fuzz, cov, analyze
#
# Nothing is run while this file is read: on a machine with only git and make it must still parse,
# because `make deps`, `make check` and `make demo` start there.

.DEFAULT_GOAL := all
.DELETE_ON_ERROR:
.SUFFIXES:
MAKEFLAGS += --no-builtin-rules

# ---- what can be set --------------------------------------------------------------------------

PREFIX ?= /usr/local
SBINDIR ?= $(PREFIX)/sbin
BINDIR ?= $(PREFIX)/bin
MANDIR ?= $(PREFIX)/share/man
DOCDIR ?= $(PREFIX)/share/doc/mlag
COMPLETIONDIR ?= $(PREFIX)/share/bash-completion/completions
UNITDIR ?= $(PREFIX)/lib/systemd/system
SYSUSERSDIR ?= $(PREFIX)/lib/sysusers.d
TMPFILESDIR ?= $(PREFIX)/lib/tmpfiles.d

SEED ?= 1
FUZZ_SECONDS ?= 60
FUZZ_SMOKE_SECONDS ?= 2
CORPORA_SECONDS ?= 60
FAULTS_SMOKE_SECONDS ?= 20
SOAK_SECONDS ?= 600
COVERAGE_PERCENT ?= 95
V ?= 0

VARIANT ?= release
ifeq ($(origin CC),default)
CC := $(if $(filter clang fuzz,$(VARIANT)),clang,gcc)
endif
CLANG ?= clang
CLANG_FORMAT ?= clang-format-14
CLANG_TIDY ?= clang-tidy-14
PKG_CONFIG ?= pkg-config
SCDOC ?= scdoc
NM ?= nm
BPFTOOL ?= bpftool

# Debian keeps bpftool in /usr/sbin, which is not on everybody's path.
export PATH := $(PATH):/usr/sbin:/sbin

BUILD ?= $(if $(filter release,$(VARIANT)),build,build/$(VARIANT))
B := $(BUILD)

Q := $(if $(filter 0,$(V)),@,)
say = $(if $(filter 0,$(V)),@printf '  %-7s %s\n' '$(1)' '$(2)',@:)

# $(call lazy,NAME,COMMAND): the command's output, found out when first needed and only once.
lazy = $(eval $(1) := $(shell $(2)))$($(1))

# ---- sources ----------------------------------------------------------------------------------

LIB_SRC := $(sort $(wildcard lib/*.c))
MLAGD_SRC := $(sort $(wildcard daemon/mlagd/*.c daemon/mlagd/*/*.c))
MLAGCTL_SRC := $(sort $(wildcard daemon/mlagctl/*.c))
COMMON_SRC := $(sort $(wildcard daemon/common/*.c))
# What the guard shares with the daemon: how to log, and the socket on the peer link.
GUARD_SRC := $(sort $(wildcard daemon/mlagguard/*.c))
GUARD_SHARED_SRC := daemon/mlagd/log.c daemon/mlagd/peer/rawsocket.c
BPF_SRC := $(sort $(wildcard ebpf/*.bpf.c))
UNIT_SRC := $(sort $(wildcard tests/unit/test_*.c))
UNIT_AID_SRC := $(filter-out $(UNIT_SRC),$(sort $(wildcard tests/unit/*.c)))
BPFTEST_SRC := $(sort $(wildcard tests/bpf/test_*.c))
BPFTEST_AID_SRC := $(filter-out $(BPFTEST_SRC) %.bpf.c,$(sort $(wildcard tests/bpf/*.c)))
SIM_SRC := $(sort $(wildcard tests/sim/*.c))
CHECKER_SRC := $(sort $(wildcard tests/checker/*.c))
FUZZ_SRC := $(sort $(wildcard tests/fuzz/fuzz_*.c))
BENCH_SRC := $(sort $(wildcard tests/bench/bench_*.c))
BENCH_AID_SRC := $(filter-out $(BENCH_SRC),$(sort $(wildcard tests/bench/*.c)))
MAN_SRC := $(sort $(wildcard man/*.scd))
HEADERS := $(sort $(wildcard lib/*.h ebpf/*.h daemon/*/*.h daemon/*/*/*.h tests/*/*.h))
ALL_C := $(LIB_SRC) $(MLAGD_SRC) $(MLAGCTL_SRC) $(COMMON_SRC) $(GUARD_SRC) $(BPF_SRC) $(sort $(wildcard ebpf/*.bpf.h)) \
	$(sort $(wildcard tests/*/*.c)) $(HEADERS)

obj = $(patsubst %.c,$(B)/obj/%.o,$(1))
LIB_OBJ := $(call obj,$(LIB_SRC))
MLAGD_MAIN := $(call obj,$(filter daemon/mlagd/main.c,$(MLAGD_SRC)))
MLAGD_OBJ := $(filter-out $(MLAGD_MAIN),$(call obj,$(MLAGD_SRC))) $(call obj,$(COMMON_SRC))
GUARD_MAIN := $(call obj,daemon/mlagguard/main.c)
GUARD_OBJ := $(filter-out $(GUARD_MAIN),$(call obj,$(GUARD_SRC)))
GUARD_SHARED_OBJ := $(call obj,$(COMMON_SRC) $(GUARD_SHARED_SRC))
MLAGCTL_MAIN := $(call obj,$(filter daemon/mlagctl/main.c daemon/mlagctl/mlagctl.c,$(MLAGCTL_SRC)))
MLAGCTL_OBJ := $(filter-out $(MLAGCTL_MAIN),$(call obj,$(MLAGCTL_SRC)))
UNIT_AID_OBJ := $(call obj,$(UNIT_AID_SRC))
BPFTEST_AID_OBJ := $(call obj,$(BPFTEST_AID_SRC))
BENCH_AID_OBJ := $(call obj,$(BENCH_AID_SRC))
SKELETONS := $(patsubst ebpf/%.bpf.c,$(B)/%.skel.h,$(BPF_SRC))
BPF_OBJ := $(patsubst ebpf/%.bpf.c,$(B)/%.bpf.o,$(BPF_SRC))

UNIT_BIN := $(patsubst tests/unit/%.c,$(B)/tests/%,$(UNIT_SRC))
BPFTEST_BIN := $(patsubst tests/bpf/test_%.c,$(B)/tests/bpf_%,$(BPFTEST_SRC))
# What labs run beside the daemon.
LAB_AIDS := $(B)/aid.bpf.o $(B)/tests/bpf_xdp_bond $(B)/next/mlagd $(B)/tests/sim
SIM_BIN := $(if $(SIM_SRC),$(B)/tests/sim)
CHECKER_BIN := $(if $(CHECKER_SRC),$(B)/tests/checker)
FUZZ_BIN := $(patsubst tests/fuzz/%.c,$(B)/%,$(FUZZ_SRC))
BENCH_BIN := $(patsubst tests/bench/%.c,$(B)/tests/%,$(BENCH_SRC))
MAN_PAGES := $(patsubst man/%.scd,$(B)/man/%,$(MAN_SRC))

# ---- flags ------------------------------------------------------------------------------------

WARNINGS := -Wall -Wextra -Wswitch-enum -Wconversion -Wshadow -Wstrict-prototypes \
	-Wmissing-prototypes -Wundef -Wvla -Wformat=2 -Werror
BPF_WARNINGS := -Wall -Wextra -Werror

# libxxhash is headers only: the engine calls no library.
PKGS_BUILD = $(PKGS) libxxhash
PKGS := libmnl libnl-3.0 libnl-route-3.0 libbpf libsystemd jansson libssl libcrypto
PKG_CFLAGS = $(call lazy,PKG_CFLAGS,$(PKG_CONFIG) --cflags $(PKGS) 2>/dev/null | sed 's/-I/-isystem /g')
PKG_LIBS = $(call lazy,PKG_LIBS,$(PKG_CONFIG) --libs $(PKGS) 2>/dev/null)
MNL_LIBS = $(call lazy,MNL_LIBS,$(PKG_CONFIG) --libs libmnl 2>/dev/null)
SSL_LIBS = $(call lazy,SSL_LIBS,$(PKG_CONFIG) --libs libssl libcrypto 2>/dev/null)
CMOCKA_LIBS = $(call lazy,CMOCKA_LIBS,$(PKG_CONFIG) --libs cmocka 2>/dev/null)
MULTIARCH = $(call lazy,MULTIARCH,gcc -print-multiarch 2>/dev/null)
MACHINE = $(call lazy,MACHINE,uname -m)
CF_PROTECTION = $(if $(filter x86_64 i%86,$(MACHINE)),-fcf-protection)

HARDENING = -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2 -fstack-protector-strong \
	-fstack-clash-protection $(CF_PROTECTION) -fPIE
HARDENING_LD = -pie -Wl,-z,relro,-z,now,-z,noexecstack

# Programs of the fuzzers' objects: the sanitizers as libraries, so that tests/faults can come before them.
SANITIZE_DIR = $(call lazy,SANITIZE_DIR,$(CC) -print-file-name=lib/linux)
LDFLAGS_programs = $(if $(filter fuzz,$(VARIANT)),-shared-libasan -Wl$(comma)-rpath$(comma)$(SANITIZE_DIR))
comma := ,

SANITIZE := -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer

FLAGS_release = -O2 -g $(HARDENING)
LDFLAGS_release = $(HARDENING_LD)
FLAGS_clang = $(FLAGS_release)
LDFLAGS_clang = $(LDFLAGS_release)
# What the engine calls when nobody helps: no hardening, no sanitizer (tests/purity.sh).
FLAGS_plain = -O2 -g -fno-pie -U_FORTIFY_SOURCE -fno-stack-protector
LDFLAGS_plain = -no-pie
FLAGS_asan = -O1 -g $(SANITIZE)
LDFLAGS_asan = $(SANITIZE)
FLAGS_fuzz = -O1 -g $(SANITIZE) -fsanitize=fuzzer-no-link
LDFLAGS_fuzz = $(SANITIZE)
FLAGS_cov = -O0 -g --coverage
LDFLAGS_cov = --coverage
FLAGS_analyze = -O2 -g -fanalyzer
LDFLAGS_analyze =

CPPFLAGS_ALL = -D_GNU_SOURCE -Ilib -Iebpf -Itests -Itests/unit -Idaemon/mlagd -Idaemon -isystem $(B) $(PKG_CFLAGS) \
	$(CPPFLAGS)
CFLAGS_ALL = -std=gnu17 $(WARNINGS) -ffunction-sections -fdata-sections $(FLAGS_$(VARIANT)) \
	$(CFLAGS)
LDFLAGS_ALL = $(LDFLAGS_$(VARIANT)) -Wl,--gc-sections,--as-needed $(LDFLAGS)
# The engine sees neither the libraries nor the daemon: dependencies point one way.
LIB_CPPFLAGS = -Ilib $(CPPFLAGS)
BPF_CFLAGS = -O2 -g -target bpf $(BPF_WARNINGS) -Ilib -Iebpf \
	-isystem /usr/include/$(MULTIARCH)

# ---- the build --------------------------------------------------------------------------------

.PHONY: all lib man programs
programs: $(if $(MLAGD_MAIN),$(B)/mlagd) $(B)/mlag-guard $(if $(MLAGCTL_MAIN),$(B)/mlagctl)
all: $(B)/libmlag.a programs $(BPF_OBJ) man
lib: $(B)/libmlag.a
man: $(MAN_PAGES)

# Objects depend on the flags they were compiled with; the file changes only when they do.
.PHONY: always
$(B)/flags: always
	@mkdir -p $(@D)
	@[ -w $(@D) ] || { echo "mlag: $(@D)/ belongs to another user (sudo make?);" \
		"'sudo make clean' first" >&2; exit 1; }
	@for tool in $(CC) $(CLANG) $(BPFTOOL) $(SCDOC) $(PKG_CONFIG); do \
		command -v $$tool >/dev/null || missing=1; done; \
	[ -z "$$missing" ] && $(PKG_CONFIG) --exists $(PKGS_BUILD) 2>/dev/null || { \
		echo "mlag: packages for the build are missing; 'make deps' installs or lists them" >&2; \
		exit 1; }
	@printf '%s\n' '$(CC) $(CPPFLAGS_ALL) $(CFLAGS_ALL) $(LDFLAGS_ALL)' >$@.new
	@cmp -s $@.new $@ && rm -f $@.new || mv -f $@.new $@

$(B)/obj/lib/%.o: lib/%.c $(B)/flags
	$(call say,CC,$<)
	@mkdir -p $(@D)
	$(Q)$(CC) $(LIB_CPPFLAGS) $(CFLAGS_ALL) -MD -MP -c -o $@ $<

# Programs that tests and benchmarks attach beside ours.
$(call obj,$(BPFTEST_SRC) $(BPFTEST_AID_SRC) $(BENCH_SRC) $(BENCH_AID_SRC)): | $(B)/aid.skel.h

$(B)/obj/%.o: %.c $(B)/flags | $(SKELETONS)
	$(call say,CC,$<)
	@mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS_ALL) $(CFLAGS_ALL) -MD -MP -c -o $@ $<

# A list of members that shrank must rebuild the archive: it starts from nothing each time.
define archive
	$(call say,AR,$@)
	@mkdir -p $(@D)
	@rm -f $@
	$(Q)ar qcsD $@ $(filter %.o,$^)
endef
$(B)/libmlag.a: $(LIB_OBJ) $(B)/flags
	$(archive)
$(B)/libmlagd.a: $(MLAGD_OBJ) $(B)/flags
	$(archive)
$(B)/libmlagctl.a: $(MLAGCTL_OBJ) $(B)/flags
	$(archive)
$(B)/libmlagguard.a: $(GUARD_OBJ) $(B)/flags
	$(archive)
$(B)/libunit.a: $(UNIT_AID_OBJ) $(B)/flags
	$(archive)
$(B)/libbench.a: $(BENCH_AID_OBJ) $(B)/flags
	$(archive)
$(B)/libbpftest.a: $(BPFTEST_AID_OBJ) $(B)/flags
	$(archive)

define link
	$(call say,LD,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS_ALL) $(LDFLAGS_ALL) -o $@ $(filter %.o,$^) $(filter %.a,$^)
endef
$(B)/mlagd: $(MLAGD_MAIN) $(MLAGD_OBJ) $(B)/libmlag.a
	$(link) $(LDFLAGS_programs) $(PKG_LIBS)
$(B)/mlag-guard: $(GUARD_MAIN) $(GUARD_OBJ) $(GUARD_SHARED_OBJ) $(B)/libmlag.a
	$(link) $(LDFLAGS_programs) $(MNL_LIBS)
$(B)/mlagctl: $(MLAGCTL_MAIN) $(MLAGCTL_OBJ) $(call obj,daemon/common/reserve.c) $(B)/libmlag.a
	$(link) $(LDFLAGS_programs) $(PKG_LIBS)
$(UNIT_BIN): $(B)/tests/%: $(B)/obj/tests/unit/%.o $(B)/libunit.a $(B)/libmlagguard.a $(B)/libmlagd.a \
		$(B)/libmlagctl.a $(B)/libmlag.a
	$(link) -Wl,-u,mlag_assert_failed $(CMOCKA_LIBS) $(PKG_LIBS)
$(BPFTEST_BIN): $(B)/tests/bpf_%: $(B)/obj/tests/bpf/test_%.o $(B)/libbpftest.a $(B)/libmlagd.a \
		$(B)/libmlag.a
	$(link) $(CMOCKA_LIBS) $(PKG_LIBS)
$(SIM_BIN): $(call obj,$(SIM_SRC) daemon/common/release.c daemon/mlagd/peer/tls.c) $(B)/libunit.a \
		$(B)/libmlagguard.a $(B)/libmlag.a
	$(link) $(SSL_LIBS)
$(CHECKER_BIN): $(call obj,$(CHECKER_SRC))
	$(link)
$(FUZZ_BIN): $(B)/%: $(B)/obj/tests/fuzz/%.o $(B)/libmlagguard.a $(B)/libmlagd.a $(B)/libmlag.a
	$(link) -fsanitize=fuzzer $(PKG_LIBS)
# Makes calls fail, in programs that know nothing of it (tests/faults).
$(B)/tests/fail.so: tests/faults/fail.c $(B)/flags
	$(call say,LD,$@)
	@mkdir -p $(@D)
	$(Q)$(CC) -std=gnu17 -O1 -g -fPIC -shared -Wall -Wextra -Werror -D_GNU_SOURCE -o $@ $<

# Makes seeds for them, with what unit tests make messages of.
$(B)/tests/fuzz_seeds: $(call obj,tests/fuzz/seeds.c) $(B)/libunit.a $(B)/libmlagd.a $(B)/libmlag.a
	$(link) $(CMOCKA_LIBS) $(PKG_LIBS)
$(BENCH_BIN): $(B)/tests/%: $(B)/obj/tests/bench/%.o $(B)/libbench.a $(B)/libbpftest.a \
		$(B)/libmlagd.a $(B)/libmlag.a
	$(link) $(CMOCKA_LIBS) $(PKG_LIBS)

# eBPF: the compiler's object with its DWARF, then the linked one without, then the skeleton.
$(B)/obj/%.bpf.o: %.bpf.c $(B)/flags
	$(call say,BPF,$<)
	@mkdir -p $(@D)
	$(Q)$(CLANG) $(BPF_CFLAGS) -MD -MP -c -o $@ $<
$(B)/%.bpf.o: $(B)/obj/ebpf/%.bpf.o
	$(call say,BPFLD,$@)
	$(Q)$(BPFTOOL) gen object $@ $<
$(B)/%.bpf.o: $(B)/obj/tests/bpf/%.bpf.o
	$(call say,BPFLD,$@)
	$(Q)$(BPFTOOL) gen object $@ $<
$(B)/%.skel.h: $(B)/%.bpf.o
	$(call say,SKEL,$@)
	$(Q)$(BPFTOOL) gen skeleton $< >$@

$(B)/man/%: man/%.scd | $(B)/flags
	$(call say,MAN,$@)
	@mkdir -p $(@D)
	$(Q)$(SCDOC) <$< >$@

.SECONDARY:
-include $(shell find $(B)/obj -name '*.d' 2>/dev/null)

# ---- what it needs ----------------------------------------------------------------------------

# Debian package names, one list for building, checking and labs; tests/deps.sh reads it.
DEPS_BUILD := gcc libc6-dev make pkg-config clang-14 clang bpftool libbpf-dev libmnl-dev \
	libnl-3-dev libnl-route-3-dev libsystemd-dev libjansson-dev libssl-dev libxxhash-dev scdoc
DEPS_CHECK := libcmocka-dev libclang-rt-14-dev binutils clang-format-14
DEPS_LAB := python3 python3-pytest python3-scapy iproute2 ethtool tcpdump iputils-ping util-linux \
	kmod procps frr openssl
DEPS_LAB_AMD64 := user-mode-linux
DEPS_MORE := nftables valgrind cppcheck clang-tidy-14
# For tests/lab/test_boot.py, which skips what is missing: nobody gets a network manager without asking for it.
DEPS_BOOT := systemd udev ifupdown

.PHONY: deps deps-all
deps:
	@tests/deps.sh $(DEPS_BUILD) $(DEPS_CHECK) $(DEPS_LAB) amd64:$(DEPS_LAB_AMD64)
deps-all:
	@tests/deps.sh $(DEPS_BUILD) $(DEPS_CHECK) $(DEPS_LAB) amd64:$(DEPS_LAB_AMD64) $(DEPS_MORE) \
		$(DEPS_BOOT)

# ---- checks -----------------------------------------------------------------------------------

# Each part has a name and runs alone; `make check` installs what is missing, runs them all even
# when one fails, and ends with one line of totals.
CHECK_PARTS := check-unit check-purity check-forward check-sim check-bpf check-fuzz-smoke check-faults-smoke check-format \
	check-invariants check-units check-lab
RUN := tests/check.sh

.PHONY: check check-long check-mutants check-mutants-forward check-mutants-sim check-mutants-bpf \
	$(CHECK_PARTS)
check:
	@QUIET=1 $(MAKE) --no-print-directory deps
	@$(MAKE) --no-print-directory all
	@$(RUN) all "$(MAKE)" $(B) $(CHECK_PARTS)

check-unit: $(UNIT_BIN)
	@$(RUN) cmocka $@ $(B) $(UNIT_BIN)

check-purity:
	@$(MAKE) --no-print-directory VARIANT=plain lib
	@$(RUN) one $@ $(B) tests/purity.sh build/plain/libmlag.a $(NM) $(CC)

# Every state of the pair, every frame; and that no rule of forward.h could be missing.
check-forward: $(CHECKER_BIN)
	@$(RUN) one $@ $(B) $(CHECKER_BIN)
# Deliberate bugs, one at a time: in forward.h for the checker, in the rest of lib/ for the simulator,
# in the programs for the table of scenes.
check-mutants: check-mutants-forward check-mutants-sim check-mutants-bpf
check-mutants-forward:
	@TEST_TIMEOUT=3600 $(RUN) one $@ $(B) tests/checker/mutants.py $(CC) . $(B)/mutants
check-mutants-sim: $(SIM_BIN)
	@TEST_TIMEOUT=3600 $(RUN) one $@ $(B) tests/sim/mutants.py $(CC) . $(B)/sim-mutants
check-mutants-bpf:
	@TEST_TIMEOUT=3600 $(RUN) root one $@ $(B) tests/bpf/mutants.py . $(B)/bpf-mutants

check-sim: $(SIM_BIN)
	@$(RUN) one $@ $(B) $(SIM_BIN)

check-bpf: $(BPFTEST_BIN)
	@$(RUN) root cmocka $@ $(B) $(BPFTEST_BIN)

check-fuzz-smoke:
	@$(MAKE) --no-print-directory VARIANT=fuzz CC=$(CLANG) fuzz-bin
	@$(RUN) fuzz $@ $(B) $(FUZZ_SMOKE_SECONDS) $(patsubst tests/fuzz/%.c,build/fuzz/%,$(FUZZ_SRC))

# Memory and system calls refused, once at each place of each program: some of them, or all.
.PHONY: faults-bin check-faults
faults-bin: all $(B)/tests/fail.so
	@$(MAKE) --no-print-directory VARIANT=fuzz CC=$(CLANG) programs
check-faults-smoke: faults-bin
	@$(RUN) root one $@ $(B) tests/faults/faults.py --smoke $(FAULTS_SMOKE_SECONDS)
check-faults: faults-bin
	@TEST_TIMEOUT=7200 $(RUN) root one $@ $(B) tests/faults/faults.py

# Some later release, for the lab that upgrades to it.
$(B)/next/mlagd: tests/lab/next.sh Makefile $(LIB_SRC) $(MLAGD_SRC) $(BPF_SRC) $(HEADERS)
	$(call say,NEXT,$@)
	@mkdir -p $(@D)
	$(Q)tests/lab/next.sh $(@D)

check-lab: all $(LAB_AIDS)
	@$(RUN) root lab $@ $(B) tests/lab/run check

check-format:
	@$(RUN) one $@ $(B) $(CLANG_FORMAT) --dry-run -Werror --style=file $(ALL_C)

# What docs/invariants.md names is there.
check-invariants:
	@$(RUN) one $@ $(B) tests/invariants.sh

check-units:
	@$(RUN) one $@ $(B) tests/units.sh $(sort $(wildcard systemd/*.service))

check-long:
	@QUIET=1 $(MAKE) --no-print-directory deps
	@$(MAKE) --no-print-directory all
	@$(RUN) all "$(MAKE)" $(B) $(filter-out check-fuzz-smoke check-faults-smoke check-lab,$(CHECK_PARTS)) \
		check-mutants check-faults coverage asan fuzz soak check-lab-long

.PHONY: check-boot check-lab-long sim soak bench fuzz fuzz-bin fuzz-corpora asan clang valgrind analyze coverage format
# Machines that boot and go down under systemd; a part of check-lab-long too.
check-boot: all
	@LAB_TIMEOUT=3600 MLAB_TIMEOUT=3600 MLAB_LONG=1 $(RUN) root lab $@ $(B) tests/lab/run check tests/lab/test_boot.py
check-lab-long: all $(LAB_AIDS)
	@LAB_TIMEOUT=7200 MLAB_TIMEOUT=3600 MLAB_LONG=1 $(RUN) root lab $@ $(B) tests/lab/run check
	@tests/lab/losses.py $(B)/lab-artifacts/failures.json

sim: $(SIM_BIN)
	$(SIM_BIN) $(if $(TLS),--tls )$(if $(REPLAY),--replay "$(REPLAY)",--seed $(SEED))
# Without an end of its own: the time being up is a pass.
soak: $(SIM_BIN)
	timeout $(SOAK_SECONDS) $(SIM_BIN) --soak; test $$? = 124

fuzz-bin: $(FUZZ_BIN)
fuzz:
	@$(MAKE) --no-print-directory VARIANT=fuzz CC=$(CLANG) fuzz-bin
	@$(RUN) fuzz $@ $(B) $(FUZZ_SECONDS) $(patsubst tests/fuzz/%.c,build/fuzz/%,$(FUZZ_SRC))

# The corpora that are kept, made anew: seeds, what was found, and CORPORA_SECONDS more of each.
fuzz-corpora: $(B)/tests/fuzz_seeds
	@$(MAKE) --no-print-directory VARIANT=fuzz CC=$(CLANG) fuzz-bin
	@tests/fuzz/corpora.sh $(B) $(CORPORA_SECONDS) $(patsubst tests/fuzz/%.c,build/fuzz/%,$(FUZZ_SRC))

bench: all $(BENCH_BIN)
	@for bench in $(BENCH_BIN) $(wildcard tests/bench/*.py tests/bench/*.sh); do \
		echo "== $$bench"; "$$bench" || exit 1; done

asan:
	@MLAG_NO_RLIMIT=1 $(MAKE) --no-print-directory VARIANT=asan check-unit
clang:
	@$(MAKE) --no-print-directory VARIANT=clang CC=$(CLANG) all check-unit
valgrind: $(UNIT_BIN)
	@MLAG_NO_RLIMIT=1 WRAP="valgrind -q --error-exitcode=99 --leak-check=full" $(RUN) cmocka $@ $(B) $(UNIT_BIN)
# Branches of lib/; what is compiled into the programs has the checker and its mutants instead.
# COVERAGE_NAMED=lib/x.c names what is missing there.
coverage:
	@find build/cov -name '*.gcda' -delete 2>/dev/null || true
	@$(MAKE) --no-print-directory VARIANT=cov check-unit build/cov/tests/sim
	@$(RUN) one check-sim build/cov build/cov/tests/sim
	@$(RUN) one $@ $(B) tests/coverage.py build/cov $(COVERAGE_PERCENT) $(COVERAGE_NAMED)

TIDY_OUT := $(B)/clang-tidy.out

# A finding in a generated skeleton is not ours.
analyze: $(SKELETONS)
	@$(MAKE) --no-print-directory VARIANT=analyze CC=gcc lib
	$(call say,CPPCHECK,lib daemon)
	$(Q)cppcheck --quiet --std=c11 --error-exitcode=1 --inline-suppr \
		--enable=warning,portability --suppress=missingIncludeSystem -D__x86_64__ \
		'-DLIBBPF_OPTS(type,name,...)=struct type name = {0}' \
		-Ilib -Iebpf -Itests/unit -Idaemon/mlagd -Idaemon $(LIB_SRC) $(MLAGD_SRC) $(MLAGCTL_SRC) \
		$(COMMON_SRC) $(GUARD_SRC)
	$(call say,TIDY,lib daemon)
	$(Q)$(CLANG_TIDY) --quiet $(LIB_SRC) $(MLAGD_SRC) $(MLAGCTL_SRC) $(COMMON_SRC) $(GUARD_SRC) -- \
		-std=gnu17 $(CPPFLAGS_ALL) >$(TIDY_OUT) 2>/dev/null || { cat $(TIDY_OUT); exit 1; }
	@! grep -E '(warning|error):' $(TIDY_OUT) | grep -v '\.skel\.h:'
	@echo 'analyze: nothing found'

format:
	$(CLANG_FORMAT) -i --style=file $(ALL_C)

# ---- labs -------------------------------------------------------------------------------------

.PHONY: demo lab
demo lab:
	@QUIET=1 $(MAKE) --no-print-directory deps
	@$(MAKE) --no-print-directory all
	@tests/lab/run $@

# ---- install ----------------------------------------------------------------------------------

UNITS := $(wildcard systemd/*.service)
EXAMPLES := $(sort $(wildcard systemd/examples/*/*))
CONF_EXAMPLE := $(firstword $(wildcard systemd/mlagd.conf systemd/mlagd.conf.example))
COMPLETION := $(firstword $(wildcard man/mlagctl.bash daemon/mlagctl/mlagctl.bash \
	systemd/mlagctl.bash man/*.bash-completion daemon/mlagctl/*.bash-completion))
DOCS := $(wildcard README.md docs/*.md)
DECISIONS := $(wildcard docs/decisions/*.md)

.PHONY: install uninstall clean help
install: all
	install -d $(addprefix $(DESTDIR),$(SBINDIR) $(BINDIR) $(UNITDIR) $(SYSUSERSDIR) \
		$(TMPFILESDIR) $(DOCDIR)/decisions $(COMPLETIONDIR) $(MANDIR)/man5 $(MANDIR)/man8)
	install -m 755 $(B)/mlagd $(DESTDIR)$(SBINDIR)/mlagd
	install -m 755 $(B)/mlag-guard $(DESTDIR)$(SBINDIR)/mlag-guard
	install -m 755 $(B)/mlagctl $(DESTDIR)$(BINDIR)/mlagctl
	set -e; for unit in $(UNITS); do \
		sed -e 's|/usr/sbin/|$(SBINDIR)/|' -e 's|/usr/bin/|$(BINDIR)/|' $$unit \
			>$(DESTDIR)$(UNITDIR)/$${unit##*/}; \
		chmod 644 $(DESTDIR)$(UNITDIR)/$${unit##*/}; done
	install -m 644 systemd/mlag.sysusers $(DESTDIR)$(SYSUSERSDIR)/mlag.conf
	install -m 644 systemd/mlag.tmpfiles $(DESTDIR)$(TMPFILESDIR)/mlag.conf
	set -e; for page in $(MAN_PAGES); do \
		install -d $(DESTDIR)$(MANDIR)/man$${page##*.}; \
		install -m 644 $$page $(DESTDIR)$(MANDIR)/man$${page##*.}/; done
	$(if $(CONF_EXAMPLE),install -m 644 $(CONF_EXAMPLE) $(DESTDIR)$(DOCDIR)/mlagd.conf.example)
	set -e; for example in $(EXAMPLES); do \
		install -D -m 644 $$example $(DESTDIR)$(DOCDIR)/$${example#systemd/}; done
	$(if $(COMPLETION),install -m 644 $(COMPLETION) $(DESTDIR)$(COMPLETIONDIR)/mlagctl)
	install -m 644 $(DOCS) LICENSE $(DESTDIR)$(DOCDIR)/
	$(if $(DECISIONS),install -m 644 $(DECISIONS) $(DESTDIR)$(DOCDIR)/decisions/)

uninstall:
	rm -f $(DESTDIR)$(SBINDIR)/mlagd $(DESTDIR)$(SBINDIR)/mlag-guard $(DESTDIR)$(BINDIR)/mlagctl \
		$(addprefix $(DESTDIR)$(UNITDIR)/,$(notdir $(UNITS))) \
		$(DESTDIR)$(SYSUSERSDIR)/mlag.conf $(DESTDIR)$(TMPFILESDIR)/mlag.conf \
		$(DESTDIR)$(COMPLETIONDIR)/mlagctl
	set -e; for page in $(notdir $(MAN_PAGES)); do \
		rm -f $(DESTDIR)$(MANDIR)/man$${page##*.}/$$page; done
	rm -rf $(DESTDIR)$(DOCDIR)

clean:
	rm -rf build

help:
	@echo 'make                 build/mlagd, mlagctl and mlag-guard (CC=clang works too, V=1 shows commands)'
	@echo 'make deps            install what is missing (Debian, root), or print the list'
	@echo 'make demo            the pair at work in a lab, explained as it runs (root)'
	@echo 'make lab             the pair to play with: a prompt in the lab (root)'
	@echo 'make check           everything a newcomer should run; its parts:'
	@echo '  $(CHECK_PARTS)' | fold -s -w 90 | sed '2,$$s/^/  /'
	@echo 'make check-long      also soak, longer fuzzing and the long lab runs'
	@echo 'make check-boot      machines that boot and go down under systemd, with FRR (root)'
	@echo 'make sim SEED=n      one run of the simulator;  make soak  many, for SOAK_SECONDS'
	@echo 'make sim SEED=n TLS=1  the same life with the session through TLS'
	@echo 'make sim REPLAY=file what mlagctl record saved, step by step'
	@echo 'make bench           measurements'
	@echo 'make asan, clang, valgrind               unit tests, built or run another way'
	@echo 'make coverage                            branches of lib/ that unit tests and simulator take'
	@echo 'make check-mutants                       deliberate bugs, each of which has to be found'
	@echo 'make check-faults                        memory and system calls refused, at every place (root)'
	@echo 'make fuzz FUZZ_SECONDS=n                 libFuzzer, each target in turn'
	@echo 'make fuzz-corpora                        the inputs that are kept for it, made anew (root)'
	@echo 'make analyze         gcc -fanalyzer, cppcheck, clang-tidy'
	@echo 'make format          clang-format in place;  make check-format  only look'
	@echo 'make install DESTDIR= PREFIX=/usr/local  and  make uninstall'
	@echo 'make clean           remove build/'
