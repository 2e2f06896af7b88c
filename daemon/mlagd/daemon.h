/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The daemon as a whole: the engine and the adapters around it.  Only main.c and effects.c see it.
 */
#ifndef MLAGD_DAEMON_H
#define MLAGD_DAEMON_H

#include <systemd/sd-event.h>

#include "config.h"
#include "control/methods.h"
#include "datapath/datapath.h"
#include "kernel/fdb.h"
#include "kernel/links.h"
#include "kernel/ports.h"
#include "mlag.h"
#include "peer/channel.h"

/**
 * struct daemon_port - what was set up at a device, so that it is done once
 * @ifindex: 0 for a free entry
 * @backup_ifindex: of a leg: the peer link it was told
 * @rx_frames: of a leg: the count of data frames at the last observation
 */
struct daemon_port {
	uint32_t ifindex;
	uint16_t lag_id;
	bool lacp;
	bool flood_known;
	bool flood;
	uint32_t backup_ifindex;
	uint64_t rx_frames;
};

struct daemon {
	sd_event *event;
	const char *config_path;
	const char *run_dir;
	int lock_fd;
	struct config *config;
	struct mlag_engine *engine;
	struct links *links;
	struct fdb *fdb;
	struct ports *ports;
	struct datapath *datapath;
	struct channel *channel;
	struct control_server *control;
	struct control_context control_context;
	sd_event_source *timer;
	sd_event_source *more;
	uint64_t deadline_ns; /* what the timer is set to */
	struct mlag_peer_link peer_link;
	struct mlag_domain domain;
	uint32_t peer_link_prepared;
	uint32_t ports_count;
	struct daemon_port leg_ports[MLAG_LEGS_MAX];
	bool running; /* effects_run() is at work: events of its own making do not start it again */
	bool ready_said;
	bool fdb_dumped;
};

/** daemon_now_ns() - the engine's clock: CLOCK_MONOTONIC */
uint64_t daemon_now_ns(void);

#endif
