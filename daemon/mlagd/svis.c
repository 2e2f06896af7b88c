// SPDX-License-Identifier: BSD-2-Clause
/*
 * Settings of the pair's SVIs (see svis.h).  gateways.c calls svis_sync() whenever links may have
 * changed and every few seconds besides, so that somebody's `sysctl --system` does not bring
 * redirects back for good.
 *
 * IPv4: send_redirects of the SVI and of what is on it, and of conf/all, because the kernel sends if
 * either says so.  IPv6 has no such setting: a program on the bridge device drops them, both kinds.
 */
#include "svis.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "gateways.h"
#include "kernel/addressstate.h"
#include "kernel/knobs.h"
#include "log.h"

#define CHECK_NS UINT64_C(5000000000) /* between two looks when nothing changed */

/**
 * struct svis - what is known of them
 * @bridge_ifindex: where the program is, 0 for nowhere
 * @verify: it may be gone
 * @digest: of the list of SVIs that was worked on last
 * @error: of the last svis_sync(), 0 when all was done
 */
struct svis {
	struct knobs *knobs;
	uint32_t bridge_ifindex;
	bool verify;
	uint64_t digest;
	uint64_t checked_ns;
	int error;
};

/* ---- the program --------------------------------------------------------------------------- */

static int attach(struct daemon *daemon, uint32_t bridge_ifindex)
{
	int r = datapath_attach_svis(daemon->datapath, bridge_ifindex);

	if (r < 0 && r != -ENODEV && r != daemon->svis->error) {
		log_error("bridge %s: the program that stops redirects cannot be attached: %s",
			  daemon->config->bridge, strerror(-r));
	}
	return r == -ENODEV ? 0 : r;
}

static int sync_program(struct daemon *daemon, uint32_t bridge_ifindex)
{
	struct svis *svis = daemon->svis;
	bool intact = false;
	int r;

	if (svis->bridge_ifindex != bridge_ifindex && svis->bridge_ifindex != 0) {
		(void)datapath_detach(daemon->datapath, svis->bridge_ifindex);
		svis->bridge_ifindex = 0;
	}
	if (bridge_ifindex == 0) {
		return 0;
	}
	if (svis->bridge_ifindex != 0) {
		if (!svis->verify ||
		    (datapath_verify_svis(daemon->datapath, bridge_ifindex, &intact) == 0 &&
		     intact)) {
			svis->verify = false;
			return 0;
		}
		log_warning("bridge %s: somebody removed our filter: set up again",
			    daemon->config->bridge);
	}
	r = attach(daemon, bridge_ifindex);
	if (r == 0) {
		svis->bridge_ifindex = bridge_ifindex;
		svis->verify = false;
	}
	return r;
}

void svis_want(struct daemon *daemon, uint32_t ifindex)
{
	struct svis *svis = daemon->svis;

	if (svis != NULL && svis->bridge_ifindex != 0 &&
	    (ifindex == 0 || ifindex == svis->bridge_ifindex)) {
		svis->verify = true;
		gateways_want(daemon);
	}
}

/* ---- settings ------------------------------------------------------------------------------ */

/* FNV-1a of what the settings depend on. */
static uint64_t mix(uint64_t digest, uint32_t value)
{
	return (digest ^ value) * UINT64_C(1099511628211);
}

static uint64_t digest_of(const struct daemon *daemon, const struct addressstate *state)
{
	uint64_t digest = UINT64_C(14695981039346656037);
	bool delivers;
	uint16_t vlan;

	for (uint32_t i = 0; i < state->links.count; i++) {
		const struct addressstate_link *link = sorted_at(&state->links, i);
		enum addressstate_role role = addressstate_role(state, link, &vlan, &delivers);

		if (role != ADDRESSSTATE_ROLE_NONE) {
			digest = mix(mix(mix(digest, link->ifindex), delivers),
				     gateways_is_on(daemon, link->ifindex));
		}
	}
	return digest;
}

