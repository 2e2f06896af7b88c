// SPDX-License-Identifier: BSD-2-Clause
/*
 * Which devices have neighbours (see neighbordevices.h).  events.c calls this when links changed,
 * effects.c passes on what is new.  Two macvlans on one SVI have one key between them: the first
 * one counts.
 */
#include "neighbordevices.h"

#include <string.h>

#include "kernel/addressstate.h"

bool neighbordevices_find(struct daemon *daemon)
{
	const struct addressstate *state = addresses_state(daemon->addresses);
	struct daemon_neighbor_devices *devices = &daemon->neighbor_devices;

	memset(devices->ifindex, 0, sizeof(devices->ifindex));
	for (uint32_t i = 0; i < state->links.count; i++) {
		const struct addressstate_link *link = sorted_at(&state->links, i);
		bool delivers = false;
		uint16_t vlan = 0;
		enum addressstate_role role = addressstate_role(state, link, &vlan, &delivers);
		uint32_t *place =
			devices->ifindex[role == ADDRESSSTATE_ROLE_SVI ? MLAG_NEIGHBOR_ON_SVI
								       : MLAG_NEIGHBOR_ON_GATEWAY];

		if (role != ADDRESSSTATE_ROLE_NONE && delivers && link->up &&
		    vlan < MLAG_VLANS_MAX && place[vlan] == 0) {
			place[vlan] = link->ifindex;
		}
	}
	devices->due = memcmp(devices->ifindex, devices->told, sizeof(devices->told)) != 0;
	return devices->due;
}

bool neighbordevices_next(struct daemon *daemon, uint16_t *ret_vlan,
			  enum mlag_neighbor_device *ret_device, uint32_t *ret_ifindex)
{
	struct daemon_neighbor_devices *devices = &daemon->neighbor_devices;

	for (uint32_t i = 0; devices->due && i < DAEMON_NEIGHBOR_DEVICES * MLAG_VLANS_MAX; i++) {
		uint32_t device = i / MLAG_VLANS_MAX, vlan = i % MLAG_VLANS_MAX;

		if (devices->ifindex[device][vlan] != devices->told[device][vlan]) {
			devices->told[device][vlan] = devices->ifindex[device][vlan];
			*ret_vlan = (uint16_t)vlan;
			*ret_device = (enum mlag_neighbor_device)device;
			*ret_ifindex = devices->told[device][vlan];
			return true;
		}
	}
	devices->due = false;
	return false;
}
