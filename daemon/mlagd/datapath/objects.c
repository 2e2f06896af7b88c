// SPDX-License-Identifier: BSD-2-Clause
/*
 * Loads the objects of ebpf/ (see objects.h).  A map that two of them have by the same name is one
 * map, and one that an earlier daemon left (adopt.h) is used on.  Called by datapath.c.
 */
#include "datapath/objects.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "datapath/adopt.h"
#include "datapath/pins.h"
#include "datapath/programs.h"

struct bpf_map *objects_map(const struct objects *objects, enum datapath_map map)
{
	switch (map) {
	case DATAPATH_MAP_DOMAIN:
		return objects->isolate->maps.mlag_domain;
	case DATAPATH_MAP_PORTS:
		return objects->isolate->maps.mlag_ports;
	case DATAPATH_MAP_COUNTERS:
		return objects->isolate->maps.mlag_counters;
	case DATAPATH_MAP_SOURCES:
		return objects->isolate->maps.mlag_sources;
	case DATAPATH_MAP_ROUTERS:
		return objects->receive->maps.mlag_routers;
	case DATAPATH_MAP_ROUTER_OCTETS:
		return objects->receive->maps.mlag_router_octets;
	case DATAPATH_MAP_ADDRESSES:
		return objects->receive->maps.mlag_addresses;
	case DATAPATH_MAP_LEG_RX:
		return objects->receive->maps.mlag_leg_rx;
	case DATAPATH_MAP_FAST_COUNTERS:
		return objects->receive_xdp->maps.mlag_fast_counters;
	case DATAPATH_MAP_STATE:
		return objects->isolate->maps.mlag_state;
	case DATAPATH_MAPS_COUNT:
		break;
	}
	return NULL;
}

/* What both objects have by the same name is one map: that of the first. */
static int share_maps(const struct bpf_object *from, const struct bpf_object *to)
{
	struct bpf_map *map;

	bpf_object__for_each_map(map, to)
	{
		const struct bpf_map *other =
			bpf_object__find_map_by_name(from, bpf_map__name(map));
		int error = other ? bpf_map__reuse_fd(map, bpf_map__fd(other)) : 0;

		if (error) {
			return error;
		}
	}
	return 0;
}

/* Use the maps of an earlier daemon that fit, of those that an object has of its own. */
static int reuse(const struct objects *objects, const struct adopt_found *found,
		 const enum datapath_map *maps, uint32_t count)
{
	int error = 0;

	for (uint32_t i = 0; i < count && !error; i++) {
		error = adopt_reuse(objects_map(objects, maps[i]), found, maps[i]);
	}
	return error;
}

static int load_isolate(struct objects *objects, const struct adopt_found *found,
			uint32_t sources_max)
{
	static const enum datapath_map maps[] = {
		DATAPATH_MAP_DOMAIN,  DATAPATH_MAP_PORTS, DATAPATH_MAP_COUNTERS,
		DATAPATH_MAP_SOURCES, DATAPATH_MAP_STATE,
	};
	int error;

	objects->isolate = isolate_bpf__open();
	if (!objects->isolate) {
		return -errno;
	}
	error = bpf_map__set_max_entries(objects->isolate->maps.mlag_sources, sources_max);
	error = error ? error : reuse(objects, found, maps, sizeof(maps) / sizeof(maps[0]));
	return error ? error : isolate_bpf__load(objects->isolate);
}

static int load_receive(struct objects *objects, const struct adopt_found *found)
{
	static const enum datapath_map maps[] = {
		DATAPATH_MAP_ROUTERS,
		DATAPATH_MAP_ROUTER_OCTETS,
		DATAPATH_MAP_ADDRESSES,
		DATAPATH_MAP_LEG_RX,
	};
	int error;

	objects->receive = receive_bpf__open();
	if (!objects->receive) {
		return -errno;
	}
	error = share_maps(objects->isolate->obj, objects->receive->obj);
	error = error ? error : reuse(objects, found, maps, sizeof(maps) / sizeof(maps[0]));
	return error ? error : receive_bpf__load(objects->receive);
}

static int load_receive_xdp(struct objects *objects, const struct adopt_found *found)
{
	static const enum datapath_map maps[] = {DATAPATH_MAP_FAST_COUNTERS};
	int error;

	objects->receive_xdp = receive_xdp_bpf__open();
	if (!objects->receive_xdp) {
		return -errno;
	}
	error = share_maps(objects->isolate->obj, objects->receive_xdp->obj);
	error = error ? error : share_maps(objects->receive->obj, objects->receive_xdp->obj);
	error = error ? error : reuse(objects, found, maps, sizeof(maps) / sizeof(maps[0]));
	return error ? error : receive_xdp_bpf__load(objects->receive_xdp);
}

static int load_redirects(struct objects *objects)
{
	int error;

	objects->redirects = redirects_bpf__open();
	if (!objects->redirects) {
		return -errno;
	}
	error = share_maps(objects->isolate->obj, objects->redirects->obj);
	return error ? error : redirects_bpf__load(objects->redirects);
}

