// SPDX-License-Identifier: BSD-2-Clause
/*
 * XDP at ports (see fastpath.h).  It is used only where the configuration says `xdp`, and only
 * where the kernel's own word is that it is safe: the driver is native, tags stay inside frames,
 * and a port takes what is redirected into it.  Where one of these is missing, tc does the same
 * with more work, and `status` says why (docs/decisions/0015-ways-round-the-bridge.md).
 *
 * Called by setup.c when ports come and change, by effects.c with LACP state, and by audit.c, since
 * most of what matters here (features, programs of others) changes without an event.
 */
#include "fastpath.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "datapath/device.h"
#include "log.h"
#include "setup.h"

#define FASTPATH_ROUND_SVIS 64 /* whose settings are read again in a round */

uint32_t fastpath_shortcuts(const struct config *config)
{
	uint32_t shortcuts = MLAG_SHORTCUT_TO_PEER;

	/* Round the kernel's routing, its filters too, only where somebody asked for it. */
	if (config->datapath == CONFIG_DATAPATH_XDP) {
		shortcuts |= MLAG_SHORTCUT_ROUTED;
	}
	return shortcuts;
}

static bool is_wanted(const struct daemon *daemon)
{
	return daemon->config->datapath == CONFIG_DATAPATH_XDP;
}

static struct daemon_xdp *find_xdp(struct daemon *daemon, uint32_t ifindex)
{
	struct daemon_member_port *port = setup_find_port(daemon, ifindex);

	if (port != NULL) {
		return &port->xdp;
	}
	return ifindex != 0 && ifindex == daemon->peer_link.ifindex ? &daemon->peer_link_xdp : NULL;
}

__attribute__((format(printf, 2, 3))) static bool refuse(char reason[XDP_REASON_SIZE],
							 const char *format, ...)
{
	va_list list;

	va_start(list, format);
	(void)vsnprintf(reason, XDP_REASON_SIZE, format, list);
	va_end(list);
	return false;
}

/* ---- what devices can do ------------------------------------------------------------------- */

static bool keeps_tags(const struct daemon *daemon, uint32_t ifindex, char reason[XDP_REASON_SIZE])
{
	char name[IFNAMSIZ];
	bool strips = true;
	int r = device_strips_tags(ifindex, &strips);

	(void)setup_ifname(daemon, ifindex, name);
	if (r < 0) {
		return refuse(reason, "%s: its features cannot be read: %s", name, strerror(-r));
	}
	if (strips) {
		return refuse(reason, "%s takes VLAN tags out of frames (ethtool -K %s rxvlan off)",
			      name, name);
	}
	return true;
}

/* XDP sees every frame as the bridge would see it. */
static bool sees_frames(const struct daemon *daemon, uint32_t ifindex,
			const struct links_bond *bond, char reason[XDP_REASON_SIZE])
{
	if (!bond->is_bond) {
		return keeps_tags(daemon, ifindex, reason);
	}
	if (!bond->is_lacp_leg) {
		return refuse(reason, "it is a bond, and no leg in 802.3ad mode");
	}
	if (bond->has_more) {
		return refuse(reason, "a bond of more than %d slaves", LINKS_SLAVES_MAX);
	}
	for (uint32_t i = 0; i < bond->slaves_count; i++) {
		if (!keeps_tags(daemon, bond->slaves[i].ifindex, reason)) {
			return false;
		}
	}
	return true;
}

static bool has_feature(uint32_t ifindex, uint64_t feature, const char *without,
			char reason[XDP_REASON_SIZE])
{
	uint64_t features = 0;
	int r = device_xdp_features(ifindex, &features);

	if (r == -EOPNOTSUPP) {
		return refuse(reason, "the kernel does not tell what its driver can do (Linux 6.3 "
				      "does)");
	}
	if (r < 0) {
		return refuse(reason, "its driver's features cannot be read: %s", strerror(-r));
	}
	return (features & feature) != 0 || refuse(reason, "%s", without);
}

/* ---- ports --------------------------------------------------------------------------------- */

static void set_exit(struct daemon *daemon, uint32_t ifindex, struct daemon_xdp *xdp, bool is_exit)
{
	if (datapath_set_exit(daemon->datapath, ifindex, is_exit) == 0) {
		xdp->is_exit = is_exit;
	}
}

static void set_entries(struct daemon *daemon, struct daemon_xdp *xdp, uint32_t port_ifindex)
{
	for (uint32_t i = 0; i < xdp->bond.slaves_count; i++) {
		const struct links_slave *slave = &xdp->bond.slaves[i];

		(void)datapath_set_entry(daemon->datapath, slave->ifindex,
					 slave->collects ? port_ifindex : 0);
	}
}

