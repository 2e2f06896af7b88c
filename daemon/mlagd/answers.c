// SPDX-License-Identifier: BSD-2-Clause
/*
 * R30 in the daemon (see answers.h): programs are put on devices when a split begins and taken off
 * when it ends, and the lease that they answer under is renewed every second in between.  What a
 * killed daemon left attached does nothing, and goes when its device is first seen.
 */
#include "answers.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon.h"
#include "datapath/answerer.h"
#include "datapath/qdisc.h"
#include "log.h"

#define ANSWERS_RENEW_NS UINT64_C(1000000000)
#define ANSWERS_LEASE_NS (3 * ANSWERS_RENEW_NS)
#define ANSWERS_DEVICES_MAX (DAEMON_PORTS_MAX + MLAG_VLANS_MAX)

/**
 * struct answers_svi - our SVI in a VLAN where the peer has one too
 * @ifindex: 0 for none
 * @svi: what the program has to know
 */
struct answers_svi {
	uint32_t ifindex;
	struct mlag_answer_svi svi;
};

/**
 * struct answers - the state of it
 * @on: the programs run
 * @renewed_ns: when the lease was renewed
 * @devices, @devices_count: which were seen since the start, or since it was switched on or off
 */
struct answers {
	struct answerer *answer;
	bool on;
	uint64_t renewed_ns;
	uint32_t devices_count;
	uint32_t devices[ANSWERS_DEVICES_MAX];
	struct answers_svi svis[MLAG_VLANS_MAX];
};

int answers_open(struct daemon *daemon)
{
	struct datapath_maps maps;
	struct answers *answers = calloc(1, sizeof(*answers));
	int r;

	if (answers == NULL) {
		return -ENOMEM;
	}
	datapath_get_maps(daemon->datapath, &maps);
	r = answerer_open(&answers->answer, &maps);
	if (r < 0) {
		free(answers);
		return r;
	}
	daemon->answers = answers;
	return 0;
}

void answers_close(struct daemon *daemon)
{
	if (daemon->answers != NULL) {
		answerer_close(daemon->answers->answer);
		free(daemon->answers);
		daemon->answers = NULL;
	}
}

void answers_router(struct daemon *daemon, const struct mlag_address_program *program)
{
	struct answers_svi *svi = &daemon->answers->svis[program->key.vlan];
	struct answers_svi now = {.ifindex = program->own_ifindex};
	bool present = program->owner == MLAG_OWNER_PEER && program->own_ifindex != 0;
	int r = 0;

	now.svi.domain = program->domain;
	now.svi.vlan = program->key.vlan;
	memcpy(now.svi.peer_mac, program->key.octets, sizeof(now.svi.peer_mac));
	/* Another MAC of the peer's that goes says nothing of the one that is known. */
	if (!present &&
	    memcmp(svi->svi.peer_mac, now.svi.peer_mac, sizeof(now.svi.peer_mac)) != 0) {
		return;
	}
	if (svi->ifindex != 0 && (!present || svi->ifindex != now.ifindex)) {
		r = answerer_set_svi(daemon->answers->answer, svi->ifindex, NULL);
	}
	memset(svi, 0, sizeof(*svi));
	if (present) {
		*svi = now;
		r = answerer_set_svi(daemon->answers->answer, now.ifindex, &now.svi);
	}
	if (r < 0) {
		log_warning("VLAN %u: questions for the peer cannot be answered: %s",
			    program->key.vlan, strerror(-r));
	}
}

static bool is_seen(const struct answers *answers, uint32_t ifindex)
{
	for (uint32_t i = 0; i < answers->devices_count; i++) {
		if (answers->devices[i] == ifindex) {
			return true;
		}
	}
	return false;
}

/* Give a device its program, or take from it what is left there. */
static void see(struct daemon *daemon, uint32_t ifindex, enum answerer_place place)
{
	struct answers *answers = daemon->answers;
	bool qdisc_made = false;
	int r;

	if (is_seen(answers, ifindex) || answers->devices_count == ANSWERS_DEVICES_MAX) {
		return;
	}
	r = answers->on ? answerer_attach(answers->answer, ifindex, place, &qdisc_made)
			: answerer_detach(answers->answer, ifindex);
	if (qdisc_made) {
		ports_note_qdisc(daemon->ports, ifindex);
	}
	if (!answers->on && place == ANSWERER_AT_SVI && ports_take_qdisc(daemon->ports, ifindex)) {
		(void)qdisc_remove(ifindex);
	}
	if (r < 0 && r != -ENODEV) {
		log_warning("device #%u: the program that answers for the peer cannot be %s: %s",
			    ifindex, answers->on ? "attached" : "removed", strerror(-r));
	}
	answers->devices[answers->devices_count++] = ifindex;
}

static void see_all(struct daemon *daemon)
{
	struct answers *answers = daemon->answers;

	for (uint32_t i = 0; i < daemon->member_ports_count; i++) {
		see(daemon, daemon->member_ports[i].port.ifindex, ANSWERER_AT_PORT);
	}
	for (uint32_t vlan = 0; vlan < MLAG_VLANS_MAX; vlan++) {
		if (answers->svis[vlan].ifindex != 0) {
			see(daemon, answers->svis[vlan].ifindex, ANSWERER_AT_SVI);
		}
	}
}

void answers_port_gone(struct daemon *daemon, uint32_t ifindex)
{
	struct answers *answers = daemon->answers;

	for (uint32_t i = 0; i < answers->devices_count; i++) {
		if (answers->devices[i] == ifindex) {
			(void)answerer_detach(answers->answer, ifindex);
			answers->devices[i] = answers->devices[--answers->devices_count];
			return;
		}
	}
}

void answers_leave(struct daemon *daemon)
{
	struct answers *answers = daemon->answers;

	(void)answerer_set_until(answers->answer, 0);
	answers->on = false;
	answers->devices_count = 0;
	see_all(daemon);
}

void answers_run(struct daemon *daemon)
{
	struct answers *answers = daemon->answers;
	bool on = mlag_answers_for_peer(daemon->engine);
	uint64_t now_ns = daemon_now_ns();
	int r;

	if (on == answers->on && now_ns - answers->renewed_ns < ANSWERS_RENEW_NS) {
		return;
	}
	if (on != answers->on) {
		answers->on = on;
		answers->devices_count = 0;
		log_notice("questions for the peer's addresses are %s here",
			   on ? "answered" : "no longer answered");
	}
	answers->renewed_ns = now_ns;
	r = answerer_set_until(answers->answer, on ? now_ns + ANSWERS_LEASE_NS : 0);
	if (r < 0) {
		log_warning("the lease of answers for the peer cannot be written: %s",
			    strerror(-r));
	}
	see_all(daemon);
}
