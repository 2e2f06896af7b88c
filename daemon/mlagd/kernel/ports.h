/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Configuration of bridge ports and bonds.  Blocking, one request at a time; every function writes
 * only what differs from what the kernel holds, so that a restart of the daemon disturbs nothing.
 */
#ifndef MLAGD_KERNEL_PORTS_H
#define MLAGD_KERNEL_PORTS_H

#include <stdbool.h>
#include <stdint.h>

#include "types.h"

struct ports;

/**
 * ports_open() - open the configuration socket
 * @ret: the new object
 * @run_dir: where what ports were like is written down (found.h)
 *
 * Return: 0 or -errno.
 */
int ports_open(struct ports **ret, const char *run_dir);

/**
 * ports_close() - close and free
 * @ports: NULL is fine
 */
void ports_close(struct ports *ports);

/**
 * ports_set_flood() - let the bridge flood to a port, or not
 * @ports: the object
 * @ifindex: a bridge port
 * @on: unknown unicast, multicast and broadcast alike
 *
 * One message, written without asking first (but once, for how the port was found): this is on the
 * way of a failover.
 *
 * Return: 0, -ENODEV for no such device, -EOPNOTSUPP or -EINVAL for one that is no bridge port, or
 * another -errno; ports_error() has the words.
 */
int ports_set_flood(struct ports *ports, uint32_t ifindex, bool on);

/**
 * ports_prepare_peer_link() - set up a bridge port as the peer link (R7, R11)
 * @ports: the object
 * @ifindex: a bridge port
 *
 * Learning off; multicast router port for ever, where the kernel has multicast snooping.
 *
 * Return: as ports_set_flood().
 */
int ports_prepare_peer_link(struct ports *ports, uint32_t ifindex);

/**
 * ports_prepare_leg() - set up a bridge port as a leg (R5, shared LACP system id)
 * @ports: the object
 * @ifindex: a bridge port
 * @bond_8023ad: it is a bond in 802.3ad mode: set ad_actor_system and all_slaves_active too
 * @backup_ifindex: the peer link, which takes the leg's unicast while the leg has no carrier; 0 for
 *	none
 * @system_mac: LACP system id of the pair, NULL for the bond's own; only read with @bond_8023ad
 *
 * Return: as ports_set_flood().
 */
int ports_prepare_leg(struct ports *ports, uint32_t ifindex, bool bond_8023ad,
		      uint32_t backup_ifindex, const struct mlag_mac *system_mac);

/**
 * ports_restore() - put back how a device was found that is neither leg nor peer link any more
 * @ports: the object
 * @ifindex: a device; nothing known of it, or no such device, is no error
 * @same_port: it has been a port of our bridge since; otherwise its settings as a port are those of
 *	a new one, or somebody else's, and only those of the bond are put back
 *
 * Return: as ports_set_flood().
 */
int ports_restore(struct ports *ports, uint32_t ifindex, bool same_port);

/** ports_forget() - the device became a port anew: what was found at it as a port is of the past */
void ports_forget(struct ports *ports, uint32_t ifindex);

/** ports_next_found() - the device with the next higher number of which something is known, or 0 */
uint32_t ports_next_found(const struct ports *ports, uint32_t ifindex);

/** ports_note_qdisc() - the clsact there is of our making */
void ports_note_qdisc(struct ports *ports, uint32_t ifindex);

/** ports_take_qdisc() - was it? It is forgotten with that */
bool ports_take_qdisc(struct ports *ports, uint32_t ifindex);

/**
 * ports_set_up() - set a device administratively up or down
 * @ports: the object
 * @ifindex: any device
 *
 * Return: 0, -ENODEV, or another -errno; ports_error() has the words.
 */
int ports_set_up(struct ports *ports, uint32_t ifindex, bool up);

/**
 * ports_get_system_priority(), ports_set_system_priority() - ad_actor_sys_prio of a bond in 802.3ad
 * mode: with another one its partner takes it for another system, and leaves
 * @ports: the object
 * @ifindex: the bond
 * @ret_priority, @priority: 1..65535
 *
 * Return: 0, -EINVAL for a bond in another mode, or as ports_set_up().
 */
int ports_get_system_priority(struct ports *ports, uint32_t ifindex, uint16_t *ret_priority);
int ports_set_system_priority(struct ports *ports, uint32_t ifindex, uint16_t priority);

/* What somebody changed at a port; bits. */
#define PORTS_FOUND_FLOOD 1    /* flood, mcast_flood or bcast_flood */
#define PORTS_FOUND_BACKUP 2   /* backup_port */
#define PORTS_FOUND_LEARNING 4 /* learning, of the peer link */
#define PORTS_FOUND_ROUTER 8   /* mcast_router, of the peer link */
#define PORTS_FOUND_BOND 16    /* ad_actor_system or all_slaves_active */

/**
 * ports_check_peer_link() - what is not as ports_prepare_peer_link() left it
 * @ports: the object
 * @ifindex: a bridge port
 * @ret_found: PORTS_FOUND_*; asked of the kernel now
 *
 * Return: as ports_set_flood().
 */
int ports_check_peer_link(struct ports *ports, uint32_t ifindex, uint32_t *ret_found);

/**
 * ports_check_leg() - what is not as ports_prepare_leg() and ports_set_flood() left it
 * @ports: the object
 * @ifindex: a bridge port
 * @bond_8023ad, @backup_ifindex, @system_mac: as they were given to ports_prepare_leg()
 * @flood: as it was given to ports_set_flood()
 * @ret_found: PORTS_FOUND_*; asked of the kernel now
 *
 * Return: as ports_set_flood().
 */
int ports_check_leg(struct ports *ports, uint32_t ifindex, bool bond_8023ad,
		    uint32_t backup_ifindex, const struct mlag_mac *system_mac, bool flood,
		    uint32_t *ret_found);

/**
 * ports_writes_count() - how many configuration messages were sent since ports_open()
 * @ports: the object
 *
 * Return: the count; for tests of "writes only what differs".
 */
uint64_t ports_writes_count(const struct ports *ports);

/**
 * ports_error() - why the last function failed
 * @ports: the object
 *
 * Return: what was attempted, the kernel's own words where it gave some, and the errno's text;
 * valid until the next call.
 */
const char *ports_error(const struct ports *ports);

#endif
