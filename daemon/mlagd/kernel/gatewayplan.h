/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Shared gateways (R28), as values: what is wanted of one, what the kernel shows of it, and what is
 * to be done next.  No socket is in here; gateway.c carries the steps out, and the unit tests do.
 */
#ifndef MLAGD_KERNEL_GATEWAYPLAN_H
#define MLAGD_KERNEL_GATEWAYPLAN_H

#include <net/if.h>
#include <stdbool.h>
#include <stdint.h>

#include "kernel/addressstate.h"

#define GATEWAYPLAN_ADDRESSES_MAX 8
#define GATEWAYPLAN_STALE_MAX 16 /* addresses taken away in one go; more go with the next */

/* IFA_PROTO of addresses that are ours: told from those that a person added. */
#define GATEWAYPLAN_PROTOCOL 109

/*
 * The route to the gateway's prefix is the last choice: where the SVI has an address of its own in
 * the prefix, what leaves does so by the SVI, with the member's own MAC.
 */
#define GATEWAYPLAN_METRIC 16384

struct gatewayplan_address {
	uint8_t family; /* 4 or 6 */
	uint8_t length; /* of the prefix */
	uint8_t octets[16];
};

/**
 * struct gatewayplan_wanted - one [gateway] section
 * @svi: its SVI
 * @device: the name of the gateway's device, of gatewayplan_name()
 * @alias: what is written on our devices, of gatewayplan_alias()
 */
struct gatewayplan_wanted {
	char svi[IFNAMSIZ];
	char device[IFNAMSIZ];
	char alias[LINKMSG_ALIAS_SIZE];
	struct mlag_mac mac;
	uint32_t addresses_count;
	struct gatewayplan_address addresses[GATEWAYPLAN_ADDRESSES_MAX];
};

/**
 * struct gatewayplan_hold - a local FDB entry held for a gateway
 * @present: it is held
 */
struct gatewayplan_hold {
	bool present;
	uint16_t vlan;
	struct mlag_mac mac;
};

/**
 * struct gatewayplan_seen - what there is
 * @svi.role: it is an SVI of the bridge
 * @svi.delivers: its VLAN gets to it
 * @svi.vrf_ifindex: the VRF it is in, 0 for the default one
 * @device.present: there is a device with the gateway's name
 * @device.ours: it is the gateway's, perhaps not finished
 * @device.marked: it has our alias: it was set up once
 * @there: bit i: wanted address i is on the device
 * @doubled: bit i: wanted address i is also on the SVI
 * @stale: addresses of ours on the device that are wanted no more
 * @hold, @old_hold: of the FDB; the old one ends when the device has its new MAC
 */
struct gatewayplan_seen {
	struct {
		bool present;
		bool role;
		bool delivers;
		bool up;
		bool running;
		uint32_t ifindex;
		uint32_t vrf_ifindex;
		uint16_t vlan;
		struct mlag_mac mac;
		char vrf[IFNAMSIZ];
	} svi;
	struct {
		bool present;
		bool ours;
		bool marked;
		bool up;
		uint32_t ifindex;
		uint32_t lower;
		uint32_t master;
		struct mlag_mac mac;
	} device;
	uint32_t there;
	uint32_t doubled;
	uint32_t stale_count;
	struct gatewayplan_address stale[GATEWAYPLAN_STALE_MAX];
	struct gatewayplan_hold hold;
	struct gatewayplan_hold old_hold;
};

enum gatewayplan_verb {
	GATEWAYPLAN_NONE,    /* all is as it should be, or has to wait */
	GATEWAYPLAN_DELETE,  /* the device */
	GATEWAYPLAN_CREATE,  /* the device, down, with the shared MAC; and its settings */
	GATEWAYPLAN_MARK,    /* write the alias on it */
	GATEWAYPLAN_ENSLAVE, /* to the SVI's VRF, or to none */
	GATEWAYPLAN_HOLD, /* the FDB entry of the shared MAC; the one held before is the old one */
	GATEWAYPLAN_SET_MAC,  /* of the device */
	GATEWAYPLAN_LET_OLD,  /* end the old hold */
	GATEWAYPLAN_ADD,      /* wanted address @index */
	GATEWAYPLAN_REMOVE,   /* stale address @index */
	GATEWAYPLAN_SET_UP,   /* the device */
	GATEWAYPLAN_SET_DOWN, /* the device */
	GATEWAYPLAN_LET,      /* end the hold */
};

struct gatewayplan_step {
	enum gatewayplan_verb verb;
	uint32_t index;
};

enum gatewayplan_state {
	GATEWAYPLAN_STATE_NONE,
	GATEWAYPLAN_STATE_ACTIVE,
	GATEWAYPLAN_STATE_WAITING,  /* for something that may come by itself */
	GATEWAYPLAN_STATE_CONFLICT, /* a person has to change something */
};

#define GATEWAYPLAN_REASON_SIZE 256

/**
 * struct gatewayplan_view - a gateway, for `mlagctl gateways`
 * @wanted, @seen: borrowed
 * @reason: why it is not active, "" when it is
 * @redirects_off: the kernel sends no IPv4 redirects by the SVI nor by the device, now
 */
struct gatewayplan_view {
	const struct gatewayplan_wanted *wanted;
	const struct gatewayplan_seen *seen;
	enum gatewayplan_state state;
	char reason[GATEWAYPLAN_REASON_SIZE];
	bool redirects_off;
};

/** gatewayplan_name() - the name of a gateway's device: "vlan10-gw", or a short form of it */
void gatewayplan_name(const char *svi, char ret_name[IFNAMSIZ]);

/** gatewayplan_alias() - what is written on the devices of the daemon that has this bridge */
void gatewayplan_alias(const char *bridge, char ret_alias[LINKMSG_ALIAS_SIZE]);

/**
 * gatewayplan_look() - what there is of a gateway
 * @state: links and addresses
 * @wanted: the gateway
 * @ret_seen: all but @hold and @old_hold is overwritten
 */
void gatewayplan_look(const struct addressstate *state, const struct gatewayplan_wanted *wanted,
		      struct gatewayplan_seen *ret_seen);

/**
 * gatewayplan_next() - what to do next
 *
 * Each step, once done, is seen by the next call; after a few steps there is none.  The order is
 * that of FACTS: the FDB entry is there before the device is up, and goes after it was down.
 */
void gatewayplan_next(const struct gatewayplan_wanted *wanted, const struct gatewayplan_seen *seen,
		      struct gatewayplan_step *ret_step);

/** gatewayplan_end() - what to do next for nothing of the gateway to be left */
void gatewayplan_end(const struct gatewayplan_seen *seen, struct gatewayplan_step *ret_step);

/**
 * gatewayplan_judge() - how a gateway stands when there is nothing to do next
 * @ret_reason: why it is not active, "" when it is
 */
enum gatewayplan_state gatewayplan_judge(const struct gatewayplan_wanted *wanted,
					 const struct gatewayplan_seen *seen,
					 char ret_reason[GATEWAYPLAN_REASON_SIZE]);

/**
 * gatewayplan_stray() - the next device of ours, wanted or not
 * @alias: of gatewayplan_alias()
 * @cursor: in and out; starts at 0
 *
 * Return: the link, NULL at the end.
 */
const struct addressstate_link *gatewayplan_stray(const struct addressstate *state,
						  const char *alias, uint32_t *cursor);

#endif
