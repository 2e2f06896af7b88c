/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The scene of an explanation, as it is now: the bridge's ports from the kernel, what the programs
 * hold from their maps, what is known of the peer from the engine.
 */
#ifndef MLAGD_CONTROL_SCENE_H
#define MLAGD_CONTROL_SCENE_H

#include "control/methods.h"
#include "explain/explain.h"

struct lookup;
struct datapath_trial;

/**
 * struct scene - a scene with where its answers come from
 * @scene: hand it to explain_walk()
 * @context: the daemon
 * @lookup: questions to the kernel; owned
 * @bridge_ifindex, @vlan_aware: the bridge, as the kernel has it
 * @bridge_vid: the VLAN of what the bridge device itself sends, 0 for none or a plain bridge
 * @ports_room: of scene.ports, owned
 * @not_run: why the programs could not be run, 0 when they could
 */
struct scene {
	struct explain_scene scene;
	const struct control_context *context;
	struct lookup *lookup;
	uint32_t bridge_ifindex;
	bool vlan_aware;
	uint16_t bridge_vid;
	uint32_t ports_room;
	int not_run;
};

/**
 * scene_open() - read the scene; some system calls
 * @ret: to be given to scene_close(), also when this fails
 * @context: with a data plane
 *
 * Return: 0, -ENODEV when there is no bridge, or -errno.
 */
int scene_open(struct scene *ret, struct control_context *context);

/** scene_close() - free what it owns */
void scene_close(struct scene *scene);

/** scene_find_source() - a MAC that is known to be at a port; false for none */
bool scene_find_source(const struct scene *scene, const struct explain_port *port, uint16_t vlan,
		       struct mlag_mac *ret);

/**
 * scene_find_source_ip() - an address that a sender in a VLAN may well have
 * @router: the MAC it sends to
 * @source: its own
 * @family: 4 or 6
 */
void scene_find_source_ip(const struct scene *scene, uint16_t vlan, const struct mlag_mac *router,
			  const struct mlag_mac *source, uint8_t family, uint8_t ret[16]);

#endif
