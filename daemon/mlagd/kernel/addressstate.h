/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The model behind addresses.h: links and addresses as the kernel told them, and the rows that are
 * made of them.  No socket is in here; addresses.c feeds it, and the unit tests do.
 */
#ifndef MLAGD_KERNEL_ADDRESSSTATE_H
#define MLAGD_KERNEL_ADDRESSSTATE_H

#include "kernel/addresses.h"
#include "kernel/addressmsg.h"
#include "kernel/linkmsg.h"
#include "kernel/sorted.h"

#define ADDRESSSTATE_LINKS_MAX 65536
/* More than both members may publish together: full is then the engine's to tell. */
#define ADDRESSSTATE_IPS_MAX (4 * MLAG_ADDRESSES_MAX)

/**
 * struct addressstate_link - what counts of a link
 * @ifindex: its number; the order of the table
 * @master: 0 for none
 * @lower: see struct linkmsg
 * @kind, @master_kind: what it is, and what it is a port of
 * @vlan: of an 802.1Q device, else 0
 * @up: IFF_UP
 * @running: IFF_RUNNING
 * @seen: told since addressstate_unsee()
 * @alias: see struct linkmsg
 */
struct addressstate_link {
	uint32_t ifindex;
	uint32_t master;
	uint32_t lower;
	enum linkmsg_kind kind;
	enum linkmsg_kind master_kind;
	uint16_t vlan;
	bool up;
	bool running;
	bool seen;
	struct mlag_mac mac;
	char ifname[IFNAMSIZ];
	char alias[LINKMSG_ALIAS_SIZE];
};

/**
 * struct addressstate_ip - an address of a device
 * @message: as told; all but @usable is the order of the table
 * @seen: told since addressstate_unsee()
 */
struct addressstate_ip {
	struct addressmsg message;
	bool seen;
};

/**
 * struct addressstate_row - what is reported
 * @key: the order of the rows
 * @domain: of a router MAC, else 0
 * @ifindex: of a router MAC of an SVI itself, else 0
 */
struct addressstate_row {
	struct mlag_address_key key;
	uint32_t domain;
	uint32_t ifindex;
};

/**
 * struct addressstate - the model
 * @links, @ips: tables of the two structs above
 * @bridge_ifindex, @vlan_aware: the bridge that is meant, 0 for none
 * @vlans: of the bridge itself
 * @changed: since addressstate_rows() was last called
 * @touched: something changed of which @changed is only a part; who looks at it clears it
 * @full: an address found no room
 */
struct addressstate {
	struct sorted links;
	struct sorted ips;
	uint32_t bridge_ifindex;
	bool vlan_aware;
	struct linkmsg_vlans vlans;
	bool changed;
	bool touched;
	bool full;
};

void addressstate_init(struct addressstate *state);
void addressstate_fini(struct addressstate *state);

/* True when something changed. */
bool addressstate_set_bridge(struct addressstate *state, uint32_t ifindex, bool vlan_aware);

/* Of the bridge itself. */
void addressstate_set_vlans(struct addressstate *state, const struct linkmsg_vlans *vlans);

/* Create or update; 0, -ENOMEM or -ENOSPC. */
int addressstate_put_link(struct addressstate *state, const struct linkmsg *message);
int addressstate_put_ip(struct addressstate *state, const struct addressmsg *message);

/* A link goes with its addresses. */
void addressstate_remove_link(struct addressstate *state, uint32_t ifindex);
void addressstate_remove_ip(struct addressstate *state, const struct addressmsg *message);

/* Mark everything unseen. */
void addressstate_unsee(struct addressstate *state);

/* Forget addresses of a family (4 or 6) that were not told again; of one device. */
void addressstate_forget_unseen(struct addressstate *state, uint32_t ifindex, uint8_t family);

/*
 * The rows by ascending key, each key once, for the caller to free.
 *
 * Return: 0 or -ENOMEM.
 */
int addressstate_rows(struct addressstate *state, struct addressstate_row **ret_rows,
		      uint32_t *ret_count);

/** addressstate_find() - a link by its number; NULL when there is none */
const struct addressstate_link *addressstate_find(const struct addressstate *state,
						  uint32_t ifindex);

/** addressstate_find_name() - a link by its name; NULL when there is none */
const struct addressstate_link *addressstate_find_name(const struct addressstate *state,
						       const char *ifname);

/**
 * addressstate_next_ip() - walk the addresses of a device
 * @cursor: in and out; starts at 0
 *
 * Return: the next one, NULL at the end.
 */
const struct addressmsg *addressstate_next_ip(const struct addressstate *state, uint32_t ifindex,
					      uint32_t *cursor);

/* What a link is to the bridge. */
enum addressstate_role {
	ADDRESSSTATE_ROLE_NONE,
	ADDRESSSTATE_ROLE_SVI,	   /* the bridge itself, or an 802.1Q device on it */
	ADDRESSSTATE_ROLE_MACVLAN, /* on an SVI: routes in its VLAN with a MAC of its own */
};

/**
 * addressstate_role() - what a link is to the bridge, whether it is up or not
 * @ret_vlan: the VLAN of an SVI, or that of the SVI it is on; 0 on a plain bridge
 * @ret_delivers: frames of that VLAN get there, as far as the bridge's VLANs are concerned
 */
enum addressstate_role addressstate_role(const struct addressstate *state,
					 const struct addressstate_link *link, uint16_t *ret_vlan,
					 bool *ret_delivers);

int addressstate_row_compare(const void *a, const void *b);

/*
 * Walk the devices with a router MAC of ours in the default routing domain, SVIs and what is on
 * them; @cursor starts at 0.  What comes in by these is for our routing.
 *
 * Return: the device's number, 0 at the end.
 */
uint32_t addressstate_next_router(const struct addressstate *state, uint32_t *cursor);

uint32_t addressstate_problems(const struct addressstate *state, struct addresses_problem *ret,
			       uint32_t max);

#endif
