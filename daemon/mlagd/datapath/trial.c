// SPDX-License-Identifier: BSD-2-Clause
/*
 * The programs a second time, for frames that nobody sent (see trial.h).  A second time because a
 * run counts: the same programs with the same maps to read, but counters of their own, out of which
 * the reason of a decision is read.  control/explain.c asks; nothing of this is ever attached.
 */
#include "datapath/trial.h"

#include <errno.h>
#include <linux/pkt_cls.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "datapath/datapath.h"
#include "explain.skel.h"
#include "isolate.skel.h"
#include "receive.skel.h"
#include "redirects.skel.h"

#define FRAME_MAX 2048

struct datapath_trial {
	struct isolate_bpf *isolate;
	struct receive_bpf *receive;
	struct redirects_bpf *redirects;
	struct explain_bpf *explain;
	struct mlag_counter *per_cpu;
	uint32_t cpus_count;
};

/* What a program writes is its own here, and small; every map that it only reads is the real one. */
static const char *const written[] = {"mlag_counters", "mlag_leg_rx", "mlag_senders"};

static bool is_written(const char *name)
{
	for (size_t i = 0; i < sizeof(written) / sizeof(written[0]); i++) {
		if (strcmp(name, written[i]) == 0) {
			return true;
		}
	}
	return false;
}

static int share_maps(const struct datapath *dp, struct bpf_object *object)
{
	struct bpf_map *map;
	int error = 0;

	bpf_object__for_each_map(map, object)
	{
		int fd = datapath_map_fd(dp, bpf_map__name(map));

		if (is_written(bpf_map__name(map))) {
			error = bpf_map__set_max_entries(map, MLAG_REASONS_COUNT);
		} else if (fd >= 0) {
			error = bpf_map__reuse_fd(map, fd);
		}
		if (error) {
			return error;
		}
	}
	return 0;
}

static int load_isolate(struct datapath_trial *trial, const struct datapath *dp)
{
	int error;

	trial->isolate = isolate_bpf__open();
	if (!trial->isolate) {
		return -errno;
	}
	error = share_maps(dp, trial->isolate->obj);
	return error ? error : isolate_bpf__load(trial->isolate);
}

static int load_receive(struct datapath_trial *trial, const struct datapath *dp)
{
	int error;

	trial->receive = receive_bpf__open();
	if (!trial->receive) {
		return -errno;
	}
	error = share_maps(dp, trial->receive->obj);
	if (!error) {
		error = bpf_map__reuse_fd(trial->receive->maps.mlag_counters,
					  bpf_map__fd(trial->isolate->maps.mlag_counters));
	}
	return error ? error : receive_bpf__load(trial->receive);
}

static int load_redirects(struct datapath_trial *trial, const struct datapath *dp)
{
	int error;

	trial->redirects = redirects_bpf__open();
	if (!trial->redirects) {
		return -errno;
	}
	error = share_maps(dp, trial->redirects->obj);
	if (!error) {
		error = bpf_map__reuse_fd(trial->redirects->maps.mlag_counters,
					  bpf_map__fd(trial->isolate->maps.mlag_counters));
	}
	return error ? error : redirects_bpf__load(trial->redirects);
}

static int set_program(struct datapath_trial *trial, uint32_t which,
		       const struct bpf_program *program)
{
	int fd = bpf_program__fd(program);

	return bpf_map_update_elem(bpf_map__fd(trial->explain->maps.mlag_trials), &which, &fd,
				   BPF_ANY);
}

static int load_explain(struct datapath_trial *trial)
{
	int error;

	trial->explain = explain_bpf__open_and_load();
	if (!trial->explain) {
		return -errno;
	}
	error = set_program(trial, DATAPATH_PROGRAM_RECEIVE, trial->receive->progs.receive);
	if (!error) {
		error = set_program(trial, DATAPATH_PROGRAM_LEG, trial->isolate->progs.isolate_leg);
	}
	if (!error) {
		error = set_program(trial, DATAPATH_PROGRAM_PEER_LINK,
				    trial->isolate->progs.isolate_peer_link);
	}
	if (!error) {
		error = set_program(trial, DATAPATH_PROGRAM_SVI,
				    trial->redirects->progs.svi_egress);
	}
	return error;
}

int datapath_trial_open(struct datapath_trial **ret, const struct datapath *dp)
{
	struct datapath_trial *trial = calloc(1, sizeof(*trial));
	int cpus_count = libbpf_num_possible_cpus();
	int error;

	if (!trial || cpus_count < 0) {
		free(trial);
		return cpus_count < 0 ? cpus_count : -ENOMEM;
	}
	trial->cpus_count = (uint32_t)cpus_count;
	trial->per_cpu = calloc(trial->cpus_count, sizeof(*trial->per_cpu));
	error = trial->per_cpu ? load_isolate(trial, dp) : -ENOMEM;
	if (!error) {
		error = load_receive(trial, dp);
	}
	if (!error) {
		error = load_redirects(trial, dp);
	}
	if (!error) {
		error = load_explain(trial);
	}
	if (error) {
		datapath_trial_close(trial);
		return error;
	}
	*ret = trial;
	return 0;
}

