/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Taking legs out of service and giving them back exactly as they were found.
 *
 * A bond cannot be told proto_down, so the devices that carry a leg are set administratively down:
 * the slaves of a bond, or the port itself.  The partner of an 802.3ad bond is told first, by LACP: with
 * another system priority we are another system, and it moves its traffic to the other member before
 * the link goes.  What was changed is written down before it is changed, so that whatever ends the
 * daemon, the next one gives back what was taken and nothing else.
 *
 * mlagd and mlag-guard both do it so, each with notes of its own: what one has taken the other never gives
 * back.  The guard tells partners nothing first (docs/decisions/0023).
 */
#ifndef MLAG_COMMON_HOLDER_H
#define MLAG_COMMON_HOLDER_H

#include <stdbool.h>
#include <stdint.h>

#define HOLDER_DEVICES_MAX 64		   /* of one leg */
#define HOLDER_LEGS_MAX 1024		   /* that records may be about */
#define HOLDER_TELL_NS UINT64_C(200000000) /* an LACPDU leaves within 100 ms */

struct holder;

/**
 * struct holder_record - what was changed, and is to be given back
 * @leg_ifindex: of the leg
 * @ifindex: of a device that was set down; 0: the leg's system priority was changed
 * @priority: which it was
 */
struct holder_record {
	uint32_t leg_ifindex;
	uint32_t ifindex;
	uint16_t priority;
};

/**
 * struct holder_ops - what it asks of the kernel
 *
 * Each returns 0 or -errno; -ENODEV is no failure.  @error_text says why the last one failed.  @save
 * keeps all records where they outlive the process.  Without LACP legs the priorities are never asked.
 */
struct holder_ops {
	int (*set_up)(void *user, uint32_t ifindex, bool up);
	int (*get_priority)(void *user, uint32_t ifindex, uint16_t *ret_priority);
	int (*set_priority)(void *user, uint32_t ifindex, uint16_t priority);
	const char *(*error_text)(void *user);
	int (*save)(void *user, const struct holder_record *records, uint32_t count);
};

/**
 * struct holder_device - a device that carries a leg
 * @is_up: administratively, as the kernel says now
 */
struct holder_device {
	uint32_t ifindex;
	bool is_up;
};

/**
 * struct holder_leg - a leg, and what is wanted of it
 * @ifindex: the port of the bridge
 * @ifname: for the log
 * @lacp: a bond in 802.3ad mode
 * @hold: it is to be out of service
 * @devices_count, @devices: its slaves, or itself
 */
struct holder_leg {
	uint32_t ifindex;
	const char *ifname;
	bool lacp;
	bool hold;
	uint32_t devices_count;
	struct holder_device devices[HOLDER_DEVICES_MAX];
};

/**
 * holder_open() - nothing is held
 * @ret: the new object
 * @records_max: how much may be held at a time; all memory is taken now
 * @ops, @user: borrowed
 *
 * Return: 0 or -ENOMEM.
 */
int holder_open(struct holder **ret, uint32_t records_max, const struct holder_ops *ops,
		void *user);

/** holder_found() - what an earlier process saved; false for what makes no sense, or has no room */
bool holder_found(struct holder *holder, const struct holder_record *record);

/** holder_close() - free; what is held stays so.  NULL is fine */
void holder_close(struct holder *holder);

/**
 * holder_apply() - make a leg what is wanted
 * @leg: borrowed; to be called again whenever something of it has changed
 * @now_ns: the time
 *
 * A device that somebody had set down stays down, also afterwards.  One that comes to a leg that is
 * held, or that somebody sets up there, is held too.
 *
 * Return: when it wants to be called again for the leg, 0 for never.
 */
uint64_t holder_apply(struct holder *holder, const struct holder_leg *leg, uint64_t now_ns);

/**
 * holder_drop() - a leg is no longer ours: what is down of it stays so, also for the next daemon, and its
 * system priority is what it was
 */
void holder_drop(struct holder *holder, uint32_t leg_ifindex, const char *ifname);

/** holder_is_held() - a device of this leg is recorded */
bool holder_is_held(const struct holder *holder, uint32_t leg_ifindex);

/** holder_next_leg() - legs of which something is recorded; @cursor starts at 0.  0 at the end */
uint32_t holder_next_leg(const struct holder *holder, uint32_t *cursor);

#endif