/* Its neighbours outlive a loss of carrier (R29); an older kernel has no such settings. */
static int want_neighbors(struct knobs *knobs, const struct addressstate_link *link)
{
	int arp = knobs_want(knobs, link->ifindex, link->ifname, KNOBS_ARP_EVICT);
	int ndisc = knobs_want(knobs, link->ifindex, link->ifname, KNOBS_NDISC_EVICT);

	if (arp < 0 && arp != -ENOENT) {
		return arp;
	}
	return ndisc == -ENOENT ? 0 : ndisc;
}

static int want_settings(struct daemon *daemon, const struct addressstate_link *link)
{
	struct knobs *knobs = daemon->svis->knobs;
	int r = knobs_want(knobs, link->ifindex, link->ifname, KNOBS_SEND_REDIRECTS);

	if (r == 0 && gateways_is_on(daemon, link->ifindex)) {
		r = knobs_want(knobs, link->ifindex, link->ifname, KNOBS_ARP_IGNORE);
	}
	if (r == 0 && gateways_is_on(daemon, link->ifindex)) {
		r = knobs_want(knobs, link->ifindex, link->ifname, KNOBS_ARP_ANNOUNCE);
	}
	if (r < 0 && r != -ENOENT) {
		return r;
	}
	/* It may be set down in a split, and has to be the same afterwards (holds.c). */
	r = daemon->config->hold_svis && link->kind == LINKMSG_KIND_VLAN
		    ? knobs_want(knobs, link->ifindex, link->ifname, KNOBS_KEEP_ADDRESSES)
		    : 0;
	return r == -ENOENT ? 0 : r;
}

static int sync_settings(struct daemon *daemon, const struct addressstate *state)
{
	struct knobs *knobs = daemon->svis->knobs;
	bool delivers, any = false;
	uint16_t vlan;
	int error = 0, r;

	knobs_begin(knobs);
	for (uint32_t i = 0; i < state->links.count; i++) {
		const struct addressstate_link *link = sorted_at(&state->links, i);

		if (addressstate_role(state, link, &vlan, &delivers) == ADDRESSSTATE_ROLE_NONE) {
			continue;
		}
		any = true;
		r = want_settings(daemon, link);
		error = r < 0 ? r : error;
		r = delivers ? want_neighbors(knobs, link) : 0;
		error = r < 0 ? r : error;
	}
	if (any) {
		r = knobs_want(knobs, KNOBS_ALL, "all", KNOBS_SEND_REDIRECTS);
		error = r < 0 ? r : error;
	}
	r = knobs_end(knobs);
	return r < 0 ? r : error;
}

int svis_sync(struct daemon *daemon)
{
	const struct addressstate *state = addresses_state(daemon->addresses);
	struct svis *svis = daemon->svis;
	uint64_t now_ns = daemon_now_ns();
	uint64_t digest = digest_of(daemon, state);
	int error = sync_program(daemon, state->bridge_ifindex);

	if (digest != svis->digest || svis->error < 0 || now_ns - svis->checked_ns >= CHECK_NS) {
		int r = sync_settings(daemon, state);

		svis->checked_ns = now_ns;
		svis->digest = digest;
		error = error < 0 ? error : r;
	}
	svis->error = error;
	return error;
}

int svis_leave(struct daemon *daemon)
{
	struct svis *svis = daemon->svis;
	int error = sync_program(daemon, 0);
	int r;

	knobs_begin(svis->knobs);
	r = knobs_end(svis->knobs);
	return error < 0 ? error : r;
}

bool svis_failed(void *user)
{
	const struct daemon *daemon = user;

	return daemon->svis->error < 0;
}

int svis_open(struct daemon *daemon)
{
	daemon->svis = calloc(1, sizeof(*daemon->svis));
	if (daemon->svis == NULL) {
		return -ENOMEM;
	}
	return knobs_open(&daemon->svis->knobs, daemon->run_dir);
}

void svis_close(struct daemon *daemon)
{
	if (daemon->svis == NULL) {
		return;
	}
	knobs_close(daemon->svis->knobs);
	free(daemon->svis);
	daemon->svis = NULL;
}