void datapath_trial_close(struct datapath_trial *trial)
{
	if (!trial) {
		return;
	}
	explain_bpf__destroy(trial->explain);
	redirects_bpf__destroy(trial->redirects);
	receive_bpf__destroy(trial->receive);
	isolate_bpf__destroy(trial->isolate);
	free(trial->per_cpu);
	free(trial);
}

/* ---- a run ---------------------------------------------------------------------------------- */

/* A row a reason at this port, all zero. */
static int begin_counting(struct datapath_trial *trial, uint32_t ifindex)
{
	int fd = bpf_map__fd(trial->isolate->maps.mlag_counters);
	struct mlag_counter_key key = {.ifindex = ifindex};
	int error = 0;

	memset(trial->per_cpu, 0, trial->cpus_count * sizeof(*trial->per_cpu));
	for (key.reason = MLAG_REASON_NONE + 1; !error && key.reason < MLAG_REASONS_COUNT;
	     key.reason++) {
		error = bpf_map_update_elem(fd, &key, trial->per_cpu, BPF_ANY);
	}
	return error;
}

static bool is_counted(struct datapath_trial *trial, const struct mlag_counter_key *key)
{
	int fd = bpf_map__fd(trial->isolate->maps.mlag_counters);

	if (bpf_map_lookup_elem(fd, key, trial->per_cpu)) {
		return false;
	}
	for (uint32_t cpu = 0; cpu < trial->cpus_count; cpu++) {
		if (trial->per_cpu[cpu].packets) {
			return true;
		}
	}
	return false;
}

/* Which reason the program counted; the rows go away. */
static enum mlag_reason end_counting(struct datapath_trial *trial, uint32_t ifindex)
{
	int fd = bpf_map__fd(trial->isolate->maps.mlag_counters);
	struct mlag_counter_key key = {.ifindex = ifindex};
	enum mlag_reason counted = MLAG_REASON_NONE;

	for (key.reason = MLAG_REASON_NONE + 1; key.reason < MLAG_REASONS_COUNT; key.reason++) {
		if (is_counted(trial, &key)) {
			counted = (enum mlag_reason)key.reason;
		}
		(void)bpf_map_delete_elem(fd, &key);
	}
	return counted;
}

static enum mlag_action action_of(int verdict, const uint8_t *before, const uint8_t *after)
{
	switch (verdict) {
	case TC_ACT_SHOT:
		return MLAG_ACTION_DROP;
	case TC_ACT_REDIRECT:
		return MLAG_ACTION_TO_PEER_LINK;
	case TC_ACT_UNSPEC:
		return memcmp(before, after, 6) != 0 ? MLAG_ACTION_REWRITE : MLAG_ACTION_PASS;
	default:
		return MLAG_ACTION_NONE;
	}
}

int datapath_trial_run(struct datapath_trial *trial, const struct datapath_question *question,
		       struct mlag_decision *ret)
{
	uint8_t after[FRAME_MAX] = {0};
	struct __sk_buff skb = {
		.ifindex = question->ifindex,
		.ingress_ifindex = question->ingress_ifindex,
		.cb = {question->program, question->tagged, question->tci},
	};
	struct bpf_test_run_opts opts = {
		.sz = sizeof(opts),
		.data_in = question->bytes,
		.data_size_in = question->size,
		.data_out = after,
		.data_size_out = sizeof(after),
		.ctx_in = &skb,
		.ctx_size_in = sizeof(skb),
		.repeat = 1,
	};
	enum mlag_reason reason;
	int error = begin_counting(trial, question->ifindex);

	if (!error) {
		error = bpf_prog_test_run_opts(bpf_program__fd(trial->explain->progs.explain_enter),
					       &opts);
	}
	reason = end_counting(trial, question->ifindex);
	if (error) {
		return error;
	}
	ret->action = action_of((int)opts.retval, question->bytes, after);
	ret->reason = reason;
	return ret->action == MLAG_ACTION_NONE ? -EPROTO : 0;
}

/* ---- the maps ------------------------------------------------------------------------------- */

static int look(const struct datapath *dp, const char *name, const void *key, void *ret)
{
	int fd = datapath_map_fd(dp, name);

	return fd < 0 ? fd : bpf_map_lookup_elem(fd, key, ret);
}

int datapath_get_domain(const struct datapath *dp, struct mlag_domain *ret)
{
	uint32_t zero = 0;

	return look(dp, "mlag_domain", &zero, ret);
}

int datapath_get_port(const struct datapath *dp, uint32_t ifindex, struct mlag_port *ret)
{
	return look(dp, "mlag_ports", &ifindex, ret);
}

int datapath_get_source(const struct datapath *dp, const struct mlag_source_key *key,
			struct mlag_source *ret)
{
	return look(dp, "mlag_sources", key, ret);
}

int datapath_get_router(const struct datapath *dp, const struct mlag_router_key *key,
			struct mlag_router *ret)
{
	return look(dp, "mlag_routers", key, ret);
}

int datapath_get_owner(const struct datapath *dp, const struct mlag_address *address, uint8_t *ret)
{
	return look(dp, "mlag_addresses", address, ret);
}
