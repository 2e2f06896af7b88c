// SPDX-License-Identifier: BSD-2-Clause
/*
 * Attaching by clsact: cls_bpf filters in direct-action mode, found again by their fixed priority
 * and handle, so that a filter of an earlier daemon is replaced in one kernel operation and no
 * state has to be kept about what is attached.  datapath.c calls this and nobody else.
 *
 * libbpf prints what the kernel objects to.  Most of that is told to the user, but some objections
 * are part of the work (there is a clsact already, there is no filter to remove): around such a
 * call the lines are held and told only if the call failed for another reason.
 */
#include "datapath/attach.h"

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/libbpf.h>

#include "datapath/datapath.h"

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

	if (level != LIBBPF_WARN || !diagnostics.log) {
		return 0;
	}
	if (diagnostics.hold) {
		size_t used = strlen(diagnostics.held);

		return vsnprintf(diagnostics.held + used, sizeof(diagnostics.held) - used, format,
				 args);
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

void attach_hook_log(void (*log)(void *user, const char *text), void *user)
{
	diagnostics.log = log;
	diagnostics.user = user;
	libbpf_set_print(on_libbpf_print);
}

void attach_unhook_log(const void *user)
{
	if (diagnostics.user == user) {
		diagnostics.log = NULL;
		diagnostics.user = NULL;
	}
}

static void hold_log(void)
{
	diagnostics.hold = true;
	diagnostics.held[0] = '\0';
}

static void release_log(bool tell)
{
	diagnostics.hold = false;
	if (tell && diagnostics.log) {
		tell_lines(diagnostics.held);
	}
}

static enum bpf_tc_attach_point tc_point(enum attach_point point)
{
	return point == ATTACH_INGRESS ? BPF_TC_INGRESS : BPF_TC_EGRESS;
}

/* The qdisc first; a second one is refused, which is how we learn that it is there. */
static int ensure_clsact(uint32_t ifindex)
{
	struct bpf_tc_hook hook = {
		.sz = sizeof(hook),
		.ifindex = (int)ifindex,
		.attach_point = BPF_TC_INGRESS | BPF_TC_EGRESS,
	};
	int error;

	hold_log();
	error = bpf_tc_hook_create(&hook);
	if (error == -EEXIST) {
		error = 0;
	}
	release_log(error && error != -ENODEV);
	return error;
}

int attach_program(uint32_t ifindex, enum attach_point point, int program_fd)
{
	struct bpf_tc_hook hook = {
		.sz = sizeof(hook),
		.ifindex = (int)ifindex,
		.attach_point = tc_point(point),
	};
	struct bpf_tc_opts opts = {
		.sz = sizeof(opts),
		.handle = DATAPATH_TC_HANDLE,
		.priority = DATAPATH_TC_PRIORITY,
		.prog_fd = program_fd,
		.flags = BPF_TC_F_REPLACE,
	};
	int error;

	error = ensure_clsact(ifindex);
	if (error) {
		return error;
	}
	return bpf_tc_attach(&hook, &opts);
}

int attach_query(uint32_t ifindex, enum attach_point point, uint32_t *ret_program_id)
{
	struct bpf_tc_hook hook = {
		.sz = sizeof(hook),
		.ifindex = (int)ifindex,
		.attach_point = tc_point(point),
	};
	struct bpf_tc_opts opts = {
		.sz = sizeof(opts),
		.handle = DATAPATH_TC_HANDLE,
		.priority = DATAPATH_TC_PRIORITY,
	};
	int error;

	hold_log();
	error = bpf_tc_query(&hook, &opts);
	/* No filter, or another kind of filter at its place; no clsact. */
	if (error == -ENOENT || error == -EINVAL) {
		opts.prog_id = 0;
		error = 0;
	}
	release_log(error && error != -ENODEV);
	if (error) {
		return error;
	}
	*ret_program_id = opts.prog_id;
	return 0;
}

int attach_remove(uint32_t ifindex, enum attach_point point)
{
	struct bpf_tc_hook hook = {
		.sz = sizeof(hook),
		.ifindex = (int)ifindex,
		.attach_point = tc_point(point),
	};
	struct bpf_tc_opts opts = {
		.sz = sizeof(opts),
		.handle = DATAPATH_TC_HANDLE,
		.priority = DATAPATH_TC_PRIORITY,
	};
	int error;

	hold_log();
	error = bpf_tc_detach(&hook, &opts);
	/* No filter; no clsact ("parent qdisc doesn't exist"); no device. */
	if (error == -ENOENT || error == -EINVAL || error == -ENODEV) {
		error = 0;
	}
	release_log(error);
	return error;
}
