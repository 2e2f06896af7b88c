// SPDX-License-Identifier: BSD-2-Clause
/*
 * The method `explain`: a question is read (question.c), the scene is set (scene.c) and changed as
 * it is assumed to be, the frame is followed (explain/), and the trace is told.  All in one turn of
 * the loop, so it is of one moment.
 */
#include "control/explain.h"

#include <errno.h>
#include <linux/if_ether.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "control/question.h"
#include "control/scene.h"
#include "control/status.h"
#include "explain/walk.h"

#define LIST_SIZE 256

/* One answer in the making. */
struct explanation {
	struct question question;
	struct scene scene;
	const struct explain_port *port;
	struct explain_trace trace;
};

/* ---- the port ------------------------------------------------------------------------------- */

static void list_ports(const struct explain_scene *scene, char ret[LIST_SIZE])
{
	size_t used = 0;

	ret[0] = '\0';
	for (uint32_t i = 0; i < scene->ports_count && used + IFNAMSIZ + 6 < LIST_SIZE; i++) {
		used += (size_t)snprintf(ret + used, LIST_SIZE - used, "%s%s", i > 0 ? ", " : "",
					 scene->ports[i].ifname);
	}
}

static void list_vlans(const struct mlag_vlans *vlans, char ret[LIST_SIZE])
{
	size_t used = 0;

	(void)snprintf(ret, LIST_SIZE, "none");
	for (uint16_t vlan = 1; vlan < MLAG_VLANS_MAX && used + 16 < LIST_SIZE; vlan++) {
		uint16_t last = vlan;

		if (!mlag_vlans_has(vlans, vlan)) {
			continue;
		}
		while (mlag_vlans_has(vlans, (uint16_t)(last + 1))) {
			last++;
		}
		used += (size_t)snprintf(ret + used, LIST_SIZE - used,
					 last > vlan ? "%s%u-%u" : "%s%u", used > 0 ? ", " : "",
					 vlan, last);
		vlan = last;
	}
}

/* A port by its name, a LAG by its number, or the peer link. */
static int find_port(struct control_call *call, struct explanation *explanation)
{
	const struct explain_scene *scene = &explanation->scene.scene;
	const char *in = explanation->question.in;
	const struct explain_leg *leg = explain_find_name(scene, in);
	char ports[LIST_SIZE];

	for (uint32_t i = 0; i < scene->ports_count; i++) {
		if (strcmp(scene->ports[i].ifname, in) == 0) {
			explanation->port = &scene->ports[i];
			return 0;
		}
	}
	if (leg != NULL) {
		explanation->port = explain_find_port(scene, leg->ifindex);
	} else if (strcmp(in, "peer-link") == 0) {
		explanation->port = explain_peer_link(scene);
	}
	if (explanation->port != NULL) {
		return 0;
	}
	list_ports(scene, ports);
	return control_call_fail(call, EINVAL, "bad-params",
				 "in: %s has no port \"%.20s\"; allowed: %s, the number of a LAG, "
				 "or peer-link",
				 scene->bridge_ifname, in, ports);
}

/* ---- the frame ------------------------------------------------------------------------------ */

static int choose_vlan(struct control_call *call, const struct explanation *explanation,
		       uint16_t *ret)
{
	const struct explain_scene *scene = &explanation->scene.scene;
	const struct question *question = &explanation->question;
	const struct explain_port *port = explanation->port;
	char allowed[LIST_SIZE];

	*ret = question->has_vlan ? question->vlan : port->ingress_vid;
	if (!scene->domain.vlan_aware) {
		*ret = 0;
		return !question->has_vlan ? 0
					   : control_call_fail(call, EINVAL, "bad-params",
							       "vlan: %s does not filter VLANs; "
							       "allowed: none",
							       scene->bridge_ifname);
	}
	if (*ret != 0 && mlag_vlans_has(&port->vlans, *ret)) {
		return 0;
	}
	list_vlans(&port->vlans, allowed);
	if (*ret == 0) {
		return control_call_fail(call, EINVAL, "bad-params",
					 "vlan: missing, and %s has none for what has no tag; "
					 "allowed: %s",
					 port->ifname, allowed);
	}
	return control_call_fail(call, EINVAL, "bad-params",
				 "vlan: %u is not allowed on %s; allowed: %s", *ret, port->ifname,
				 allowed);
}

