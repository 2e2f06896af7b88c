// SPDX-License-Identifier: BSD-2-Clause
/*
 * Loads the programs of ebpf/, fills the maps they read and says at which ports they run.  Called
 * by effects.c, which knows what the engine wants, and by the control server for the counters.
 * Owns the loaded objects; does not own the attachments, which outlive it on purpose.
 */
#include "datapath/datapath.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "datapath/attach.h"
#include "isolate.skel.h"
#include "mark.skel.h"
#include "receive.skel.h"
#include "redirects.skel.h"

struct datapath {
	struct isolate_bpf *isolate;
	struct receive_bpf *receive; /* the maps of maps.bpf.h are those of @isolate */
	struct redirects_bpf *redirects;
	struct mark_bpf *mark; /* and mlag_routers is that of @receive */
	bool marking;
	void (*log)(void *user, const char *text);
	void *user;
	struct mlag_counter *per_cpu; /* one value of mlag_counters: cpus_count of them */
	uint32_t cpus_count;
	uint32_t attached_count;
	uint32_t attached[MLAG_MAP_PORTS_MAX]; /* what datapath_detach_all() has to visit */
};

static void on_log(void *user, const char *text)
{
	struct datapath *dp = user;

	if (dp->log) {
		dp->log(dp->user, text);
	}
}

static int load_isolate(struct datapath *dp, const struct datapath_spec *spec)
{
	int error;

	dp->isolate = isolate_bpf__open();
	if (!dp->isolate) {
		return -errno;
	}
	error = bpf_map__set_max_entries(dp->isolate->maps.mlag_sources, spec->sources_max);
	if (error) {
		return error;
	}
	return isolate_bpf__load(dp->isolate);
}

/* Both objects read the same domain and ports, and count in the same rows. */
static int share_maps(struct isolate_bpf *from, struct receive_bpf *to)
{
	int error;

	error = bpf_map__reuse_fd(to->maps.mlag_domain, bpf_map__fd(from->maps.mlag_domain));
	if (error) {
		return error;
	}
	error = bpf_map__reuse_fd(to->maps.mlag_ports, bpf_map__fd(from->maps.mlag_ports));
	if (error) {
		return error;
	}
	return bpf_map__reuse_fd(to->maps.mlag_counters, bpf_map__fd(from->maps.mlag_counters));
}

static int load_receive(struct datapath *dp)
{
	int error;

	dp->receive = receive_bpf__open();
	if (!dp->receive) {
		return -errno;
	}
	error = share_maps(dp->isolate, dp->receive);
	if (error) {
		return error;
	}
	return receive_bpf__load(dp->receive);
}

/* Of the common maps it has the counters only. */
static int load_redirects(struct datapath *dp)
{
	int error;

	dp->redirects = redirects_bpf__open();
	if (!dp->redirects) {
		return -errno;
	}
	error = bpf_map__reuse_fd(dp->redirects->maps.mlag_counters,
				  bpf_map__fd(dp->isolate->maps.mlag_counters));
	return error ? error : redirects_bpf__load(dp->redirects);
}

static int load_mark(struct datapath *dp)
{
	const struct isolate_bpf *from = dp->isolate;
	int error;

	dp->mark = mark_bpf__open();
	if (!dp->mark) {
		return -errno;
	}
	if ((error = bpf_map__reuse_fd(dp->mark->maps.mlag_domain,
				       bpf_map__fd(from->maps.mlag_domain))) ||
	    (error = bpf_map__reuse_fd(dp->mark->maps.mlag_ports,
				       bpf_map__fd(from->maps.mlag_ports))) ||
	    (error = bpf_map__reuse_fd(dp->mark->maps.mlag_counters,
				       bpf_map__fd(from->maps.mlag_counters))) ||
	    (error = bpf_map__reuse_fd(dp->mark->maps.mlag_routers,
				       bpf_map__fd(dp->receive->maps.mlag_routers)))) {
		return error;
	}
	return mark_bpf__load(dp->mark);
}

static int load(struct datapath *dp, const struct datapath_spec *spec)
{
	int error = load_isolate(dp, spec);

	if (!error) {
		error = load_receive(dp);
	}
	if (!error) {
		error = load_redirects(dp);
	}
	return error ? error : load_mark(dp);
}

int datapath_open(struct datapath **ret, const struct datapath_spec *spec)
{
	struct datapath *dp;
	int cpus_count;
	int error;

	if (!spec->sources_max) {
		return -EINVAL;
	}
	cpus_count = libbpf_num_possible_cpus();
	if (cpus_count < 0) {
		return cpus_count;
	}
	dp = calloc(1, sizeof(*dp));
	if (!dp) {
		return -ENOMEM;
	}
	dp->log = spec->log;
	dp->user = spec->user;
	dp->cpus_count = (uint32_t)cpus_count;
	dp->per_cpu = calloc(dp->cpus_count, sizeof(*dp->per_cpu));
	attach_hook_log(on_log, dp);
	error = dp->per_cpu ? load(dp, spec) : -ENOMEM;
	if (error) {
		datapath_close(dp);
		return error;
	}
	*ret = dp;
	return 0;
}

