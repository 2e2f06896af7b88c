// SPDX-License-Identifier: BSD-2-Clause
/*
 * What a person should put right in the kernel's configuration: mlagctl status shows these.  A
 * pure function of the model, called by links_problems().
 */
#include <linux/if_ether.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "kernel/linkstate.h"

struct linkproblems {
	struct links_problem *list;
	uint32_t count;
	uint32_t max;
};

__attribute__((format(printf, 3, 4))) static void
linkproblems_add(struct linkproblems *problems, const char *code, const char *format, ...)
{
	struct links_problem *problem;
	va_list arguments;

	if (problems->count == problems->max) {
		return;
	}
	problem = &problems->list[problems->count++];
	problem->code = code;
	problem->lag_id = 0;
	va_start(arguments, format);
	(void)vsnprintf(problem->text, sizeof(problem->text), format, arguments);
	va_end(arguments);
}

static bool linkproblems_exists(const struct linkstate *state, const char *ifname)
{
	uint32_t i;

	for (i = 0; i < state->links_count; i++) {
		if (strcmp(state->links[i].message.ifname, ifname) == 0) {
			return true;
		}
	}
	return false;
}

static void linkproblems_of_bridge(struct linkproblems *problems, const struct linkstate *state)
{
	const char *ifname = state->spec.bridge;

	if (state->bridge == NULL) {
		if (linkproblems_exists(state, ifname)) {
			linkproblems_add(problems, "not-a-bridge",
					 "%s ([domain] bridge) is not a bridge", ifname);
		} else {
			linkproblems_add(problems, "device-missing", "the bridge %s does not exist",
					 ifname);
		}
		return;
	}
	if (!state->bridge->message.up) {
		linkproblems_add(problems, "device-down", "the bridge %s is administratively down",
				 ifname);
	}
	if (state->bridge->message.vlan_filtering && state->bridge->message.vlan_protocol != 0 &&
	    state->bridge->message.vlan_protocol != ETH_P_8021Q) {
		linkproblems_add(problems, "vlan-protocol",
				 "the bridge %s has tags of type 0x%04x; what fails over to the "
				 "peer link needs 802.1Q",
				 ifname, state->bridge->message.vlan_protocol);
	}
	if (state->bridge->message.multicast_snooping) {
		linkproblems_add(problems, "multicast-snooping",
				 "the bridge %s has multicast snooping on, which loses multicast "
				 "between the members (R11); turn it off",
				 ifname);
	}
}

/* What the peer link and a leg have in common; false if there is no port to look at. */
static bool linkproblems_of_port(struct linkproblems *problems, const struct linkstate *state,
				 uint32_t index, const char *what, const char *ifname)
{
	const struct linkstate_port *port = &state->ports[index];

	if (port->link == NULL) {
		linkproblems_add(problems, "device-missing", "%s %s does not exist", what, ifname);
		return false;
	}
	if (!port->link->message.up) {
		uint32_t count = problems->count;

		linkproblems_add(problems, "device-down", "%s %s is administratively down", what,
				 ifname);
		if (index > 0 && problems->count > count) {
			problems->list[count].lag_id = state->spec.lags[index - 1].id;
		}
	}
	if (state->bridge != NULL && !linkstate_is_member(state, port->link)) {
		linkproblems_add(problems, "not-a-port", "%s %s is not a port of the bridge %s",
				 what, ifname, state->spec.bridge);
		return false;
	}
	return state->bridge != NULL;
}

/* The first VLANs of a set as text, "10,20,30-40", cut short with "..." when there are more. */
static void linkproblems_list(const struct mlag_vlans *set, char *ret, size_t size)
{
	uint16_t vlan;
	size_t length = 0;

	ret[0] = '\0';
	for (vlan = 1; vlan < MLAG_VLANS_MAX; vlan++) {
		uint16_t last = vlan;

		if (!mlag_vlans_has(set, vlan)) {
			continue;
		}
		while (mlag_vlans_has(set, (uint16_t)(last + 1))) {
			last++;
		}
		if (length + sizeof(",4000-4000,...") > size) {
			(void)snprintf(ret + length, size - length, ",...");
			return;
		}
		length += (size_t)snprintf(ret + length, size - length, "%s%u",
					   length > 0 ? "," : "", vlan);
		if (last > vlan) {
			length += (size_t)snprintf(ret + length, size - length, "-%u", last);
		}
		vlan = last;
	}
}

static void linkproblems_of_vlans(struct linkproblems *problems, const struct linkstate *state,
				  const struct linkstate_link *leg)
{
	const struct linkstate_link *peer_link = state->ports[0].link;
	struct mlag_vlans there;
	struct mlag_vlans missing;
	uint16_t untagged_vid;
	char text[48];
	uint32_t i;

	if (leg->vlans != NULL && leg->vlans->untagged_vid_second != 0) {
		linkproblems_add(problems, "vlan-conflict",
				 "the leg %s sends VLAN %u and VLAN %u without a tag",
				 leg->message.ifname, leg->vlans->untagged_vid,
				 leg->vlans->untagged_vid_second);
	}
	if (!linkstate_is_member(state, peer_link)) {
		return;
	}
	linkstate_get_vlans(state, leg, &missing, &untagged_vid);
	linkstate_get_vlans(state, peer_link, &there, &untagged_vid);
	for (i = 0; i < MLAG_VLAN_WORDS; i++) {
		missing.words[i] &= ~there.words[i];
	}
	linkproblems_list(&missing, text, sizeof(text));
	if (text[0] != '\0') {
		linkproblems_add(problems, "vlan-missing-on-peer-link",
				 "VLAN %s of the leg %s is not on the peer link %s", text,
				 leg->message.ifname, state->spec.peer_link);
	}
}

uint32_t linkproblems_find(const struct linkstate *state, struct links_problem *ret, uint32_t max)
{
	struct linkproblems problems = {.list = ret, .max = max};
	uint32_t i;

	linkproblems_of_bridge(&problems, state);
	if (linkproblems_of_port(&problems, state, 0, "the peer link", state->spec.peer_link) &&
	    state->ports[0].link->message.settings.learning) {
		linkproblems_add(&problems, "peer-link-learning",
				 "the peer link %s learns addresses from frames (R7); learning "
				 "should be off",
				 state->spec.peer_link);
	}
	for (i = 0; i < state->spec.lags_count; i++) {
		if (linkproblems_of_port(&problems, state, i + 1, "the leg",
					 state->spec.lags[i].ifname) &&
		    state->bridge->message.vlan_filtering) {
			linkproblems_of_vlans(&problems, state, state->ports[i + 1].link);
		}
	}
	return problems.count;
}