static int load_mark(struct objects *objects)
{
	int error;

	objects->mark = mark_bpf__open();
	if (!objects->mark) {
		return -errno;
	}
	error = share_maps(objects->isolate->obj, objects->mark->obj);
	error = error ? error : share_maps(objects->receive->obj, objects->mark->obj);
	return error ? error : mark_bpf__load(objects->mark);
}

static void tell(const struct datapath_spec *spec, const char *map, const char *what, int error)
{
	char text[256];

	if (spec->log) {
		(void)snprintf(text, sizeof(text), "%s %s: %s", map, what, strerror(-error));
		spec->log(spec->user, text);
	}
}

/* What did not fit is copied before any program is replaced. */
static void copy_maps(const struct objects *objects, const struct adopt_found *found,
		      const struct datapath_spec *spec)
{
	for (uint32_t i = 0; i < DATAPATH_MAPS_COUNT; i++) {
		enum datapath_map map = (enum datapath_map)i;
		int error = adopt_copy(objects_map(objects, map), found, map);

		if (error) {
			tell(spec, adopt_map_name(map),
			     "of the daemon before cannot be taken over as a whole", error);
		}
	}
}

int objects_set_state(const struct objects *objects, const struct mlag_state *state)
{
	struct mlag_state value = *state;
	uint32_t zero = 0;

	value.layout = MLAG_LAYOUT;
	value.netns_cookie = objects->netns_cookie;
	memcpy(value.program_ids, objects->program_ids, sizeof(value.program_ids));
	return bpf_map_update_elem(bpf_map__fd(objects->isolate->maps.mlag_state), &zero, &value,
				   BPF_ANY);
}

/*
 * Whoever finds one of the programs finds the state, and what only XDP reads, though the program
 * itself needs neither; and whoever finds the state knows the programs, also those that are about to
 * be replaced.
 */
static void tie_state(struct objects *objects)
{
	const struct bpf_program *const programs[] = {
		objects->isolate->progs.isolate_leg,  objects->isolate->progs.isolate_peer_link,
		objects->receive->progs.receive,      objects->receive_xdp->progs.receive_xdp,
		objects->redirects->progs.svi_egress, objects->mark->progs.mark_peer_link,
	};
	const uint32_t programs_count = sizeof(programs) / sizeof(programs[0]);
	int state_fd = bpf_map__fd(objects->isolate->maps.mlag_state);
	int counters_fd = bpf_map__fd(objects->receive_xdp->maps.mlag_fast_counters);
	struct mlag_state state;
	uint32_t zero = 0;

	for (uint32_t i = 0; i < programs_count; i++) {
		int fd = bpf_program__fd(programs[i]);

		/* A kernel before 5.10 cannot: what is pinned can be found all the same. */
		(void)bpf_prog_bind_map(fd, state_fd, NULL);
		(void)bpf_prog_bind_map(fd, counters_fd, NULL);
		(void)programs_id(fd, &objects->program_ids[i]);
	}
	programs_know(objects->program_ids, programs_count);
	if (!objects->is_adopted || bpf_map_lookup_elem(state_fd, &zero, &state)) {
		return;
	}
	for (uint32_t i = programs_count; i < MLAG_STATE_PROGRAMS_MAX; i++) {
		objects->program_ids[i] = state.program_ids[i - programs_count];
	}
	(void)objects_set_state(objects, &state);
}

static void pin_maps(const struct objects *objects, const struct datapath_spec *spec,
		     const char *directory)
{
	for (uint32_t i = 0; i < DATAPATH_MAPS_COUNT; i++) {
		enum datapath_map map = (enum datapath_map)i;
		int error = pins_replace(bpf_map__fd(objects_map(objects, map)), directory,
					 adopt_map_name(map));

		if (error) {
			tell(spec, adopt_map_name(map), "cannot be pinned", error);
			return;
		}
	}
}

int objects_load(struct objects *objects, const struct datapath_spec *spec, const char *directory)
{
	struct adopt_found found;
	int error;

	objects->netns_cookie = adopt_netns_cookie();
	objects->is_adopted = adopt_search(directory, spec->adopt, spec->user, &found);
	objects->refused = found.refused;
	error = load_isolate(objects, &found, spec->sources_max);
	error = error ? error : load_receive(objects, &found);
	error = error ? error : load_receive_xdp(objects, &found);
	error = error ? error : load_redirects(objects);
	error = error ? error : load_mark(objects);
	if (!error) {
		copy_maps(objects, &found, spec);
		tie_state(objects);
		if (directory) {
			pin_maps(objects, spec, directory);
			adopt_sweep(directory);
		}
	}
	adopt_release(&found);
	return error;
}

void objects_close(struct objects *objects)
{
	receive_xdp_bpf__destroy(objects->receive_xdp);
	redirects_bpf__destroy(objects->redirects);
	mark_bpf__destroy(objects->mark);
	receive_bpf__destroy(objects->receive);
	isolate_bpf__destroy(objects->isolate);
}