void datapath_close(struct datapath *dp)
{
	if (!dp) {
		return;
	}
	attach_unhook_log(dp);
	redirects_bpf__destroy(dp->redirects);
	mark_bpf__destroy(dp->mark);
	receive_bpf__destroy(dp->receive);
	isolate_bpf__destroy(dp->isolate);
	free(dp->per_cpu);
	free(dp);
}

void datapath_get_maps(const struct datapath *dp, struct datapath_maps *ret_maps)
{
	ret_maps->domain = bpf_map__fd(dp->isolate->maps.mlag_domain);
	ret_maps->ports = bpf_map__fd(dp->isolate->maps.mlag_ports);
	ret_maps->counters = bpf_map__fd(dp->isolate->maps.mlag_counters);
	ret_maps->routers = bpf_map__fd(dp->receive->maps.mlag_routers);
	ret_maps->addresses = bpf_map__fd(dp->receive->maps.mlag_addresses);
}

int datapath_set_domain(struct datapath *dp, const struct mlag_domain *domain)
{
	uint32_t zero = 0;

	return bpf_map_update_elem(bpf_map__fd(dp->isolate->maps.mlag_domain), &zero, domain,
				   BPF_ANY);
}

int datapath_set_port(struct datapath *dp, uint32_t ifindex, const struct mlag_port *port)
{
	if (!ifindex) {
		return -EINVAL;
	}
	return bpf_map_update_elem(bpf_map__fd(dp->isolate->maps.mlag_ports), &ifindex, port,
				   BPF_ANY);
}

/* Deletes a key of a map; one that is not there is no error. */
static int forget(const struct bpf_map *map, const void *key)
{
	int error = bpf_map_delete_elem(bpf_map__fd(map), key);

	return error == -ENOENT ? 0 : error;
}

int datapath_delete_port(struct datapath *dp, uint32_t ifindex)
{
	return forget(dp->isolate->maps.mlag_ports, &ifindex);
}

/* Makes a row unless there is one, whose count goes on. */
static int make_row(const struct bpf_map *map, const void *key, const void *value)
{
	int error = bpf_map_update_elem(bpf_map__fd(map), key, value, BPF_NOEXIST);

	return error == -EEXIST ? 0 : error;
}

/* The rows that the programs count in; they only ever add to one that exists. */
static int make_rows(struct datapath *dp, uint32_t ifindex, enum mlag_port_kind kind)
{
	struct mlag_counter_key key = {.ifindex = ifindex};
	uint64_t none = 0;
	int error;

	memset(dp->per_cpu, 0, dp->cpus_count * sizeof(*dp->per_cpu));
	for (key.reason = MLAG_REASON_NONE + 1; key.reason < MLAG_REASONS_COUNT; key.reason++) {
		error = make_row(dp->isolate->maps.mlag_counters, &key, dp->per_cpu);
		if (error) {
			return error;
		}
	}
	if (kind != MLAG_PORT_LEG) {
		return forget(dp->receive->maps.mlag_leg_rx, &ifindex);
	}
	return make_row(dp->receive->maps.mlag_leg_rx, &ifindex, &none);
}

static int delete_rows(struct datapath *dp, uint32_t ifindex)
{
	struct mlag_counter_key key = {.ifindex = ifindex};
	int error = forget(dp->receive->maps.mlag_leg_rx, &ifindex);

	for (key.reason = MLAG_REASON_NONE + 1; !error && key.reason < MLAG_REASONS_COUNT;
	     key.reason++) {
		error = forget(dp->isolate->maps.mlag_counters, &key);
	}
	return error;
}

static int remember(struct datapath *dp, uint32_t ifindex)
{
	for (uint32_t index = 0; index < dp->attached_count; index++) {
		if (dp->attached[index] == ifindex) {
			return 0;
		}
	}
	if (dp->attached_count == MLAG_MAP_PORTS_MAX) {
		return -E2BIG;
	}
	dp->attached[dp->attached_count++] = ifindex;
	return 0;
}

static void unremember(struct datapath *dp, uint32_t ifindex)
{
	for (uint32_t index = 0; index < dp->attached_count; index++) {
		if (dp->attached[index] == ifindex) {
			dp->attached[index] = dp->attached[--dp->attached_count];
			return;
		}
	}
}

