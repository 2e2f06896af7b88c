/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How a device gets what it needs as a port of the pair: its entry in the maps, its programs, and
 * the settings of the bridge port and the bond.
 */
#ifndef MLAGD_SETUP_H
#define MLAGD_SETUP_H

#include "daemon.h"

/**
 * setup_ifname() - the name of a device, for the log
 * @daemon: the daemon
 * @ifindex: any number
 * @buf: room for the name
 */
const char *setup_ifname(const struct daemon *daemon, uint32_t ifindex, char buf[IFNAMSIZ]);

/**
 * setup_observe_leg() - a leg was observed: forget what is believed of a device that is not the same
 * @daemon: the daemon
 * @lag_id: its LAG
 * @observation: what the link adapter saw
 *
 * A device that left is a port like others, or none.  One that became a port anew is set up by the
 * next setup_apply_leg(), or by setup_legs_anew() when the engine has nothing new to say of it.
 *
 * Return: what is kept of the leg, or NULL when there are too many.
 */
struct daemon_port *setup_observe_leg(struct daemon *daemon, uint16_t lag_id,
				      const struct mlag_leg_observation *observation);

/** setup_is_leg() - it is seen to be the device of a LAG, set up or not */
bool setup_is_leg(const struct daemon *daemon, uint32_t ifindex);

/** setup_leg_system() - the LACP system id that a leg is to have; NULL for its own */
const struct mlag_mac *setup_leg_system(const struct daemon *daemon,
					const struct daemon_port *port);

/** setup_find_leg() - what is kept of a leg that was observed or applied; NULL for none */
struct daemon_port *setup_find_leg(struct daemon *daemon, uint16_t lag_id);

/**
 * setup_apply_leg() - make a leg what the engine wants it to be
 * @daemon: the daemon
 * @program: what it wants
 *
 * The map entry comes first, then, for a device that is not set up yet, the programs and the
 * settings; the order of gate and flood flags is that of DESIGN §4.  Until its programs are there a
 * leg floods nothing.
 *
 * Return: 0, -EAGAIN when the programs are to come by setup_attach_next(), or -errno; logged.  After an
 * error only setup_repair_leg() tries again, and another device.
 */
int setup_apply_leg(struct daemon *daemon, const struct mlag_leg_program *program);

/**
 * setup_attach_next() - attach one program to a port that waits for it
 * @daemon: the daemon
 * @ret_leg: a leg whose setup_apply_leg() has no reason to wait any more, or NULL
 *
 * That takes the kernel 20 to 40 ms by tcx, so it is done between turns of the event loop.
 *
 * Return: false when no port waits.
 */
bool setup_attach_next(struct daemon *daemon, struct daemon_port **ret_leg);

/**
 * setup_legs_anew() - set up the legs whose device is a new one and whose program is an old one
 * @daemon: the daemon
 */
void setup_legs_anew(struct daemon *daemon);

/**
 * setup_is_refused() - a leg's device takes no programs, and has none of an earlier daemon's
 * @daemon: the daemon
 * @port: the leg
 */
bool setup_is_refused(const struct daemon *daemon, const struct daemon_port *port);

/** setup_end_floods() - the bridge floods nothing to such a leg, whatever is wanted; logged */
void setup_end_floods(struct daemon *daemon, struct daemon_port *port);

/**
 * setup_repair_leg() - set a leg up again, whatever is believed of it
 * @daemon: the daemon
 * @port: a leg with a device and a program
 *
 * Return: as setup_apply_leg(); -EAGAIN: there is more to do, call again.
 */
int setup_repair_leg(struct daemon *daemon, struct daemon_port *port);

/**
 * setup_forget_leg() - a leg left the configuration: take the programs off its device
 * @daemon: the daemon
 * @lag_id: its LAG
 */
void setup_forget_leg(struct daemon *daemon, uint16_t lag_id);

/**
 * setup_port() - a port of the bridge came, or is another than before
 * @daemon: the daemon
 * @observed: the port, not the peer link
 *
 * Every such port gets the receive program (R20), orphans too, at once or by setup_attach_next().
 */
void setup_port(struct daemon *daemon, const struct links_port *observed);

/** setup_port_gone() - a port is none any more */
void setup_port_gone(struct daemon *daemon, uint32_t ifindex);

/** setup_find_port() - what is kept of a port that is not the peer link, or NULL */
struct daemon_member_port *setup_find_port(struct daemon *daemon, uint32_t ifindex);

/**
 * setup_repair_port() - set a port that is no leg up again, whatever is believed of it
 * @daemon: the daemon
 * @ifindex: the port
 *
 * Return: 0 or -errno; logged.
 */
int setup_repair_port(struct daemon *daemon, uint32_t ifindex);

/**
 * setup_clean_port() - take away what an earlier daemon left at a port that is not what it was
 * @daemon: with all its links read
 * @ifindex: the port, which may be gone
 * @kind: what it was to that daemon
 */
void setup_clean_port(struct daemon *daemon, uint32_t ifindex, enum mlag_port_kind kind);

/**
 * setup_peer_link() - set up daemon.peer_link, unless it is
 * @daemon: the daemon
 */
void setup_peer_link(struct daemon *daemon);

/**
 * setup_repair_peer_link() - set the peer link up again, whatever is believed of it
 * @daemon: the daemon
 *
 * Return: 0 or -errno; logged.
 */
int setup_repair_peer_link(struct daemon *daemon);

/**
 * setup_leave() - take the programs off all ports, and put ports and bonds back as they were found
 * @daemon: the daemon
 *
 * Return: 0, or -errno of the last that failed; logged.
 */
int setup_leave(struct daemon *daemon);

#endif
