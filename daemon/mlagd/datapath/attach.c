// SPDX-License-Identifier: BSD-2-Clause
/*
 * Which way to attach, and the way by clsact: cls_bpf filters in direct-action mode, found again by
 * their fixed priority and handle, so that a filter of an earlier daemon is replaced in one kernel
 * operation and no state has to be kept about what is attached.  datapath.c calls this and nobody
 * else; tcx.c is the other way.
 */
#include "datapath/attach.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <bpf/libbpf.h>

#include "datapath/datapath.h"
#include "datapath/diagnostics.h"
#include "datapath/tcx.h"

static struct bpf_tc_hook clsact_hook(uint32_t ifindex, enum bpf_tc_attach_point point)
{
	return (struct bpf_tc_hook){
		.sz = sizeof(struct bpf_tc_hook),
		.ifindex = (int)ifindex,
		.attach_point = point,
	};
}

static enum bpf_tc_attach_point clsact_point(enum attach_point point)
{
	return point == ATTACH_INGRESS ? BPF_TC_INGRESS : BPF_TC_EGRESS;
}

/* Our place among the filters of a hook. */
static struct bpf_tc_opts clsact_place(void)
{
	return (struct bpf_tc_opts){
		.sz = sizeof(struct bpf_tc_opts),
		.handle = DATAPATH_TC_HANDLE,
		.priority = DATAPATH_TC_PRIORITY,
	};
}

/* The qdisc first; a second one is refused, which is how we learn that it is there. */
static int clsact_ensure(const struct attach *attach, uint32_t ifindex)
{
	struct bpf_tc_hook hook = clsact_hook(ifindex, BPF_TC_INGRESS | BPF_TC_EGRESS);
	int error;

	diagnostics_hold();
	error = bpf_tc_hook_create(&hook);
	if (!error && attach->qdisc_made) {
		attach->qdisc_made(attach->user, ifindex);
	}
	if (error == -EEXIST) {
		error = 0;
	}
	diagnostics_release(error && error != -ENODEV);
	return error;
}

static int clsact_attach(const struct attach *attach, uint32_t ifindex, enum attach_point point,
			 int program_fd)
{
	struct bpf_tc_hook hook = clsact_hook(ifindex, clsact_point(point));
	struct bpf_tc_opts opts = clsact_place();
	int error = clsact_ensure(attach, ifindex);

	if (error) {
		return error;
	}
	opts.prog_fd = program_fd;
	opts.flags = BPF_TC_F_REPLACE;
	return bpf_tc_attach(&hook, &opts);
}

static int clsact_query(uint32_t ifindex, enum attach_point point, uint32_t *ret_program_id)
{
	struct bpf_tc_hook hook = clsact_hook(ifindex, clsact_point(point));
	struct bpf_tc_opts opts = clsact_place();
	int error;

	diagnostics_hold();
	error = bpf_tc_query(&hook, &opts);
	/* No filter, or another kind of filter at its place; no clsact. */
	if (error == -ENOENT || error == -EINVAL) {
		opts.prog_id = 0;
		error = 0;
	}
	diagnostics_release(error && error != -ENODEV);
	if (error) {
		return error;
	}
	*ret_program_id = opts.prog_id;
	return 0;
}

static int clsact_remove(uint32_t ifindex, enum attach_point point)
{
	struct bpf_tc_hook hook = clsact_hook(ifindex, clsact_point(point));
	struct bpf_tc_opts opts = clsact_place();
	int error;

	diagnostics_hold();
	error = bpf_tc_detach(&hook, &opts);
	/* No filter; no clsact ("parent qdisc doesn't exist"); no device. */
	if (error == -ENOENT || error == -EINVAL || error == -ENODEV) {
		error = 0;
	}
	diagnostics_release(error);
	return error;
}

static const char *pins_of(const struct attach *attach)
{
	return attach->pins[0] ? attach->pins : NULL;
}

void attach_open(struct attach *ret, const char *directory)
{
	memset(ret, 0, sizeof(*ret));
	ret->tcx_is_known = tcx_is_known();
	if (!ret->tcx_is_known || !directory) {
		return;
	}
	(void)snprintf(ret->pins, sizeof(ret->pins), "%s", directory);
	tcx_sweep(ret->pins);
}

int attach_program(const struct attach *attach, uint32_t ifindex, enum attach_point point,
		   int program_fd)
{
	int error;

	if (pins_of(attach)) {
		int waited = tcx_attach(attach->pins, ifindex, point, program_fd);

		error = waited < 0 ? waited : clsact_remove(ifindex, point);
		return error ? error : waited;
	}
	error = clsact_attach(attach, ifindex, point, program_fd);
	if (error || !attach->tcx_is_known) {
		return error;
	}
	return tcx_remove(NULL, ifindex, point);
}

int attach_query(const struct attach *attach, uint32_t ifindex, enum attach_point point,
		 uint32_t *ret_program_id)
{
	if (pins_of(attach)) {
		return tcx_query(attach->pins, ifindex, point, ret_program_id);
	}
	return clsact_query(ifindex, point, ret_program_id);
}

void attach_find(uint32_t ifindex, enum attach_point point, const char *directory,
		 uint32_t ret_program_ids[ATTACH_WAYS])
{
	ret_program_ids[0] = 0;
	ret_program_ids[1] = 0;
	(void)tcx_seek(directory, ifindex, point, &ret_program_ids[0]);
	(void)clsact_query(ifindex, point, &ret_program_ids[1]);
}

int attach_remove(const struct attach *attach, uint32_t ifindex, enum attach_point point)
{
	int tcx_error = 0;
	int clsact_error;

	if (attach->tcx_is_known) {
		tcx_error = tcx_remove(pins_of(attach), ifindex, point);
	}
	clsact_error = clsact_remove(ifindex, point);
	return tcx_error ? tcx_error : clsact_error;
}
