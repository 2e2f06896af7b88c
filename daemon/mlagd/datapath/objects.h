/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The loaded objects of ebpf/, which share their maps, and what of those an earlier daemon has left.
 * Only datapath.c and counters.h include this.
 */
#ifndef MLAG_DATAPATH_OBJECTS_H
#define MLAG_DATAPATH_OBJECTS_H

#include "datapath/datapath.h"
#include "isolate.skel.h"
#include "mark.skel.h"
#include "receive.skel.h"
#include "receive_xdp.skel.h"
#include "redirects.skel.h"

/**
 * struct objects - what is loaded
 * @isolate: its maps of maps.bpf.h, and mlag_state, are those of all
 * @receive: its maps of receive.bpf.h are those of all
 * @receive_xdp, @redirects, @mark: use these
 * @is_adopted: the maps hold what an earlier daemon put there
 * @refused: see datapath_refused()
 * @netns_cookie: of this network namespace, 0 where there is no such number
 * @program_ids: for struct mlag_state
 */
struct objects {
	struct isolate_bpf *isolate;
	struct receive_bpf *receive;
	struct receive_xdp_bpf *receive_xdp;
	struct redirects_bpf *redirects;
	struct mark_bpf *mark;
	bool is_adopted;
	const char *refused;
	uint64_t netns_cookie;
	uint32_t program_ids[MLAG_STATE_PROGRAMS_MAX];
};

/**
 * objects_load() - load all, with the maps of an earlier daemon where spec.adopt() says yes
 * @objects: zeroed; to be given to objects_close(), whatever comes of this
 * @spec: as in datapath_open()
 * @directory: where maps are pinned, NULL for nowhere
 *
 * Return: 0 or -errno.
 */
int objects_load(struct objects *objects, const struct datapath_spec *spec, const char *directory);

/** objects_close() - let go of all */
void objects_close(struct objects *objects);

/** objects_map() - one of the maps that are adopted */
struct bpf_map *objects_map(const struct objects *objects, enum datapath_map map);

/** objects_set_state() - see datapath_set_state() */
int objects_set_state(const struct objects *objects, const struct mlag_state *state);

#endif