/* The slaves as they are now; those that are gone are no entries any more. */
static void take_bond(struct daemon *daemon, struct daemon_xdp *xdp, const struct links_bond *bond,
		      uint32_t port_ifindex)
{
	set_entries(daemon, xdp, 0);
	xdp->bond = *bond;
	set_entries(daemon, xdp, port_ifindex);
}

static void leave(struct daemon *daemon, uint32_t ifindex, struct daemon_xdp *xdp)
{
	static const struct links_bond none;

	take_bond(daemon, xdp, &none, 0);
	(void)datapath_detach_xdp(daemon->datapath, ifindex);
	xdp->attached = false;
}

static bool attach(struct daemon *daemon, uint32_t ifindex, struct daemon_xdp *xdp,
		   const struct links_bond *bond, char reason[XDP_REASON_SIZE])
{
	bool intact = false;

	if (!xdp->attached || datapath_verify_xdp(daemon->datapath, ifindex, &intact) < 0 ||
	    !intact) {
		if (datapath_attach_xdp(daemon->datapath, ifindex, reason) < 0) {
			return false;
		}
		xdp->attached = true;
	}
	take_bond(daemon, xdp, bond, ifindex);
	return true;
}

static void log_reason(const struct daemon *daemon, uint32_t ifindex, struct daemon_xdp *xdp,
		       const char reason[XDP_REASON_SIZE])
{
	char name[IFNAMSIZ];

	if (strcmp(reason, xdp->reason) == 0) {
		return;
	}
	(void)snprintf(xdp->reason, sizeof(xdp->reason), "%s", reason);
	(void)setup_ifname(daemon, ifindex, name);
	if (reason[0] != '\0') {
		log_warning("port %s: XDP is not possible, tc is used: %s", name, reason);
	} else {
		log_notice("port %s: XDP", name);
	}
}

/* XDP never runs on the peer link, but it redirects there. */
static void set_up_peer_link(struct daemon *daemon)
{
	struct daemon_xdp *xdp = &daemon->peer_link_xdp;
	uint32_t ifindex = daemon->peer_link.ifindex;
	char reason[XDP_REASON_SIZE] = "";

	set_exit(daemon, ifindex, xdp,
		 has_feature(ifindex, DEVICE_XDP_TRANSMIT,
			     "it does not send now what XDP redirects into it", reason));
	log_reason(daemon, ifindex, xdp, reason);
}

static void set_up(struct daemon *daemon, uint32_t ifindex, struct daemon_xdp *xdp)
{
	char reason[XDP_REASON_SIZE] = "";
	char unused[XDP_REASON_SIZE];
	struct links_bond bond;

	links_get_bond(daemon->links, ifindex, &bond);
	set_exit(daemon, ifindex, xdp, has_feature(ifindex, DEVICE_XDP_TRANSMIT, "", unused));
	if (!sees_frames(daemon, ifindex, &bond, reason) ||
	    !has_feature(ifindex, DEVICE_XDP_REDIRECT, "its driver cannot redirect by XDP",
			 reason) ||
	    !attach(daemon, ifindex, xdp, &bond, reason)) {
		leave(daemon, ifindex, xdp);
	}
	log_reason(daemon, ifindex, xdp, reason);
}

void fastpath_port(struct daemon *daemon, uint32_t ifindex)
{
	struct daemon_xdp *xdp = find_xdp(daemon, ifindex);

	if (xdp == NULL) {
		return;
	}
	if (!is_wanted(daemon)) {
		/* An earlier daemon, or an earlier configuration, may have wanted it. */
		xdp->reason[0] = '\0';
		set_exit(daemon, ifindex, xdp, false);
		leave(daemon, ifindex, xdp);
	} else if (xdp == &daemon->peer_link_xdp) {
		(void)datapath_detach_xdp(daemon->datapath, ifindex);
		set_up_peer_link(daemon);
	} else {
		set_up(daemon, ifindex, xdp);
	}
}

void fastpath_retry(struct daemon *daemon, uint32_t ifindex)
{
	if (is_wanted(daemon)) {
		fastpath_port(daemon, ifindex);
	}
}

void fastpath_slaves(struct daemon *daemon, uint32_t ifindex)
{
	struct daemon_xdp *xdp = find_xdp(daemon, ifindex);
	struct links_bond bond;

	if (xdp == NULL || !is_wanted(daemon)) {
		return;
	}
	links_get_bond(daemon->links, ifindex, &bond);
	if (memcmp(&bond, &xdp->bond, sizeof(bond)) != 0) {
		fastpath_port(daemon, ifindex);
	}
}

bool fastpath_intact(struct daemon *daemon, uint32_t ifindex)
{
	const struct daemon_xdp *xdp = find_xdp(daemon, ifindex);
	bool intact = true;

	if (xdp != NULL && xdp->attached) {
		(void)datapath_verify_xdp(daemon->datapath, ifindex, &intact);
	}
	return intact;
}

