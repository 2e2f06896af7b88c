/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The data plane as mlagd sees it: a few programs at the ports, and the maps they read.  This
 * adapter loads, attaches and fills; it decides nothing.  A program finds nothing in its maps but
 * what the setters below put there, and a missing entry means pass.  So fill first (domain, ports,
 * sources, routers, addresses), attach afterwards: then the filter of an earlier daemon is replaced
 * by one that already knows as much.  Where the maps of that daemon were adopted they hold it.
 *
 * All functions return 0 or a negative errno.  None of them blocks for longer than a few system
 * calls.  None is thread-safe.  Attaching works on the network namespace of the calling thread.
 */
#ifndef MLAG_DATAPATH_H
#define MLAG_DATAPATH_H

#include <stdbool.h>
#include <stdint.h>

#include "datapath/xdp.h"
#include "mlag_maps.h"

/* Where our filters are among those of clsact: before all others, by a handle of our own. */
#define DATAPATH_TC_PRIORITY 1
#define DATAPATH_TC_HANDLE 0x6d6c6167 /* "mlag" */

struct datapath;

/* The maps that one daemon leaves to the next, by what they hold (mlag_maps.h). */
enum datapath_map {
	DATAPATH_MAP_DOMAIN,
	DATAPATH_MAP_PORTS,
	DATAPATH_MAP_COUNTERS,
	DATAPATH_MAP_SOURCES,
	DATAPATH_MAP_ROUTERS,
	DATAPATH_MAP_ROUTER_OCTETS,
	DATAPATH_MAP_ADDRESSES,
	DATAPATH_MAP_LEG_RX,
	DATAPATH_MAP_FAST_COUNTERS,
	DATAPATH_MAP_STATE,
	DATAPATH_MAPS_COUNT,
};

/**
 * struct datapath_spec - how to load the data plane
 * @sources_max: the most MACs that datapath_set_source() has room for, at least 1; the kernel sets
 *	about 80 bytes aside for each at once, so that none is ever refused for want of memory
 * @domain_id: of the pair: the maps, and what is attached by tcx links, are pinned in a directory of
 *	that name; 0: nothing is pinned, and programs are attached by clsact
 * @adopt: an earlier daemon left this state in this network namespace; true: use its maps.  NULL:
 *	begin with empty ones, whatever there is, and leave none to the next
 * @log: told every diagnostic line of the loader (the verifier's text when it refuses a program,
 *	the kernel's word when it refuses a filter), without a newline; NULL for silence.  The
 *	loader library has one such hook in a process: the last datapath opened has it.
 * @qdisc_made: told of each device that got its clsact from us, so that somebody may take it away
 *	some day by qdisc_remove() (qdisc.h); may be NULL
 * @user: handed to @log, @adopt and @qdisc_made
 */
struct datapath_spec {
	uint32_t sources_max;
	uint16_t domain_id;
	bool (*adopt)(void *user, const struct mlag_state *state);
	void (*log)(void *user, const char *text);
	void (*qdisc_made)(void *user, uint32_t ifindex);
	void *user;
};

/**
 * datapath_open() - load programs and maps; attaches nothing
 * @ret: the new data plane, to be given to datapath_close()
 * @spec: copied
 *
 * Return: 0, -EINVAL (sources_max is 0), -ENOMEM, -EPERM (it takes CAP_BPF and CAP_NET_ADMIN, or
 * root), or what the kernel answered to the load; the cause was told to spec.log.
 */
int datapath_open(struct datapath **ret, const struct datapath_spec *spec);

/**
 * datapath_is_adopted() - the maps hold what an earlier daemon put there, and spec.adopt() said yes
 *
 * What it had attached is still attached.  A map that did not fit was copied.
 */
bool datapath_is_adopted(const struct datapath *dp);

/**
 * datapath_refused() - why what an earlier daemon left was not even shown to spec.adopt()
 *
 * Return: a constant text; NULL when it was shown, or there is nothing.
 */
const char *datapath_refused(const struct datapath *dp);

/**
 * datapath_set_state() - leave a note for the daemon after this one
 * @state: copied; only size and bytes are looked at
 *
 * Return: 0 or -errno of the map.
 */
int datapath_set_state(struct datapath *dp, const struct mlag_state *state);

/**
 * datapath_walk() - all rows of a map, in batches
 * @map: a hash, but not the counters
 * @on_row: key and value as in mlag_maps.h, borrowed; must not call into @dp
 * @user: handed to @on_row
 *
 * Return: 0 or -errno of the map; rows may have been reported all the same.
 */
int datapath_walk(const struct datapath *dp, enum datapath_map map,
		  void (*on_row)(void *user, const void *key, const void *value), void *user);

/**
 * datapath_close() - let go of programs and maps
 * @dp: may be NULL
 *
 * What is attached *stays* attached and goes on forwarding by the last state of its maps: a daemon
 * that stops must not change forwarding.  To end that, call datapath_detach_all() before.
 */
void datapath_close(struct datapath *dp);

/**
 * struct datapath_maps - file descriptors of maps that other programs read too
 */
struct datapath_maps {
	int domain;
	int ports;
	int counters;
	int routers;
	int addresses;
};

