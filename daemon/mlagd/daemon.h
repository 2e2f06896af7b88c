/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The daemon as a whole: the engine and the adapters around it.  Adapters do not see it.
 */
#ifndef MLAGD_DAEMON_H
#define MLAGD_DAEMON_H

#include <systemd/sd-event.h>

#include "config.h"
#include "control/methods.h"
#include "datapath/datapath.h"
#include "kernel/addresses.h"
#include "kernel/fdb.h"
#include "kernel/filters.h"
#include "kernel/links.h"
#include "kernel/neighbors.h"
#include "kernel/ports.h"
#include "kernel/routes.h"
#include "mlag.h"
#include "peer/channel.h"
#include "peer/hellos.h"
#include "resume.h"

#define DAEMON_PORTS_MAX 1024 /* ports of the bridge that get the receive program */
#define DAEMON_SVIS_MAX 4096

/**
 * struct daemon_audit - how a port fares with audit.c
 * @due: it is to be compared with the kernel
 * @repaired_ns: when it was last set up again, 0 for never
 * @failures: how often in a row that did not help
 * @found: what was found then
 * @told_ns: when lines about that began, for a limit a minute
 * @told_count: how many there were since
 * @silent_count: repairs that were not logged
 */
struct daemon_audit {
	bool due;
	uint64_t repaired_ns;
	uint32_t failures;
	uint32_t found;
	uint64_t told_ns;
	uint32_t told_count;
	uint32_t silent_count;
};

/**
 * struct daemon_setup - how far a port is with its programs
 * @waits: they are attached in a turn to come, since the kernel takes its time for each
 * @error: why setting it up failed, -errno; audit.c and nobody else tries again.  0: it did not
 * @is_told: the engine knows that
 */
struct daemon_setup {
	bool waits;
	bool is_told;
	int error;
};

/**
 * struct daemon_port - a leg: its device, what is wanted of it, and what it is believed to have
 * @lag_id: its LAG
 * @lacp: it is a bond in 802.3ad mode
 * @anew: the device is to be set up again though the engine may have nothing new to say of it
 * @seen_ifindex, @seen_incarnation: the device as last observed, 0 for none
 * @wanted: the engine's last program; its ifindex is 0 before the first
 * @ifindex: the device, once its programs are attached, 0 for none; this and what follows is
 *	believed, of this incarnation
 * @flood_known: @flood is what its flood flags are
 * @backup_ifindex: the peer link it was told
 * @own_system: its LACP speaks under its own system id
 * @rx_frames: the count of data frames at the last observation
 * @setup: how far it is with what it needs
 */
struct daemon_port {
	uint16_t lag_id;
	bool lacp;
	bool anew;
	uint32_t seen_ifindex;
	uint32_t seen_incarnation;
	struct mlag_leg_observation observed; /* as the engine was told last */
	struct mlag_leg_program wanted;
	uint32_t ifindex;
	bool flood_known;
	bool flood;
	uint32_t backup_ifindex;
	bool own_system;
	uint64_t rx_frames;
	struct daemon_setup setup;
	struct daemon_audit audit;
};

/**
 * struct daemon_xdp - how a port fares with fastpath.c
 * @attached: XDP is believed to run there
 * @is_exit: XDP may redirect into it
 * @reason: why it does not run there though the configuration asks for it; empty: nobody asks
 * @bond: its slaves; the frames of those that collect are taken for the port's
 */
struct daemon_xdp {
	bool attached;
	bool is_exit;
	char reason[XDP_REASON_SIZE];
	struct links_bond bond;
};

/**
 * struct daemon_svi - an interface that the kernel routes to
 * @key: the router MAC it was told with
 * @ifindex: the interface
 */
struct daemon_svi {
	struct mlag_address_key key;
	uint32_t ifindex;
};

/**
 * struct daemon_member_port - a port of the bridge that is not the peer link, leg or orphan
 * @port: as the kernel describes it
 * @xdp: whether XDP runs there, and why not
 * @setup: how far it is with its program, as no leg
 */
struct daemon_member_port {
	struct links_port port;
	struct daemon_setup setup;
	struct daemon_xdp xdp;
	struct daemon_audit audit;
};

