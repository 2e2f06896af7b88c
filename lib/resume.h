/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a daemon leaves behind beside legs, MACs and addresses, so that the next one can go on where
 * it ended (DESIGN §2, restart): the role, the verdict, who the peer was, and when it was last alive
 * itself.  The embedder keeps it with the data plane, renewed about once a second, and hands it to
 * the engine of the next start:
 *
 *   MLAG_EVENT_RESUME, first of all
 *   MLAG_EVENT_RESUME_MAC, MLAG_EVENT_RESUME_ADDRESS: rows of the data plane, in any order
 *   MLAG_EVENT_LEG_CONFIGURE, then MLAG_EVENT_RESUME_LEG for what the data plane holds
 *   observations: peer link, legs, own addresses, a dump of the FDB, in any order
 *   MLAG_EVENT_RESUMED
 *
 * Before the last of these nothing is to be pulled: the engine decides nothing until it has seen all.
 */
#ifndef MLAG_RESUME_H
#define MLAG_RESUME_H

#include "liveness.h"
#include "mlag.h"

#define MLAG_RESUME_SIZE_MAX 432 /* bytes that mlag_resume_write() may need */

/**
 * struct mlag_resume - the state of the pair as a whole
 * @system_mac, @domain_id, @bridge_ifindex: what it is about
 * @written_ns: when it was written down; the embedder's to fill
 * @birth_ns, @verdict_since_ns: as in the engine, on the same clock
 * @role, @role_epoch, @verdict: of this member
 * @session_up: a session stood
 * @peer_known: the fields about the peer were filled by a HELLO
 * @peer_left: its last word was goodbye
 * @peer_legs_known: a whole snapshot of its legs was heard
 * @lift_allowed: R2: the peer's word may lift R1
 * @addresses_known: R21: the peer's addresses are complete
 * @peer_boot_id, @peer_protocol, @peer_version: by its last HELLO
 * @peer_rank_known: the rank (member id, role epoch, priority) is the word of @peer_rank_boot_id
 * @peer_hold_ns: its restart-hold
 * @rejoin_wait_ns: how long the peer link has to be stable before legs that gave way return
 * @liveness: what was heard of it, and when; own_boot_id and what follows from the configuration are
 *	not looked at
 */
struct mlag_resume {
	struct mlag_mac system_mac;
	uint16_t domain_id;
	uint32_t bridge_ifindex;
	uint64_t written_ns;
	uint64_t birth_ns;
	uint64_t verdict_since_ns;
	enum mlag_role role;
	uint32_t role_epoch;
	enum mlag_verdict verdict;
	bool session_up;
	bool peer_known;
	bool peer_left;
	bool peer_legs_known;
	bool lift_allowed;
	bool addresses_known;
	bool peer_rank_known;
	struct mlag_mac peer_member_id;
	uint64_t peer_boot_id;
	uint64_t peer_rank_boot_id;
	uint32_t peer_role_epoch;
	uint16_t peer_priority;
	uint16_t peer_protocol;
	uint64_t peer_hold_ns;
	uint64_t rejoin_wait_ns;
	char peer_version[MLAG_TEXT_MAX];
	struct liveness liveness;
};

/** mlag_resume_differs() - something is new beside when the peer was last heard */
bool mlag_resume_differs(const struct mlag_resume *a, const struct mlag_resume *b);

/** mlag_get_resume() - what is to be written down now; @ret_resume.written_ns is left 0 */
void mlag_get_resume(const struct mlag_engine *engine, struct mlag_resume *ret_resume);

/**
 * mlag_resume_write() - to bytes
 * @ret_data: room for MLAG_RESUME_SIZE_MAX
 *
 * Return: how many bytes were written.
 */
uint32_t mlag_resume_write(const struct mlag_resume *resume, uint8_t *ret_data);

/**
 * mlag_resume_read() - from bytes that anybody may have written
 * @data, @size: exactly what mlag_resume_write() wrote
 *
 * Return: false when they are not that: cut off, of another version, damaged, or impossible.
 */
bool mlag_resume_read(const uint8_t *data, uint32_t size, struct mlag_resume *ret_resume);

/**
 * mlag_resume_refuse() - why this cannot be resumed
 * @resume: as read
 * @config: of this start
 * @bridge_ifindex: the bridge of this start, 0 for none
 * @now_ns: the time
 *
 * Return: a constant text, or NULL when it can.
 */
const char *mlag_resume_refuse(const struct mlag_resume *resume, const struct mlag_config *config,
			       uint32_t bridge_ifindex, uint64_t now_ns);

#endif