void fastpath_forget(struct daemon *daemon, struct daemon_member_port *port)
{
	static const struct links_bond none;

	take_bond(daemon, &port->xdp, &none, 0);
	set_exit(daemon, port->port.ifindex, &port->xdp, false);
}

void fastpath_configure(struct daemon *daemon)
{
	fastpath_port(daemon, daemon->peer_link.ifindex);
	for (uint32_t i = 0; i < daemon->member_ports_count; i++) {
		fastpath_port(daemon, daemon->member_ports[i].port.ifindex);
	}
}

uint32_t fastpath_problems(const struct daemon *daemon, struct links_problem *ret, uint32_t max)
{
	char name[IFNAMSIZ];
	uint32_t count = 0;

	for (uint32_t i = 0; i <= daemon->member_ports_count && count < max; i++) {
		bool is_member = i < daemon->member_ports_count;
		const struct daemon_xdp *xdp = is_member ? &daemon->member_ports[i].xdp
							 : &daemon->peer_link_xdp;
		uint32_t ifindex = is_member ? daemon->member_ports[i].port.ifindex
					     : daemon->peer_link.ifindex;

		if (ifindex == 0 || xdp->reason[0] == '\0') {
			continue;
		}
		ret[count].code = "xdp-not-possible";
		(void)snprintf(ret[count].text, sizeof(ret[count].text),
			       "the port %s: XDP is not possible, tc is used: %s",
			       setup_ifname(daemon, ifindex, name), xdp->reason);
		count++;
	}
	return count;
}

/* ---- interfaces that the kernel routes to -------------------------------------------------- */

/* 0, 1 or 2; see struct mlag_svi. */
static uint8_t read_reverse_path(const char *ifname)
{
	char path[64 + IFNAMSIZ];
	char digit = '0';
	int fd;

	(void)snprintf(path, sizeof(path), "/proc/sys/net/ipv4/conf/%s/rp_filter", ifname);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0) {
		return 1; /* the strictest, for one that is going away */
	}
	if (read(fd, &digit, 1) != 1 || digit < '0' || digit > '2') {
		digit = '1';
	}
	(void)close(fd);
	return (uint8_t)(digit - '0');
}

static void write_svi(struct daemon *daemon, const struct daemon_svi *row)
{
	char name[IFNAMSIZ];
	uint8_t all = read_reverse_path("all");
	uint8_t own = read_reverse_path(setup_ifname(daemon, row->ifindex, name));
	struct mlag_svi svi = {
		.vlan = row->key.vlan,
		.reverse_path = all > own ? all : own, /* as the kernel does: the greater one */
	};
	int r = datapath_set_svi(daemon->datapath, row->ifindex, &svi);

	if (r < 0) {
		log_warning("interface %s: it cannot be written into the data plane: %s", name,
			    strerror(-r));
	}
}

static struct daemon_svi *find_svi(struct daemon *daemon, const struct mlag_address_key *key)
{
	for (uint32_t i = 0; i < daemon->svi_rows_count; i++) {
		if (memcmp(&daemon->svi_rows[i].key, key, sizeof(*key)) == 0) {
			return &daemon->svi_rows[i];
		}
	}
	return NULL;
}

/* A row is gone; its interface too, unless another router MAC is on it. */
static void remove_svi(struct daemon *daemon, struct daemon_svi *row)
{
	uint32_t ifindex = row->ifindex;

	*row = daemon->svi_rows[--daemon->svi_rows_count];
	for (uint32_t i = 0; i < daemon->svi_rows_count; i++) {
		if (daemon->svi_rows[i].ifindex == ifindex) {
			return;
		}
	}
	(void)datapath_set_svi(daemon->datapath, ifindex, NULL);
}

void fastpath_svi(struct daemon *daemon, const struct mlag_address_key *key, uint32_t ifindex)
{
	struct daemon_svi *row;

	if (key->kind != MLAG_ADDRESS_ROUTER_MAC) {
		return;
	}
	row = find_svi(daemon, key);
	if (row != NULL) {
		remove_svi(daemon, row);
	}
	if (ifindex == 0 || daemon->svi_rows_count == DAEMON_SVIS_MAX) {
		return;
	}
	row = &daemon->svi_rows[daemon->svi_rows_count++];
	row->key = *key;
	row->ifindex = ifindex;
	write_svi(daemon, row);
}

void fastpath_round(struct daemon *daemon)
{
	uint32_t count = daemon->svi_rows_count;

	if (!is_wanted(daemon)) {
		return; /* nobody reads it */
	}
	for (uint32_t i = 0; i < count && i < FASTPATH_ROUND_SVIS; i++) {
		daemon->svi_rows_next = (daemon->svi_rows_next + 1) % count;
		write_svi(daemon, &daemon->svi_rows[daemon->svi_rows_next]);
	}
}