/** datapath_get_maps() - what answerer_open() needs; they stay the data plane's */
void datapath_get_maps(const struct datapath *dp, struct datapath_maps *ret_maps);

/**
 * datapath_set_domain() - say what the pair is
 * @domain: copied; replaces the former one as a whole
 *
 * Return: 0 or -errno of the map.
 */
int datapath_set_domain(struct datapath *dp, const struct mlag_domain *domain);

/**
 * datapath_set_port() - say what a port is; one map write, which the next frame sees
 * @ifindex: the port, not 0
 * @port: copied
 *
 * Return: 0, -EINVAL (ifindex 0), -E2BIG (MLAG_MAP_PORTS_MAX ports), or -errno of the map.
 */
int datapath_set_port(struct datapath *dp, uint32_t ifindex, const struct mlag_port *port);

/**
 * datapath_delete_port() - forget a port: everything passes there from now on
 * @ifindex: the port; one that is not known is no error
 *
 * Return: 0 or -errno of the map.
 */
int datapath_delete_port(struct datapath *dp, uint32_t ifindex);

/**
 * datapath_set_marking() - whether a peer link marks what comes over it for our routers (R31)
 * @marking: a peer link that is attached from now on gets mark_peer_link (ingress)
 *
 * One that is attached already is attached again by its owner.
 */
void datapath_set_marking(struct datapath *dp, bool marking);

/**
 * datapath_attach() - put the programs of this kind on a port
 * @ifindex: the port
 * @kind: a leg gets isolate_leg (egress) and receive (ingress), the peer link isolate_peer_link
 *	(egress) and, if it is to mark, mark_peer_link (ingress), any other port of the bridge
 *	(MLAG_PORT_NONE) receive
 *
 * What runs at the port of another kind is taken away.  A port without an entry of
 * datapath_set_port() passes everything, whatever is attached.
 *
 * Idempotent.  What an earlier daemon left at the port is replaced atomically: no frame sees the
 * port without a program.  Filters of others are untouched and still get to see what passes.
 *
 * Return: 0, -EINVAL (ifindex 0), -ENODEV (no such device), -E2BIG (MLAG_MAP_PORTS_MAX ports), or
 * what the kernel answered; on failure nothing of ours that was there before is removed.
 */
int datapath_attach(struct datapath *dp, uint32_t ifindex, enum mlag_port_kind kind);

/**
 * datapath_attach_begin() - as datapath_attach(), but no more than one program that takes its time
 * @ifindex, @kind: as in datapath_attach()
 *
 * Where a port has no program of ours yet the kernel waits for all its readers, by tcx for 20 to 40 ms.
 *
 * Return: as datapath_attach(), or -EAGAIN: one is there, and another is to come by another call.
 */
int datapath_attach_begin(struct datapath *dp, uint32_t ifindex, enum mlag_port_kind kind);

/**
 * datapath_has_programs() - whether datapath_attach() would only replace programs, which takes no time
 * @ifindex, @kind: as in datapath_attach()
 *
 * Return: true when some of ours are at each place, whoever attached them.
 */
bool datapath_has_programs(const struct datapath *dp, uint32_t ifindex, enum mlag_port_kind kind);

/**
 * datapath_verify() - whether a port still has the programs that datapath_attach() put there
 * @ifindex: the port
 * @kind: as it was given to datapath_attach()
 * @ret_intact: the kernel says so, now
 *
 * Return: 0, -EINVAL (ifindex 0), -ENODEV (no such device), or what the kernel answered.
 */
int datapath_verify(const struct datapath *dp, uint32_t ifindex, enum mlag_port_kind kind,
		    bool *ret_intact);

/**
 * datapath_attach_svis() - put the program of the pair's SVIs (R27) on the bridge device
 * @ifindex: the bridge
 *
 * What this machine sends by an SVI passes there.  Otherwise as datapath_attach().
 */
int datapath_attach_svis(struct datapath *dp, uint32_t ifindex);

/** datapath_verify_svis() - as datapath_verify(), of what datapath_attach_svis() put on the bridge */
int datapath_verify_svis(const struct datapath *dp, uint32_t ifindex, bool *ret_intact);

/**
 * datapath_detach() - take our programs off a port, those of an earlier daemon too
 * @ifindex: the port; no such device, or nothing of ours on it, is no error
 *
 * The port's counters go too.  The clsact qdisc stays: it may be somebody else's.
 *
 * Return: 0 or what the kernel answered.
 */
int datapath_detach(struct datapath *dp, uint32_t ifindex);

/**
 * datapath_detach_all() - datapath_detach() for every port that datapath_attach() was called for, and
 *	no pins of maps any more
 *
 * Return: 0, or the first error; the other ports are detached all the same.
 */
int datapath_detach_all(struct datapath *dp);

/**
 * datapath_attach_xdp() - put the fast entry of `receive` before a device
 * @ifindex: a port that datapath_attach() was called for, or a bond that is one (its slaves get it)
 * @ret_reason: why not, in words; only on failure
 *
 * It takes effect for devices that datapath_set_entry() was told of: a bond's slaves, or the port
 * itself.  It sees no tag that travels beside a frame: whoever calls this knows that none does
 * (device.h).  Replaces ours atomically, and never somebody else's program.
 *
 * Return: 0, -EINVAL (ifindex 0), -EBUSY (somebody else's), -ENODEV, -EOPNOTSUPP, or what else the
 * kernel answered.
 */
