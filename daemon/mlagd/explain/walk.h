/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The inside of a walk, for the files of this room only: what is under way, and how it is noted.
 */
#ifndef MLAGD_EXPLAIN_WALK_H
#define MLAGD_EXPLAIN_WALK_H

#include "explain/explain.h"

/**
 * struct walk - one walk under way
 * @peer_reached: the copy over the peer link was followed already
 * @is_handed: receive left it to the bridge to be carried to the peer (R22, R23, R25)
 * @from_peer_link: it arrived there
 * @quiet: of a flood: what happens at each port is in the copies, not in steps
 */
struct walk {
	const struct explain_scene *scene;
	struct explain_trace *trace;
	bool peer_reached;
	bool is_handed;
	bool from_peer_link;
	bool quiet;
};

/**
 * struct walk_frame - a frame between a way in and a way out of a bridge
 * @ingress: the port it was bridged in from, NULL for a routed one
 * @ingress_ifindex: that port, or the device a routed packet came in by
 * @vlan: in the bridge, 0 on a plain one
 * @destination, @source: MACs
 * @bytes, @size: with these MACs, without a tag
 * @ip: the packet, family 0 for none
 */
struct walk_frame {
	const struct explain_port *ingress;
	uint32_t ingress_ifindex;
	uint16_t vlan;
	struct mlag_mac destination;
	struct mlag_mac source;
	uint8_t bytes[EXPLAIN_FRAME_MAX];
	uint32_t size;
	struct explain_ip ip;
};

/* Where and why, for walk_note(). */
struct walk_place {
	enum explain_member member;
	enum explain_stage stage;
	const char *ifname;
	const char *rule;
	enum mlag_reason reason;
};

/** walk_note() - add a step; NULL is returned when there is no room */
struct explain_step *walk_note(struct walk *walk, struct walk_place place, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/** walk_copy() - add a copy; the caller fills in more.  NULL when there is no room */
struct explain_copy *walk_copy(struct walk *walk, enum explain_member member,
			       enum explain_fate fate, const char *ifname);

/** walk_say() - set the text of a copy, which may be NULL */
void walk_say(struct explain_copy *copy, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/** walk_blame() - say which decision made an end of a copy, which may be NULL */
void walk_blame(struct explain_copy *copy, enum mlag_reason reason);

/** walk_verdict() - what becomes of the whole frame; the first word counts */
void walk_verdict(struct walk *walk, enum explain_verdict verdict);

/** walk_mac_text(), walk_ip_text() - for people; the result is @buf */
#define WALK_MAC_SIZE 18
#define WALK_IP_SIZE 46
const char *walk_mac_text(const struct mlag_mac *mac, char buf[WALK_MAC_SIZE]);
const char *walk_ip_text(uint8_t family, const uint8_t *address, char buf[WALK_IP_SIZE]);

/** walk_is_group() - the destination has the group bit */
static inline bool walk_is_group(const struct walk_frame *frame)
{
	return mlag_mac_is_group(frame->destination.octets);
}

/** walk_has_program() - the programs run at a port, and know it */
bool walk_has_program(const struct walk *walk, const struct explain_port *port);

/** walk_forward() - what the bridge does with a frame that it has taken */
void walk_forward(struct walk *walk, const struct walk_frame *frame);

/** walk_over_peer_link() - a frame leaves by the peer link, past the bridge */
void walk_over_peer_link(struct walk *walk, const struct walk_frame *frame);

/** walk_stack() - this machine takes a frame: for itself, or to route it */
void walk_stack(struct walk *walk, const struct walk_frame *frame);

/** walk_compare() - note what a program decided beside forward.h; @step may be NULL */
void walk_compare(struct walk *walk, struct explain_step *step, bool ran,
		  const struct mlag_decision *program, const struct mlag_decision *decision);

/** walk_peer() - follow what left by the peer link, as far as the other end is known here */
void walk_peer(struct walk *walk, const struct walk_frame *frame);

#endif
