/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the kernel says of the bridge, the peer link, the legs and the other ports: kept up to date
 * by link events, reported by callbacks when something an engine cares for has changed.
 */
#ifndef MLAGD_KERNEL_LINKS_H
#define MLAGD_KERNEL_LINKS_H

#include <net/if.h>
#include <stdbool.h>
#include <stdint.h>
#include <systemd/sd-event.h>

#include "kernel/linkmsg.h"
#include "mlag.h"

#define LINKS_SLAVES_MAX 64 /* that are told of a bond */

struct links;

/**
 * struct links_spec - the devices that matter, by name
 * @bridge: the bridge
 * @peer_link: the port that is the peer link
 * @lags_count: how many of @lags are filled
 * @lags.ifname: the leg's device: a bond, or any bridge port
 * @lags.id: the LAG it is a leg of, 1..65535
 */
struct links_spec {
	char bridge[IFNAMSIZ];
	char peer_link[IFNAMSIZ];
	uint32_t lags_count;
	struct {
		char ifname[IFNAMSIZ];
		uint16_t id;
	} lags[MLAG_LEGS_MAX];
};

/**
 * struct links_port - a port of the bridge that is not the peer link, leg or orphan
 * @ifindex: its number
 * @incarnation: changes whenever the device became a port anew
 * @ingress_vid: the VLAN of what arrives without a tag (PVID), 0 for none and on a plain bridge
 * @guarded: see struct linkmsg_settings
 * @forwards: VLANs in which the bridge forwards there; bit 0 on a plain bridge
 */
struct links_port {
	uint32_t ifindex;
	uint32_t incarnation;
	uint16_t ingress_vid;
	bool guarded;
	struct mlag_vlans forwards;
};

/**
 * struct links_handler - who hears of changes
 * @peer_link: the peer link or the bridge; the struct is borrowed for the call
 * @leg: one leg.  data_seen is always false here, who counts frames fills it in
 * @peer_link_forwards: VLANs in which the bridge forwards at the peer link; none while there is none
 * @port: a port of the bridge is there, or changed
 * @port_gone: it is there no more
 * @settings: what the kernel says that the peer link or a leg may do.  It may be about the past:
 *	what this daemon sets itself comes back here too, later
 *
 * All are called for everything by links_start(), for what is new by links_configure(), then when
 * a field of the struct or an argument changed, and @leg for every 802.3ad leg after each poll.
 * When several things changed at once, ports that are gone come first, then the peer link, ports
 * that are there, legs, and settings: a port that became the peer link is gone as a port before,
 * and one that was it is a port after.
 *
 * Context: from the event loop, links_start() or links_configure(); may call links_set_poll(),
 * links_ifname(), links_get_bond() and links_problems(), no other function of this module.
 */
struct links_handler {
	void (*peer_link)(void *user, const struct mlag_peer_link *peer_link);
	void (*leg)(void *user, uint16_t lag_id, const struct mlag_leg_observation *observation);
	void (*peer_link_forwards)(void *user, const struct mlag_vlans *vlans);
	void (*port)(void *user, const struct links_port *port);
	void (*port_gone)(void *user, uint32_t ifindex);
	void (*settings)(void *user, uint32_t ifindex, const struct linkmsg_settings *settings);
};

/**
 * links_open() - open the event socket and subscribe; nothing is reported yet
 * @ret: the new object
 * @event: the loop it lives in; referenced
 * @spec: copied; at most MLAG_LEGS_MAX legs
 * @handler: copied
 * @user: first argument of the callbacks
 *
 * Return: 0, -EINVAL for a @spec out of its limits, or -errno of the socket.
 */
int links_open(struct links **ret, sd_event *event, const struct links_spec *spec,
	       const struct links_handler *handler, void *user);

/**
 * links_close() - stop and free
 * @links: NULL is fine
 */
void links_close(struct links *links);

/**
 * links_start() - read the state of all links and report everything once
 * @links: from links_open()
 *
 * A device that does not exist is reported with ifindex 0, and again when it appears.
 *
 * Return: 0, or -errno if the kernel did not answer.  An unclean dump is no error: what was read
 * is reported, and reading is tried again by itself.
 */
int links_start(struct links *links);

/**
 * links_configure() - take over a changed configuration
 * @links: a started one
 * @spec: copied
 *
 * Return: 0, or -EINVAL for a @spec out of its limits; then nothing changed.
 */
int links_configure(struct links *links, const struct links_spec *spec);

/**
 * links_set_poll() - how often to read what has no event: the LACP state of legs
 * @links: a started one
 * @interval_ns: between two polls, UINT64_MAX for never.  The same value again changes nothing
 *
 * A poll does not block: requests are sent, and the answers come by the event loop, in order with
 * events.  It reads 802.3ad legs and their slaves, and the carrier of legs that are no bonds,
 * whose events may be late by a second.
 */
void links_set_poll(struct links *links, uint64_t interval_ns);

/**
 * links_ifname() - the name of a link
 * @links: the object
 * @ifindex: any number
 * @buf: room for the name
 *
 * Return: @buf with the name, or with "#" and the number if there is no such link.
 */
const char *links_ifname(const struct links *links, uint32_t ifindex, char buf[IFNAMSIZ]);

/**
 * struct links_slave - a device that frames of a bond arrive at
 * @ifindex: its number
 * @is_up: administratively
 * @has_carrier: it is up, and has
 * @collects: it has carrier, is in the active aggregator, and bonding takes what arrives there
 */
struct links_slave {
	uint32_t ifindex;
	bool is_up;
	bool has_carrier;
	bool collects;
};

/**
 * struct links_bond - a port as a bond
 * @is_up: the port itself is administratively up, bond or not
 * @is_bond: it is one
 * @is_lacp_leg: a leg in 802.3ad mode; of other bonds it is not known which slaves collect
 * @slaves_count: how many of @slaves are filled
 * @has_more: there are more slaves than fit
 */
struct links_bond {
	bool is_up;
	bool is_bond;
	bool is_lacp_leg;
	bool has_more;
	uint32_t slaves_count;
	struct links_slave slaves[LINKS_SLAVES_MAX];
};

/** links_repeat() - report every leg again, as it is now */
void links_repeat(struct links *links);

/**
 * links_get_bond() - the slaves of a port
 * @links: the object
 * @ifindex: a port
 * @ret: filled; all zero where there is no such link
 */
void links_get_bond(const struct links *links, uint32_t ifindex, struct links_bond *ret);

/**
 * struct links_problem - something that a person should put right
 * @code: "device-missing", "device-down", "not-a-port", "not-a-bridge", "multicast-snooping",
 *	"vlan-protocol", "peer-link-learning", "vlan-conflict" or "vlan-missing-on-peer-link";
 *	constant
 * @text: a sentence that names the device
 * @lag_id: with "device-down": the LAG whose leg it is, 0 for none
 */
struct links_problem {
	const char *code;
	char text[160];
	uint16_t lag_id;
};

/**
 * links_problems() - what is wrong now with the bridge, the peer link and the legs
 * @links: the object
 * @ret: room for @max problems
 * @max: how many are wanted
 *
 * Return: how many were written.
 */
uint32_t links_problems(const struct links *links, struct links_problem *ret, uint32_t max);

#endif