int datapath_attach_xdp(struct datapath *dp, uint32_t ifindex, char ret_reason[XDP_REASON_SIZE]);

/** datapath_verify_xdp() - as datapath_verify(), of datapath_attach_xdp() */
int datapath_verify_xdp(const struct datapath *dp, uint32_t ifindex, bool *ret_intact);

/**
 * datapath_detach_xdp() - take the fast entry away; nothing there is no error
 *
 * Return: 0 or what the kernel answered.
 */
int datapath_detach_xdp(struct datapath *dp, uint32_t ifindex);

/**
 * datapath_set_entry() - say which port frames come by that XDP sees at a device
 * @ifindex: the device
 * @port_ifindex: itself, or its bond while it collects; 0: XDP lets everything pass there
 *
 * Return: 0 or -errno of the map.
 */
int datapath_set_entry(struct datapath *dp, uint32_t ifindex, uint32_t port_ifindex);

/**
 * datapath_set_exit() - say whether XDP may redirect into a port
 * @ifindex: the port
 * @present: its driver is known to send what is redirected there
 *
 * Return: 0 or -errno of the map.
 */
int datapath_set_exit(struct datapath *dp, uint32_t ifindex, bool present);

/**
 * datapath_set_svi() - say in which VLAN an interface of ours is (R21)
 * @ifindex: the interface
 * @svi: copied; NULL forgets it
 *
 * Return: 0, -E2BIG (MLAG_MAP_SVIS_MAX), or -errno of the map.
 */
int datapath_set_svi(struct datapath *dp, uint32_t ifindex, const struct mlag_svi *svi);

/**
 * datapath_set_source() - say where a MAC is
 * @key: VLAN and MAC
 * @source: its place; NULL or one not @known forgets the MAC (one that is not known is no error)
 *
 * Return: 0, -E2BIG when sources_max MACs are known, or -errno of the map.
 */
int datapath_set_source(struct datapath *dp, const struct mlag_source_key *key,
			const struct mlag_source *source);

/**
 * datapath_set_sources() - datapath_set_source() for many, in few system calls
 * @keys, @sources: @count of each; one not @known forgets the MAC.  A key should come once only
 * @count: may be 0
 *
 * Return: 0, or the first error; the others are set all the same.
 */
int datapath_set_sources(struct datapath *dp, const struct mlag_source_key *keys,
			 const struct mlag_source *sources, uint32_t count);

/**
 * datapath_set_router() - say whose a router MAC is (R20)
 * @key: VLAN and MAC
 * @router: copied; NULL forgets the MAC (one that is not known is no error)
 *
 * Of the peer's MACs say the addresses first, then the MAC, and that the addresses are proven
 * (mlag_domain.route_for_peer) last: what is no address of anybody's is routed here.  The frames
 * that are not are the bridge's to carry: it needs an entry of the MAC to PL.
 *
 * Return: 0, -E2BIG (MLAG_MAP_ROUTERS_MAX), or -errno of the map.
 */
int datapath_set_router(struct datapath *dp, const struct mlag_router_key *key,
			const struct mlag_router *router);

/**
 * datapath_set_address() - say whose an IP address is (R21, R22)
 * @address: zeroed before it was filled
 * @owner: enum mlag_owner; none forgets the address (one that is not known is no error)
 *
 * Link-local addresses are never asked for: what goes to one stays on its link.
 *
 * Return: 0, -E2BIG (MLAG_MAP_ADDRESSES_MAX), or -errno of the map.
 */
int datapath_set_address(struct datapath *dp, const struct mlag_address *address, uint8_t owner);

/**
 * datapath_leg_rx() - how many data frames a leg received while its gate was not open
 * @ifindex: an attached leg
 * @ret_frames: a running count; that it changed proves that the partner sends on the leg.  Frames
 *	to 01:80:c2:00:00:0x (LACP) and to 33:33:… (what a port out of its bond still says) prove
 *	nothing and are not counted
 *
 * Return: 0, -ENOENT when no leg is attached there, or -errno of the map.
 */
int datapath_leg_rx(struct datapath *dp, uint32_t ifindex, uint64_t *ret_frames);

/**
 * datapath_counters() - walk the counters, summed over CPUs, without those that are zero
 * @on_counter: called for each {port, reason}; must not call into @dp
 * @user: handed to @on_counter
 *
 * Return: 0 or -errno of the map.
 */
int datapath_counters(struct datapath *dp,
		      void (*on_counter)(void *user, uint32_t ifindex, enum mlag_reason reason,
					 uint64_t packets, uint64_t bytes),
		      void *user);

/**
 * datapath_map_fd() - one of the maps that the programs read, by its name
 *
 * Return: a file descriptor that belongs to @dp, or -ENOENT.
 */
int datapath_map_fd(const struct datapath *dp, const char *name);

#endif
