/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A scene (scenes.h) among real devices: its rows of the maps, its frame, and what forward.h and
 * shortcut.h decide about it here, in user space.
 */
#ifndef MLAG_TESTS_SCENELAB_H
#define MLAG_TESTS_SCENELAB_H

#include "datapath/datapath.h"
#include "scenes.h"

#define SEGMENTS 3    /* a frame of the kernel's segmentation offload counts as what leaves */
#define NARROW_MTU 68 /* of a device that a large packet does not fit through */
#define ALL_SHORTCUTS (MLAG_SHORTCUT_TO_PEER | MLAG_SHORTCUT_ROUTED)

/* Who decides. */
enum entry {
	ENTRY_TC,
	ENTRY_XDP,
	ENTRIES_COUNT,
};

extern struct scenelab {
	struct datapath *dp;
	uint32_t svi, port, exit, out, narrow;
	uint8_t out_mac[6];
	int fds[ENTRIES_COUNT];
	uint32_t shortcuts; /* that may be taken */
} scenelab;

struct verdict {
	struct mlag_decision decision;
	struct mlag_decision shortcut; /* the same where there is none */
};

extern const uint8_t scenelab_our_mac[6];
extern const uint8_t scenelab_neighbor_mac[6];
extern const uint8_t scenelab_macs[MACS_COUNT][6];

struct mlag_domain scenelab_domain_of(const struct scene *scene);
struct mlag_port scenelab_port_of(const struct scene *scene);
struct mlag_port scenelab_exit_of(const struct scene *scene);
struct mlag_router scenelab_router_of(const struct scene *scene, enum mac mac);
void scenelab_frame_of(const struct scene *scene, struct wire_frame *ret);
struct verdict scenelab_decide(const struct scene *scene, const struct wire_frame *frame);

#endif