static int attach_receive(const struct datapath *dp, uint32_t ifindex)
{
	return attach_program(ifindex, ATTACH_INGRESS, bpf_program__fd(dp->receive->progs.receive));
}

static int attach_leg(const struct datapath *dp, uint32_t ifindex)
{
	int error;

	error = attach_program(ifindex, ATTACH_EGRESS,
			       bpf_program__fd(dp->isolate->progs.isolate_leg));
	if (error) {
		return error;
	}
	return attach_receive(dp, ifindex);
}

static int attach_peer_link(const struct datapath *dp, uint32_t ifindex)
{
	int error;

	error = attach_program(ifindex, ATTACH_EGRESS,
			       bpf_program__fd(dp->isolate->progs.isolate_peer_link));
	if (error) {
		return error;
	}
	if (dp->marking) {
		return attach_program(ifindex, ATTACH_INGRESS,
				      bpf_program__fd(dp->mark->progs.mark_peer_link));
	}
	/* It may have been another kind of port until now, or have marked. */
	return attach_remove(ifindex, ATTACH_INGRESS);
}

static int attach_orphan(const struct datapath *dp, uint32_t ifindex)
{
	int error = attach_receive(dp, ifindex);

	if (error) {
		return error;
	}
	/* It may have been a leg or the peer link until now. */
	return attach_remove(ifindex, ATTACH_EGRESS);
}

static int attach_kind(const struct datapath *dp, uint32_t ifindex, enum mlag_port_kind kind)
{
	switch (kind) {
	case MLAG_PORT_NONE:
		return attach_orphan(dp, ifindex);
	case MLAG_PORT_PEER_LINK:
		return attach_peer_link(dp, ifindex);
	case MLAG_PORT_LEG:
		return attach_leg(dp, ifindex);
	}
	return -EINVAL;
}

void datapath_set_marking(struct datapath *dp, bool marking)
{
	dp->marking = marking;
}

int datapath_attach(struct datapath *dp, uint32_t ifindex, enum mlag_port_kind kind)
{
	int error;

	if (!ifindex) {
		return -EINVAL;
	}
	error = remember(dp, ifindex);
	if (error) {
		return error;
	}
	error = make_rows(dp, ifindex, kind);
	if (error) {
		return error;
	}
	return attach_kind(dp, ifindex, kind);
}

/* Clears @ret_intact unless the program at a point is this one. */
static int verify_program(uint32_t ifindex, enum attach_point point,
			  const struct bpf_program *program, bool *ret_intact)
{
	struct bpf_prog_info info = {0};
	uint32_t size = sizeof(info);
	uint32_t id;
	int error;

	error = bpf_obj_get_info_by_fd(bpf_program__fd(program), &info, &size);
	if (error) {
		return error;
	}
	error = attach_query(ifindex, point, &id);
	if (error) {
		return error;
	}
	*ret_intact = *ret_intact && id == info.id;
	return 0;
}

int datapath_verify(const struct datapath *dp, uint32_t ifindex, enum mlag_port_kind kind,
		    bool *ret_intact)
{
	bool intact = true;
	int error = ifindex ? 0 : -EINVAL;

	if (!error && kind == MLAG_PORT_LEG) {
		error = verify_program(ifindex, ATTACH_EGRESS, dp->isolate->progs.isolate_leg,
				       &intact);
	}
	if (!error && kind == MLAG_PORT_PEER_LINK) {
		error = verify_program(ifindex, ATTACH_EGRESS, dp->isolate->progs.isolate_peer_link,
				       &intact);
	}
	if (!error && kind == MLAG_PORT_PEER_LINK && dp->marking) {
		error = verify_program(ifindex, ATTACH_INGRESS, dp->mark->progs.mark_peer_link,
				       &intact);
	}
	if (!error && kind != MLAG_PORT_PEER_LINK) {
		error = verify_program(ifindex, ATTACH_INGRESS, dp->receive->progs.receive,
				       &intact);
	}
	if (error) {
		return error;
	}
	*ret_intact = intact;
	return 0;
}

int datapath_attach_svis(struct datapath *dp, uint32_t ifindex)
{
	int error = ifindex ? remember(dp, ifindex) : -EINVAL;

	if (!error) {
		error = make_rows(dp, ifindex, MLAG_PORT_NONE);
	}
	return error ? error
		     : attach_program(ifindex, ATTACH_EGRESS,
				      bpf_program__fd(dp->redirects->progs.svi_egress));
}

int datapath_verify_svis(const struct datapath *dp, uint32_t ifindex, bool *ret_intact)
{
	bool intact = true;
	int error = ifindex ? 0 : -EINVAL;

	if (!error) {
		error = verify_program(ifindex, ATTACH_EGRESS, dp->redirects->progs.svi_egress,
				       &intact);
	}
	if (!error) {
		*ret_intact = intact;
	}
	return error;
}