static int make_frame(struct control_call *call, struct explanation *explanation)
{
	static const struct mlag_mac somebody = {{0x02, 0, 0, 0, 0, 0x01}};
	struct question *question = &explanation->question;
	const struct explain_port *port = explanation->port;
	struct explain_ip *ip = &question->ip;
	uint16_t vlan;
	int r;

	if (question->is_frame) {
		return 0;
	}
	r = choose_vlan(call, explanation, &vlan);
	if (r < 0) {
		return r;
	}
	if (!question->has_source &&
	    !scene_find_source(&explanation->scene, port, vlan, &question->source)) {
		question->source = somebody;
	}
	if (ip->family != 0 && !question->has_source_ip) {
		scene_find_source_ip(&explanation->scene, vlan, &question->destination,
				     &question->source, ip->family, ip->source);
	}
	explain_frame_make(&question->frame, &question->destination, &question->source, ip);
	question->frame.tagged = vlan != 0 && vlan != port->ingress_vid;
	question->frame.tci = question->frame.tagged ? vlan : 0;
	return 0;
}

static int assume(struct control_call *call, struct explanation *explanation)
{
	const struct question *question = &explanation->question;

	for (uint32_t i = 0; i < question->assumptions_count; i++) {
		const char *text = question->assumptions[i];
		int r = explain_assume(&explanation->scene.scene, text);

		if (r == -ENOENT) {
			return control_call_fail(call, EINVAL, "bad-params",
						 "if: \"%.60s\": there is no such LAG here, or it "
						 "has no such leg; see 'mlagctl lags'",
						 text);
		}
		if (r < 0) {
			return control_call_fail(call, EINVAL, "bad-params",
						 "if: \"%.60s\" is not understood; allowed: %s",
						 text, EXPLAIN_ASSUMPTIONS);
		}
	}
	return 0;
}

/* ---- the answer ----------------------------------------------------------------------------- */

static json_t *text_or_null(const char *text)
{
	return *text != '\0' ? json_string(text) : json_null();
}

static json_t *number_or_null(int number, bool is_there)
{
	return is_there ? json_integer(number) : json_null();
}

static json_t *reason_json(enum mlag_reason reason)
{
	return reason != MLAG_REASON_NONE ? json_string(explain_reason_text(reason)) : json_null();
}

static const char *member_text(enum explain_member member)
{
	return member == EXPLAIN_HERE ? "here" : "peer";
}

static json_t *steps_json(const struct explain_trace *trace)
{
	json_t *list = json_array();

	for (uint32_t i = 0; i < trace->steps_count; i++) {
		const struct explain_step *step = &trace->steps[i];

		json_array_append_new(list,
				      json_pack("{s:s,s:s,s:o,s:o,s:o,s:b,s:b,s:s}", "member",
						member_text(step->member), "stage",
						explain_stage_text(step->stage), "ifname",
						text_or_null(step->ifname), "rule",
						text_or_null(step->rule), "reason",
						reason_json(step->reason), "run", step->ran,
						"differs", step->differs, "text", step->text));
	}
	return list;
}

static json_t *copies_json(const struct explain_trace *trace)
{
	json_t *list = json_array();

	for (uint32_t i = 0; i < trace->copies_count; i++) {
		const struct explain_copy *copy = &trace->copies[i];

		json_array_append_new(
			list,
			json_pack("{s:s,s:s,s:o,s:o,s:b,s:o,s:b,s:o,s:o,s:o}", "member",
				  member_text(copy->member), "fate", explain_fate_text(copy->fate),
				  "ifname", text_or_null(copy->ifname), "lag_id",
				  number_or_null(copy->lag_id, copy->lag_id != 0), "peer_link",
				  copy->peer_link, "vlan",
				  number_or_null(copy->vlan, copy->vlan != 0), "tagged",
				  copy->tagged, "rule", text_or_null(copy->rule), "reason",
				  reason_json(copy->reason), "text", text_or_null(copy->text)));
	}
	return list;
}

static json_t *octets_json(const struct explain_frame *frame)
{
	char text[2 * (EXPLAIN_FRAME_MAX + 4) + 1];
	size_t used = 0;

	for (uint32_t i = 0; i < frame->size; i++) {
		if (i == (uint32_t)(2 * ETH_ALEN) && frame->tagged) {
			used += (size_t)snprintf(text + used, sizeof(text) - used, "8100%04x",
						 frame->tci);
		}
		used += (size_t)snprintf(text + used, sizeof(text) - used, "%02x", frame->bytes[i]);
	}
	return json_string(text);
}

static json_t *ip_json(uint8_t family, const uint8_t *address)
{
	char text[WALK_IP_SIZE];

	return family != 0 ? json_string(walk_ip_text(family, address, text)) : json_null();
}

