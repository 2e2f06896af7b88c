// SPDX-License-Identifier: BSD-2-Clause
/*
 * The trace of a walk: its words, its notes, and finding things in a scene.  walk.c and peer.c write
 * through this.
 */
#include <arpa/inet.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "explain/walk.h"

#define TEXT_OF(symbol, text) \
	case symbol:          \
		return text;

const char *explain_stage_text(enum explain_stage stage)
{
	switch (stage) {
		EXPLAIN_STAGES(TEXT_OF)
	}
	return "?";
}

const char *explain_verdict_text(enum explain_verdict verdict)
{
	switch (verdict) {
		EXPLAIN_VERDICTS(TEXT_OF)
	}
	return "?";
}

const char *explain_fate_text(enum explain_fate fate)
{
	switch (fate) {
		EXPLAIN_FATES(TEXT_OF)
	}
	return "?";
}

static const struct {
	const char *text;
	const char *rule;
} reasons[MLAG_REASONS_COUNT] = {
#define REASON(symbol, reason_text, reason_rule, expected) [symbol] = {reason_text, reason_rule},
	MLAG_REASONS(REASON)
#undef REASON
};

const char *explain_reason_text(enum mlag_reason reason)
{
	return (uint32_t)reason < MLAG_REASONS_COUNT ? reasons[reason].text : "?";
}

const char *explain_reason_rule(enum mlag_reason reason)
{
	return (uint32_t)reason < MLAG_REASONS_COUNT ? reasons[reason].rule : "";
}

struct explain_port *explain_find_port(const struct explain_scene *scene, uint32_t ifindex)
{
	for (uint32_t i = 0; i < scene->ports_count; i++) {
		if (ifindex != 0 && scene->ports[i].ifindex == ifindex) {
			return &scene->ports[i];
		}
	}
	return NULL;
}

struct explain_leg *explain_find_leg(const struct explain_scene *scene, uint16_t lag_id)
{
	for (uint32_t i = 0; i < scene->legs_count; i++) {
		if (lag_id != 0 && scene->legs[i].lag_id == lag_id) {
			return (struct explain_leg *)&scene->legs[i];
		}
	}
	return NULL;
}

struct explain_port *explain_peer_link(const struct explain_scene *scene)
{
	return explain_find_port(scene, scene->domain.peer_link_ifindex);
}

struct explain_leg *explain_find_name(const struct explain_scene *scene, const char *name)
{
	char *end;
	unsigned long number;

	for (uint32_t i = 0; i < scene->legs_count; i++) {
		if (strncmp(scene->legs[i].ifname, name, IFNAMSIZ) == 0) {
			return (struct explain_leg *)&scene->legs[i];
		}
	}
	number = strtoul(name, &end, 10);
	if (name[0] < '0' || name[0] > '9' || *end != '\0' || number > UINT16_MAX) {
		return NULL;
	}
	return explain_find_leg(scene, (uint16_t)number);
}

struct explain_step *walk_note(struct walk *walk, struct walk_place place, const char *format, ...)
{
	struct explain_trace *trace = walk->trace;
	struct explain_step *step;
	va_list list;

	if (trace->steps_count == EXPLAIN_STEPS_MAX) {
		trace->steps_lost++;
		return NULL;
	}
	step = &trace->steps[trace->steps_count++];
	step->member = place.member;
	step->stage = place.stage;
	(void)snprintf(step->ifname, sizeof(step->ifname), "%s",
		       place.ifname != NULL ? place.ifname : "");
	step->reason = place.reason;
	step->rule = place.rule != NULL ? place.rule : explain_reason_rule(place.reason);
	va_start(list, format);
	(void)vsnprintf(step->text, sizeof(step->text), format, list);
	va_end(list);
	return step;
}

struct explain_copy *walk_copy(struct walk *walk, enum explain_member member,
			       enum explain_fate fate, const char *ifname)
{
	struct explain_trace *trace = walk->trace;
	struct explain_copy *copy;

	if (trace->copies_count == EXPLAIN_COPIES_MAX) {
		trace->copies_lost++;
		return NULL;
	}
	copy = &trace->copies[trace->copies_count++];
	copy->member = member;
	copy->fate = fate;
	copy->rule = "";
	(void)snprintf(copy->ifname, sizeof(copy->ifname), "%s", ifname);
	return copy;
}

void walk_say(struct explain_copy *copy, const char *format, ...)
{
	va_list list;

	if (copy == NULL) {
		return;
	}
	va_start(list, format);
	(void)vsnprintf(copy->text, sizeof(copy->text), format, list);
	va_end(list);
}

void walk_blame(struct explain_copy *copy, enum mlag_reason reason)
{
	if (copy != NULL) {
		copy->reason = reason;
		copy->rule = explain_reason_rule(reason);
	}
}

void walk_verdict(struct walk *walk, enum explain_verdict verdict)
{
	if (walk->trace->verdict == EXPLAIN_VERDICT_NONE) {
		walk->trace->verdict = verdict;
	}
}

const char *walk_mac_text(const struct mlag_mac *mac, char buf[WALK_MAC_SIZE])
{
	const uint8_t *o = mac->octets;

	(void)snprintf(buf, WALK_MAC_SIZE, "%02x:%02x:%02x:%02x:%02x:%02x", o[0], o[1], o[2], o[3],
		       o[4], o[5]);
	return buf;
}

const char *walk_ip_text(uint8_t family, const uint8_t *address, char buf[WALK_IP_SIZE])
{
	if (inet_ntop(family == 4 ? AF_INET : AF_INET6, address, buf, WALK_IP_SIZE) == NULL) {
		(void)snprintf(buf, WALK_IP_SIZE, "?");
	}
	return buf;
}