int datapath_detach(struct datapath *dp, uint32_t ifindex)
{
	int egress_error = attach_remove(ifindex, ATTACH_EGRESS);
	int ingress_error = attach_remove(ifindex, ATTACH_INGRESS);

	if (egress_error || ingress_error) {
		return egress_error ? egress_error : ingress_error;
	}
	unremember(dp, ifindex);
	return delete_rows(dp, ifindex);
}

int datapath_detach_all(struct datapath *dp)
{
	int first_error = 0;

	/* Backwards: a port that is detached is replaced in the list by one already visited. */
	for (uint32_t index = dp->attached_count; index > 0; index--) {
		int error = datapath_detach(dp, dp->attached[index - 1]);

		if (error && !first_error) {
			first_error = error;
		}
	}
	return first_error;
}

int datapath_set_source(struct datapath *dp, const struct mlag_source_key *key,
			const struct mlag_source *source)
{
	const struct bpf_map *map = dp->isolate->maps.mlag_sources;

	if (!source || !source->known) {
		return forget(map, key);
	}
	return bpf_map_update_elem(bpf_map__fd(map), key, source, BPF_ANY);
}

int datapath_set_router(struct datapath *dp, const struct mlag_router_key *key,
			const struct mlag_router *router)
{
	const struct bpf_map *map = dp->receive->maps.mlag_routers;

	if (!router) {
		return forget(map, key);
	}
	return bpf_map_update_elem(bpf_map__fd(map), key, router, BPF_ANY);
}

int datapath_set_address(struct datapath *dp, const struct mlag_address *address, uint8_t owner)
{
	const struct bpf_map *map = dp->receive->maps.mlag_addresses;

	if (owner == MLAG_OWNER_NONE) {
		return forget(map, address);
	}
	return bpf_map_update_elem(bpf_map__fd(map), address, &owner, BPF_ANY);
}

/* How many of the first keys are all to be set, so that they can go in one call. */
static uint32_t run_length(const struct mlag_source *sources, uint32_t count)
{
	uint32_t length = 0;

	while (length < count && sources[length].known) {
		length++;
	}
	return length;
}

int datapath_set_sources(struct datapath *dp, const struct mlag_source_key *keys,
			 const struct mlag_source *sources, uint32_t count)
{
	int map_fd = bpf_map__fd(dp->isolate->maps.mlag_sources);
	int first_error = 0;
	uint32_t index = 0;

	while (index < count) {
		uint32_t length = run_length(sources + index, count - index);
		uint32_t end = index + (length ? length : 1);

		if (length > 1 &&
		    !bpf_map_update_batch(map_fd, keys + index, sources + index, &length, NULL)) {
			index = end;
		}
		/* One to be forgotten, a single one, or a batch the kernel stopped at. */
		for (; index < end; index++) {
			int error = datapath_set_source(dp, &keys[index], &sources[index]);

			if (error && !first_error) {
				first_error = error;
			}
		}
	}
	return first_error;
}

int datapath_leg_rx(struct datapath *dp, uint32_t ifindex, uint64_t *ret_frames)
{
	uint64_t frames;
	int error;

	error = bpf_map_lookup_elem(bpf_map__fd(dp->receive->maps.mlag_leg_rx), &ifindex, &frames);
	if (error) {
		return error;
	}
	*ret_frames = frames;
	return 0;
}

int datapath_counters(struct datapath *dp,
		      void (*on_counter)(void *user, uint32_t ifindex, enum mlag_reason reason,
					 uint64_t packets, uint64_t bytes),
		      void *user)
{
	int map_fd = bpf_map__fd(dp->isolate->maps.mlag_counters);
	struct mlag_counter_key key, next;
	const void *previous = NULL;
	int error;

	while (!(error = bpf_map_get_next_key(map_fd, previous, &next))) {
		uint64_t packets = 0;
		uint64_t bytes = 0;

		key = next;
		previous = &key;
		error = bpf_map_lookup_elem(map_fd, &key, dp->per_cpu);
		if (error) {
			return error;
		}
		for (uint32_t cpu = 0; cpu < dp->cpus_count; cpu++) {
			packets += dp->per_cpu[cpu].packets;
			bytes += dp->per_cpu[cpu].bytes;
		}
		if (packets) {
			on_counter(user, key.ifindex, (enum mlag_reason)key.reason, packets, bytes);
		}
	}
	return error == -ENOENT ? 0 : error;
}

int datapath_map_fd(const struct datapath *dp, const char *name)
{
	int fd = bpf_object__find_map_fd_by_name(dp->receive->obj, name);

	return fd >= 0 ? fd : bpf_object__find_map_fd_by_name(dp->isolate->obj, name);
}