static json_t *frame_json(const struct explain_frame *frame)
{
	struct mlag_mac destination, source;
	struct explain_ip ip;
	char type[8];

	explain_frame_ip(frame, &ip);
	memcpy(destination.octets, frame->bytes, ETH_ALEN);
	memcpy(source.octets, frame->bytes + ETH_ALEN, ETH_ALEN);
	(void)snprintf(type, sizeof(type), "0x%04x", frame->ethertype);
	return json_pack("{s:o,s:o,s:o,s:s,s:o,s:o,s:o,s:o}", "dst_mac",
			 control_mac_json(&destination), "src_mac", control_mac_json(&source),
			 "tag", number_or_null(frame->tci & 0xfff, frame->tagged), "ethertype",
			 type, "dst_ip", ip_json(ip.family, ip.destination), "src_ip",
			 ip_json(ip.family, ip.source), "ttl",
			 number_or_null(ip.hop_limit, ip.family != 0), "octets",
			 octets_json(frame));
}

static json_t *in_json(const struct explanation *explanation)
{
	const struct explain_port *port = explanation->port;
	bool is_peer_link = port->ifindex == explanation->scene.scene.domain.peer_link_ifindex;
	bool is_leg = port->programmed && port->program.kind == MLAG_PORT_LEG;

	return json_pack("{s:s,s:s,s:o}", "ifname", port->ifname, "kind",
			 is_peer_link ? "peer-link"
			 : is_leg     ? "leg"
				      : "orphan",
			 "lag_id", number_or_null(port->program.lag_id, is_leg));
}

static json_t *assumed_json(const struct question *question)
{
	json_t *list = json_array();

	for (uint32_t i = 0; i < question->assumptions_count; i++) {
		json_array_append_new(list, json_string(question->assumptions[i]));
	}
	return list;
}

/* Why no program was run, or null. */
static json_t *not_run_json(const struct explanation *explanation)
{
	if (explanation->question.assumptions_count > 0) {
		return json_string("computed, not run: something is assumed");
	}
	if (explanation->scene.not_run < 0) {
		return json_sprintf("computed, not run: the programs cannot be run: %s",
				    strerror(-explanation->scene.not_run));
	}
	return explanation->trace.runs > 0
		       ? json_null()
		       : json_string("computed, not run: no program sees this frame");
}

static int tell(const struct explanation *explanation, json_t **ret_result)
{
	const struct explain_trace *trace = &explanation->trace;

	*ret_result = json_pack(
		"{s:o,s:o,s:o,s:o,s:s,s:o,s:o,s:o,s:i,s:o,s:o,s:i}", "in", in_json(explanation),
		"vlan", number_or_null(trace->vlan, trace->vlan != 0), "frame",
		frame_json(&explanation->question.frame), "assumed",
		assumed_json(&explanation->question), "verdict",
		explain_verdict_text(trace->verdict), "ttl",
		number_or_null(trace->hop_limit, trace->hop_limit >= 0), "agrees",
		trace->runs > 0 ? json_boolean(trace->differences == 0) : json_null(), "not_run",
		not_run_json(explanation), "runs", (int)trace->runs, "steps", steps_json(trace),
		"copies", copies_json(trace), "cut", (int)(trace->steps_lost + trace->copies_lost));
	return *ret_result != NULL ? 0 : -ENOMEM;
}

/* ---- the method ----------------------------------------------------------------------------- */

static int explain(struct control_call *call, struct explanation *explanation, json_t **ret_result)
{
	struct control_context *context = call->context;
	int r = question_read(call, &explanation->question);

	if (r < 0) {
		return r;
	}
	if (context->datapath == NULL) {
		return control_call_fail(call, EOPNOTSUPP, "unavailable",
					 "this daemon has no data plane");
	}
	r = scene_open(&explanation->scene, context);
	if (r < 0) {
		return control_call_fail(call, -r, "unavailable",
					 "the bridge %s cannot be looked at: %s",
					 context->config->bridge, strerror(-r));
	}
	if ((r = find_port(call, explanation)) < 0 || (r = make_frame(call, explanation)) < 0 ||
	    (r = assume(call, explanation)) < 0) {
		return r;
	}
	explain_walk(&explanation->scene.scene, explanation->port, &explanation->question.frame,
		     &explanation->trace);
	return tell(explanation, ret_result);
}

int control_explain(struct control_call *call, json_t **ret_result)
{
	struct explanation *explanation = calloc(1, sizeof(*explanation));
	int r;

	if (explanation == NULL) {
		return -ENOMEM;
	}
	r = explain(call, explanation, ret_result);
	scene_close(&explanation->scene);
	free(explanation);
	return r;
}
