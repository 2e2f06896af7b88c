// SPDX-License-Identifier: BSD-2-Clause
/*
 * The print hook of libbpf (see diagnostics.h).  Hooked by datapath.c; held by those who attach.
 */
#include "datapath/diagnostics.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/libbpf.h>

/* libbpf's print hook has no argument for its owner, so this cannot be part of a datapath. */
static struct {
	void (*log)(void *user, const char *text);
	void *user;
	bool hold;
	char held[512];
} diagnostics;

static void tell_lines(char *text)
{
	char *rest = text;
	char *line;

	while ((line = strsep(&rest, "\n"))) {
		if (*line) {
			diagnostics.log(diagnostics.user, line);
		}
	}
}

static __attribute__((format(printf, 2, 0))) int on_libbpf_print(enum libbpf_print_level level,
								 const char *format, va_list args)
{
	char *text;

	if (level != LIBBPF_WARN) {
		return 0;
	}
	if (diagnostics.hold) {
		size_t used = strlen(diagnostics.held);

		return vsnprintf(diagnostics.held + used, sizeof(diagnostics.held) - used, format,
				 args);
	}
	if (!diagnostics.log) {
		return 0;
	}
	/* A verifier's log is as long as it is. */
	if (vasprintf(&text, format, args) < 0) {
		diagnostics.log(diagnostics.user, "out of memory for a diagnostic of libbpf");
		return 0;
	}
	tell_lines(text);
	free(text);
	return 0;
}

void diagnostics_hook(void (*log)(void *user, const char *text), void *user)
{
	diagnostics.log = log;
	diagnostics.user = user;
	libbpf_set_print(on_libbpf_print);
}

void diagnostics_unhook(const void *user)
{
	if (diagnostics.user == user) {
		diagnostics.log = NULL;
		diagnostics.user = NULL;
	}
}

void diagnostics_hold(void)
{
	diagnostics.hold = true;
	diagnostics.held[0] = '\0';
}

void diagnostics_release(bool tell)
{
	diagnostics.hold = false;
	if (tell && diagnostics.log) {
		tell_lines(diagnostics.held);
	}
}

void diagnostics_take_reason(char *ret, size_t size)
{
	static const char MARK[] = "Kernel error message: ";
	const char *begin = strstr(diagnostics.held, MARK);

	if (!begin) {
		ret[0] = '\0';
		return;
	}
	begin += sizeof(MARK) - 1;
	(void)snprintf(ret, size, "%.*s", (int)strcspn(begin, "\n"), begin);
}
