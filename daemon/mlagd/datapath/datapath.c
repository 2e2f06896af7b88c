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
#include <time.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "datapath/adopt.h"
#include "datapath/attach.h"
#include "datapath/counters.h"
#include "datapath/diagnostics.h"
#include "datapath/objects.h"
#include "datapath/programs.h"

#define DATAPATH_PROGRAMS_MAX 2 /* at a port, at tc */

struct datapath {
	struct attach attach;
	struct objects ebpf;
	char pins[PINS_PATH_SIZE]; /* the directory; empty: nothing is pinned */
	bool marking;
	void (*log)(void *user, const char *text);
	void *user;
	struct counters counters;
	struct mlag_domain domain; /* as it is in the map */
	uint32_t second_ticks;
	uint32_t gated_count;
	uint32_t gated[MLAG_MAP_PORTS_MAX]; /* legs that are not wholly open */
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

/* The programs' clock is the kernel's jiffies, which is what moves the coarse clocks. */
static uint32_t find_second_ticks(void)
{
	struct timespec tick;

	if (clock_getres(CLOCK_MONOTONIC_COARSE, &tick) < 0 || tick.tv_sec || tick.tv_nsec <= 0) {
		return 0;
	}
	return (uint32_t)(1000000000 / tick.tv_nsec);
}

static const char *pins_of(const struct datapath *dp)
{
	return dp->pins[0] ? dp->pins : NULL;
}

/* Ports as an earlier daemon left them: which are gated, and which have what row of counters. */
static void on_port_found(void *user, const void *key, const void *value)
{
	struct datapath *dp = user;
	struct mlag_port port;
	uint32_t ifindex;

	memcpy(&ifindex, key, sizeof(ifindex));
	memcpy(&port, value, sizeof(port));
	counters_adopt(&dp->counters, ifindex, port.counters);
	if (mlag_port_is_gated(&port) && dp->gated_count < MLAG_MAP_PORTS_MAX) {
		dp->gated[dp->gated_count++] = ifindex;
	}
}

static void on_router_found(void *user, const void *key, const void *value)
{
	const struct mlag_router_key *router_key = key;
	uint32_t *counts = user;

	(void)value;
	counts[router_key->mac[5]]++;
}

/* A daemon that was killed between two writes may have counted one router MAC too many. */
static int recount_octets(const struct datapath *dp)
{
	int map_fd = bpf_map__fd(dp->ebpf.receive->maps.mlag_router_octets);
	uint32_t counts[256] = {0};
	int error = adopt_walk(bpf_map__fd(dp->ebpf.receive->maps.mlag_routers), on_router_found,
			       counts);

	for (uint32_t octet = 0; octet < 256 && !error; octet++) {
		error = bpf_map_update_elem(map_fd, &octet, &counts[octet], BPF_ANY);
	}
	return error;
}

/* Each write is of another epoch: see struct mlag_recall. */
static int write_domain(struct datapath *dp, const struct mlag_domain *domain)
{
	struct mlag_domain copy = *domain;
	uint32_t zero = 0;
	int error;

	copy.epoch = dp->domain.epoch + 1;
	error = bpf_map_update_elem(bpf_map__fd(dp->ebpf.isolate->maps.mlag_domain), &zero, &copy,
				    BPF_ANY);
	if (!error) {
		dp->domain = copy;
	}
	return error;
}

/* Rows that a struct mlag_recall is made of were written, or not: @error, or that of saying so. */
static int end_epoch(struct datapath *dp, int error)
{
	int said = write_domain(dp, &dp->domain);

	return error ? error : said;
}

/* What this file keeps in mind beside the maps. */
static int take_over(struct datapath *dp)
{
	uint32_t zero = 0;
	int error = bpf_map_lookup_elem(bpf_map__fd(dp->ebpf.isolate->maps.mlag_domain), &zero,
					&dp->domain);

	error = error ? error
		      : adopt_walk(bpf_map__fd(dp->ebpf.isolate->maps.mlag_ports), on_port_found,
				   dp);
	error = error ? error : recount_octets(dp);
	/* The daemon before may have been killed between a row and its epoch. */
	return end_epoch(dp, error);
}

/* Without them everything works, with more work a packet where the kernel has tcx. */
static void open_pins(struct datapath *dp, uint16_t domain_id)
{
	int error = domain_id ? pins_open(domain_id, dp->pins) : -ENOENT;

	if (!error) {
		return;
	}
	dp->pins[0] = '\0';
	if (domain_id) {
		on_log(dp, error == -ENOENT
				   ? "no bpffs at /sys/fs/bpf: nothing is pinned, and programs are "
				     "attached as filters; mount -t bpf bpf /sys/fs/bpf"
				   : "the bpffs at /sys/fs/bpf cannot be used: nothing is pinned, "
				     "and programs are attached as filters");
	}
}

int datapath_open(struct datapath **ret, const struct datapath_spec *spec)
{
	struct datapath *dp;
	int error;

	if (!spec->sources_max) {
		return -EINVAL;
	}
	dp = calloc(1, sizeof(*dp));
	if (!dp) {
		return -ENOMEM;
	}
	dp->log = spec->log;
	dp->user = spec->user;
	dp->second_ticks = find_second_ticks();
	diagnostics_hook(on_log, dp);
	open_pins(dp, spec->domain_id);
	error = counters_open(&dp->counters, &dp->ebpf);
	error = error ? error : objects_load(&dp->ebpf, spec, spec->adopt ? pins_of(dp) : NULL);
	error = error || !dp->ebpf.is_adopted ? error : take_over(dp);
	if (error) {
		datapath_close(dp);
		return error;
	}
	attach_open(&dp->attach, pins_of(dp));
	dp->attach.qdisc_made = spec->qdisc_made;
	dp->attach.user = spec->user;
	*ret = dp;
	return 0;
}

void datapath_close(struct datapath *dp)
{
	if (!dp) {
		return;
	}
	if (pins_of(dp)) {
		pins_remove(dp->pins);
	}
	diagnostics_unhook(dp);
	objects_close(&dp->ebpf);
	counters_close(&dp->counters);
	free(dp);
}

void datapath_get_maps(const struct datapath *dp, struct datapath_maps *ret_maps)
{
	ret_maps->domain = bpf_map__fd(dp->ebpf.isolate->maps.mlag_domain);
	ret_maps->ports = bpf_map__fd(dp->ebpf.isolate->maps.mlag_ports);
	ret_maps->counters = bpf_map__fd(dp->ebpf.isolate->maps.mlag_counters);
	ret_maps->routers = bpf_map__fd(dp->ebpf.receive->maps.mlag_routers);
	ret_maps->addresses = bpf_map__fd(dp->ebpf.receive->maps.mlag_addresses);
}

bool datapath_is_adopted(const struct datapath *dp)
{
	return dp->ebpf.is_adopted;
}

const char *datapath_refused(const struct datapath *dp)
{
	return dp->ebpf.refused;
}

int datapath_set_state(struct datapath *dp, const struct mlag_state *state)
{
	return objects_set_state(&dp->ebpf, state);
}

int datapath_walk(const struct datapath *dp, enum datapath_map map,
		  void (*on_row)(void *user, const void *key, const void *value), void *user)
{
	return adopt_walk(bpf_map__fd(objects_map(&dp->ebpf, map)), on_row, user);
}

int datapath_set_domain(struct datapath *dp, const struct mlag_domain *domain)
{
	struct mlag_domain copy = *domain;

	copy.gated = dp->gated_count > 0;
	copy.second_ticks = dp->second_ticks;
	return write_domain(dp, &copy);
}

/* Whether a port is gated; the programs look at ports only while one is. */
static int set_gated(struct datapath *dp, uint32_t ifindex, bool gated)
{
	struct mlag_domain domain = dp->domain;
	uint32_t index = 0;

	while (index < dp->gated_count && dp->gated[index] != ifindex) {
		index++;
	}
	if (index == dp->gated_count && gated) {
		if (index == MLAG_MAP_PORTS_MAX) {
			return -E2BIG;
		}
		dp->gated[dp->gated_count++] = ifindex;
	} else if (index < dp->gated_count && !gated) {
		dp->gated[index] = dp->gated[--dp->gated_count];
	}
	domain.gated = dp->gated_count > 0;
	return domain.gated == dp->domain.gated ? 0 : write_domain(dp, &domain);
}

int datapath_set_port(struct datapath *dp, uint32_t ifindex, const struct mlag_port *given)
{
	struct mlag_port copy = *given;
	const struct mlag_port *port = &copy;
	bool gated = mlag_port_is_gated(port);
	int error;

	if (!ifindex) {
		return -EINVAL;
	}
	copy.counters = counters_take_row(&dp->counters, ifindex);
	error = gated ? set_gated(dp, ifindex, true) : 0;
	error = error ? error
		      : bpf_map_update_elem(bpf_map__fd(dp->ebpf.isolate->maps.mlag_ports),
					    &ifindex, port, BPF_ANY);
	error = error || gated ? error : set_gated(dp, ifindex, false);
	return end_epoch(dp, error);
}

/* Deletes a key of a map; one that is not there is no error. */
static int forget(const struct bpf_map *map, const void *key)
{
	int error = bpf_map_delete_elem(bpf_map__fd(map), key);

	return error == -ENOENT ? 0 : error;
}

static bool is_attached(const struct datapath *dp, uint32_t ifindex)
{
	for (uint32_t index = 0; index < dp->attached_count; index++) {
		if (dp->attached[index] == ifindex) {
			return true;
		}
	}
	return false;
}

/* Nobody counts there any more: no programs, and no entry of the map that says where. */
static void release_row(struct datapath *dp, uint32_t ifindex)
{
	struct mlag_port port;

	if (!is_attached(dp, ifindex) &&
	    bpf_map_lookup_elem(bpf_map__fd(dp->ebpf.isolate->maps.mlag_ports), &ifindex, &port)) {
		counters_release_row(&dp->counters, ifindex);
	}
}

int datapath_delete_port(struct datapath *dp, uint32_t ifindex)
{
	int error = forget(dp->ebpf.isolate->maps.mlag_ports, &ifindex);

	release_row(dp, ifindex);
	return end_epoch(dp, error ? error : set_gated(dp, ifindex, false));
}

/* The rows that the programs count in; they only ever add to one that exists. */
static int make_rows(struct datapath *dp, uint32_t ifindex, enum mlag_port_kind kind)
{
	return counters_make(&dp->counters, ifindex, kind == MLAG_PORT_LEG);
}

static int delete_rows(struct datapath *dp, uint32_t ifindex)
{
	int error = counters_delete(&dp->counters, ifindex);

	if (!error) {
		release_row(dp, ifindex);
	}
	return error;
}

static int remember(struct datapath *dp, uint32_t ifindex)
{
	if (is_attached(dp, ifindex)) {
		return 0;
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

/*
 * The programs of a kind, one after the other.  -EAGAIN after one that the kernel took its time for,
 * if another is to follow: the next call finds it there, and goes on.
 */
static int attach_receive(const struct datapath *dp, uint32_t ifindex)
{
	return attach_program(&dp->attach, ifindex, ATTACH_INGRESS,
			      bpf_program__fd(dp->ebpf.receive->progs.receive));
}

static int attach_leg(const struct datapath *dp, uint32_t ifindex)
{
	int r = attach_program(&dp->attach, ifindex, ATTACH_EGRESS,
			       bpf_program__fd(dp->ebpf.isolate->progs.isolate_leg));

	if (r) {
		return r < 0 ? r : -EAGAIN;
	}
	return attach_receive(dp, ifindex);
}

static int attach_peer_link(const struct datapath *dp, uint32_t ifindex)
{
	int r = attach_program(&dp->attach, ifindex, ATTACH_EGRESS,
			       bpf_program__fd(dp->ebpf.isolate->progs.isolate_peer_link));

	if (r) {
		return r < 0 ? r : -EAGAIN;
	}
	if (dp->marking) {
		return attach_program(&dp->attach, ifindex, ATTACH_INGRESS,
				      bpf_program__fd(dp->ebpf.mark->progs.mark_peer_link));
	}
	/* It may have been another kind of port until now, or have marked. */
	return attach_remove(&dp->attach, ifindex, ATTACH_INGRESS);
}

static int attach_orphan(const struct datapath *dp, uint32_t ifindex)
{
	int r = attach_receive(dp, ifindex);

	if (r < 0) {
		return r;
	}
	/* It may have been a leg or the peer link until now. */
	return attach_remove(&dp->attach, ifindex, ATTACH_EGRESS);
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

int datapath_attach_begin(struct datapath *dp, uint32_t ifindex, enum mlag_port_kind kind)
{
	int error = ifindex ? remember(dp, ifindex) : -EINVAL;
	int r;

	if (error) {
		return error;
	}
	error = make_rows(dp, ifindex, kind);
	if (error) {
		return error;
	}
	r = attach_kind(dp, ifindex, kind);
	return r < 0 ? r : 0;
}

int datapath_attach(struct datapath *dp, uint32_t ifindex, enum mlag_port_kind kind)
{
	int error = -EAGAIN;

	for (uint32_t count = 0; error == -EAGAIN && count <= DATAPATH_PROGRAMS_MAX; count++) {
		error = datapath_attach_begin(dp, ifindex, kind);
	}
	return error;
}

/* Whether there is a program of ours, whichever way it came. */
static bool has_program(const struct datapath *dp, uint32_t ifindex, enum attach_point point)
{
	uint32_t ids[ATTACH_WAYS];

	attach_find(ifindex, point, pins_of(dp), ids);
	return ids[0] || ids[1];
}

bool datapath_has_programs(const struct datapath *dp, uint32_t ifindex, enum mlag_port_kind kind)
{
	return (kind == MLAG_PORT_NONE || has_program(dp, ifindex, ATTACH_EGRESS)) &&
	       (kind == MLAG_PORT_PEER_LINK || has_program(dp, ifindex, ATTACH_INGRESS));
}

/* Clears @ret_intact unless the program at a point is this one. */
static int verify_program(const struct datapath *dp, uint32_t ifindex, enum attach_point point,
			  const struct bpf_program *program, bool *ret_intact)
{
	uint32_t wanted_id;
	uint32_t id;
	int error = programs_id(bpf_program__fd(program), &wanted_id);

	error = error ? error : attach_query(&dp->attach, ifindex, point, &id);
	if (error) {
		return error;
	}
	*ret_intact = *ret_intact && id == wanted_id;
	return 0;
}

int datapath_verify(const struct datapath *dp, uint32_t ifindex, enum mlag_port_kind kind,
		    bool *ret_intact)
{
	bool intact = true;
	int error = ifindex ? 0 : -EINVAL;

	if (!error && kind == MLAG_PORT_LEG) {
		error = verify_program(dp, ifindex, ATTACH_EGRESS,
				       dp->ebpf.isolate->progs.isolate_leg, &intact);
	}
	if (!error && kind == MLAG_PORT_PEER_LINK) {
		error = verify_program(dp, ifindex, ATTACH_EGRESS,
				       dp->ebpf.isolate->progs.isolate_peer_link, &intact);
	}
	if (!error && kind == MLAG_PORT_PEER_LINK && dp->marking) {
		error = verify_program(dp, ifindex, ATTACH_INGRESS,
				       dp->ebpf.mark->progs.mark_peer_link, &intact);
	}
	if (!error && kind != MLAG_PORT_PEER_LINK) {
		error = verify_program(dp, ifindex, ATTACH_INGRESS, dp->ebpf.receive->progs.receive,
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
	if (!error) {
		error = attach_program(&dp->attach, ifindex, ATTACH_EGRESS,
				       bpf_program__fd(dp->ebpf.redirects->progs.svi_egress));
	}
	return error < 0 ? error : 0;
}

int datapath_verify_svis(const struct datapath *dp, uint32_t ifindex, bool *ret_intact)
{
	bool intact = true;
	int error = ifindex ? 0 : -EINVAL;

	if (!error) {
		error = verify_program(dp, ifindex, ATTACH_EGRESS,
				       dp->ebpf.redirects->progs.svi_egress, &intact);
	}
	if (!error) {
		*ret_intact = intact;
	}
	return error;
}

int datapath_detach(struct datapath *dp, uint32_t ifindex)
{
	int xdp_error = datapath_detach_xdp(dp, ifindex);
	int egress_error = attach_remove(&dp->attach, ifindex, ATTACH_EGRESS);
	int ingress_error = attach_remove(&dp->attach, ifindex, ATTACH_INGRESS);

	if (xdp_error || egress_error || ingress_error) {
		return xdp_error ? xdp_error : egress_error ? egress_error : ingress_error;
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
	if (!first_error && pins_of(dp)) {
		adopt_unpin(dp->pins);
	}
	return first_error;
}

int datapath_attach_xdp(struct datapath *dp, uint32_t ifindex, char ret_reason[XDP_REASON_SIZE])
{
	return ifindex ? xdp_attach(ifindex,
				    bpf_program__fd(dp->ebpf.receive_xdp->progs.receive_xdp),
				    ret_reason)
		       : -EINVAL;
}

int datapath_verify_xdp(const struct datapath *dp, uint32_t ifindex, bool *ret_intact)
{
	uint32_t wanted_id;
	uint32_t id;
	int error =
		programs_id(bpf_program__fd(dp->ebpf.receive_xdp->progs.receive_xdp), &wanted_id);

	error = error ? error : xdp_query(ifindex, &id);
	if (error) {
		return error;
	}
	*ret_intact = id == wanted_id;
	return 0;
}

int datapath_detach_xdp(struct datapath *dp, uint32_t ifindex)
{
	int error = datapath_set_entry(dp, ifindex, 0);

	return error ? error : xdp_remove(ifindex);
}

int datapath_set_entry(struct datapath *dp, uint32_t ifindex, uint32_t port_ifindex)
{
	const struct bpf_map *map = dp->ebpf.receive_xdp->maps.mlag_entries;
	struct mlag_entry entry = {.ifindex = port_ifindex};

	if (!port_ifindex) {
		return end_epoch(dp, forget(map, &ifindex));
	}
	return end_epoch(dp, bpf_map_update_elem(bpf_map__fd(map), &ifindex, &entry, BPF_ANY));
}

int datapath_set_exit(struct datapath *dp, uint32_t ifindex, bool present)
{
	const struct bpf_map *map = dp->ebpf.receive_xdp->maps.mlag_exits;

	if (!present) {
		return forget(map, &ifindex);
	}
	return bpf_map_update_elem(bpf_map__fd(map), &ifindex, &ifindex, BPF_ANY);
}

int datapath_set_svi(struct datapath *dp, uint32_t ifindex, const struct mlag_svi *svi)
{
	const struct bpf_map *map = dp->ebpf.receive->maps.mlag_svis;

	if (!svi) {
		return forget(map, &ifindex);
	}
	return bpf_map_update_elem(bpf_map__fd(map), &ifindex, svi, BPF_ANY);
}

int datapath_set_source(struct datapath *dp, const struct mlag_source_key *key,
			const struct mlag_source *source)
{
	const struct bpf_map *map = dp->ebpf.isolate->maps.mlag_sources;

	if (!source || !source->known) {
		return forget(map, key);
	}
	return bpf_map_update_elem(bpf_map__fd(map), key, source, BPF_ANY);
}

/* The programs look a MAC up only if some router MAC ends as it does. */
static int count_octet(const struct datapath *dp, uint32_t octet, int change)
{
	int map_fd = bpf_map__fd(dp->ebpf.receive->maps.mlag_router_octets);
	uint32_t count;
	int error = bpf_map_lookup_elem(map_fd, &octet, &count);

	if (error) {
		return error;
	}
	count += (uint32_t)change;
	return bpf_map_update_elem(map_fd, &octet, &count, BPF_ANY);
}

int datapath_set_router(struct datapath *dp, const struct mlag_router_key *key,
			const struct mlag_router *router)
{
	int map_fd = bpf_map__fd(dp->ebpf.receive->maps.mlag_routers);
	struct mlag_router old;
	bool known = bpf_map_lookup_elem(map_fd, key, &old) == 0;
	int error = 0;

	if (!router) {
		error = known ? bpf_map_delete_elem(map_fd, key) : 0;
		error = error || !known ? error : count_octet(dp, key->mac[5], -1);
		return end_epoch(dp, error);
	}
	if (!known) {
		error = count_octet(dp, key->mac[5], 1);
	}
	if (!error) {
		error = bpf_map_update_elem(map_fd, key, router, BPF_ANY);
		if (error && !known) {
			(void)count_octet(dp, key->mac[5], -1);
		}
	}
	return end_epoch(dp, error);
}

int datapath_set_address(struct datapath *dp, const struct mlag_address *address, uint8_t owner)
{
	const struct bpf_map *map = dp->ebpf.receive->maps.mlag_addresses;

	if (owner == MLAG_OWNER_NONE) {
		return end_epoch(dp, forget(map, address));
	}
	return end_epoch(dp, bpf_map_update_elem(bpf_map__fd(map), address, &owner, BPF_ANY));
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
	int map_fd = bpf_map__fd(dp->ebpf.isolate->maps.mlag_sources);
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
	return counters_leg_rx(&dp->counters, ifindex, ret_frames);
}

int datapath_counters(struct datapath *dp,
		      void (*on_counter)(void *user, uint32_t ifindex, enum mlag_reason reason,
					 uint64_t packets, uint64_t bytes),
		      void *user)
{
	return counters_walk(&dp->counters, on_counter, user);
}

int datapath_map_fd(const struct datapath *dp, const char *name)
{
	int fd = bpf_object__find_map_fd_by_name(dp->ebpf.receive->obj, name);

	return fd >= 0 ? fd : bpf_object__find_map_fd_by_name(dp->ebpf.isolate->obj, name);
}