struct gateways;
struct svis;
#define DAEMON_NEIGHBOR_DEVICES 3 /* values of enum mlag_neighbor_device */

/**
 * struct daemon_neighbor_devices - the devices on which VLANs have neighbours
 * @ifindex: by device and VLAN, 0 for none
 * @told: what engine and adapter know
 * @due: the two may differ
 */
struct daemon_neighbor_devices {
	uint32_t ifindex[DAEMON_NEIGHBOR_DEVICES][MLAG_VLANS_MAX];
	uint32_t told[DAEMON_NEIGHBOR_DEVICES][MLAG_VLANS_MAX];
	bool due;
};

struct answers;
struct leave;
struct holds;
struct deadman;

struct daemon {
	sd_event *event;
	const char *config_path;
	const char *run_dir;
	int lock_fd;
	struct config *config;
	struct mlag_engine *engine;
	size_t engine_size;
	struct recorder *recorder; /* of what the engine is told and asked; NULL for none */
	struct links *links;
	struct filters *filters;
	struct fdb *fdb;
	struct addresses *addresses;
	struct neighbors *neighbors;
	struct daemon_neighbor_devices neighbor_devices;
	struct ports *ports;
	struct routes *routes;
	struct routes_wanted last_resort;
	uint64_t last_resort_serial; /* of what is in @last_resort */
	struct datapath *datapath;
	struct gateways *gateways;
	struct svis *svis;
	struct answers *answers;
	struct leave *leave;	 /* this member is leaving the pair; NULL: it is not */
	struct deadman *deadman; /* NULL: there is no lease */
	struct holds *holds;
	struct channel *channel;
	struct hellos *hellos;
	struct control_server *control;
	struct control_context control_context;
	sd_event_source *timer;
	sd_event_source *more;
	uint64_t deadline_ns; /* what the timer is set to, while it is */
	bool timer_set;
	struct mlag_peer_link peer_link;
	struct mlag_vlans peer_link_forwards;
	struct daemon_xdp peer_link_xdp;
	struct mlag_domain domain;
	uint32_t peer_link_prepared; /* its ifindex once it was set up, 0 for none */
	uint32_t peer_link_incarnation;
	struct daemon_audit peer_link_audit;
	sd_event_source *audit_timer;
	uint64_t audit_round_ns; /* when some ports are audited without a reason */
	uint32_t audit_next;	 /* which they are */
	bool setup_waits;	 /* some ports wait for their programs */
	uint32_t ports_count;
	struct daemon_port leg_ports[MLAG_LEGS_MAX];
	uint32_t svi_rows_count;
	uint32_t svi_rows_next; /* whose settings are read again next */
	struct daemon_svi svi_rows[DAEMON_SVIS_MAX];
	uint32_t member_ports_count;
	struct daemon_member_port member_ports[DAEMON_PORTS_MAX];
	struct mlag_resume
		found;	     /* of an earlier daemon, see handover.c; until it was taken over: */
	const char *refused; /* why what was found last cannot be taken over */
	bool is_resuming;
	uint32_t found_ports_count;
	struct {
		uint32_t ifindex;
		enum mlag_port_kind kind;
	} found_ports[DAEMON_PORTS_MAX];
	struct mlag_resume kept; /* what was left behind last, and when */
	uint64_t kept_ns;
	bool starting; /* not all was read yet: nothing is done */
	uint64_t starting_ns;
	bool running; /* effects_run() is at work: events of its own making do not start it again */
	bool left;    /* all was taken back: nothing is programmed any more */
	bool ready_said;
	bool fdb_dumped;
	bool run_dir_full; /* when it was looked at last */
};

/** daemon_now_ns() - the engine's clock: CLOCK_MONOTONIC */
uint64_t daemon_now_ns(void);

/** daemon_open_channel() - a new session with the peer, as the configuration says; 0 or -errno */
int daemon_open_channel(struct daemon *daemon);

/** daemon_open_hellos() - the paths of hellos, likewise */
int daemon_open_hellos(struct daemon *daemon);

#endif
