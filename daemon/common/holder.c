// SPDX-License-Identifier: BSD-2-Clause
/*
 * Taking legs out of service (see holder.h).  Who calls it says what is wanted, asks the kernel, and keeps
 * what has to be remembered; what that is, and the order, is decided here.
 */
#include "common/holder.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"

/* A leg whose partner is being told. */
struct holder_told {
	uint32_t leg_ifindex;
	uint64_t down_ns;
};

struct holder {
	const struct holder_ops *ops;
	void *user;
	int save_error;
	uint32_t told_count;
	struct holder_told told[HOLDER_LEGS_MAX];
	uint32_t records_count;
	uint32_t records_max;
	struct holder_record records[];
};

/* ---- records ------------------------------------------------------------------------------- */

static struct holder_record *find_record(struct holder *holder, uint32_t leg_ifindex,
					 uint32_t ifindex)
{
	for (uint32_t i = 0; i < holder->records_count; i++) {
		if (holder->records[i].leg_ifindex == leg_ifindex &&
		    holder->records[i].ifindex == ifindex) {
			return &holder->records[i];
		}
	}
	return NULL;
}

static bool add_record(struct holder *holder, uint32_t leg_ifindex, uint32_t ifindex,
		       uint16_t priority)
{
	struct holder_record record = {leg_ifindex, ifindex, priority};

	if (find_record(holder, leg_ifindex, ifindex) != NULL) {
		return true;
	}
	if (holder->records_count == holder->records_max) {
		return false;
	}
	holder->records[holder->records_count++] = record;
	return true;
}

static void remove_record(struct holder *holder, struct holder_record *record)
{
	*record = holder->records[--holder->records_count];
}

bool holder_found(struct holder *holder, const struct holder_record *record)
{
	/* No leg has the number 0: whoever walks the records would take it for their end. */
	if (record->leg_ifindex == 0 || (record->ifindex == 0 && record->priority == 0)) {
		return false;
	}
	return add_record(holder, record->leg_ifindex, record->ifindex, record->priority);
}

/* What is not written down is not done: nobody would know what to give back. */
static bool save(struct holder *holder)
{
	int error = holder->ops->save(holder->user, holder->records, holder->records_count);

	if (error < 0 && error != holder->save_error) {
		log_error("what is taken out of service cannot be written down: %s; no leg is",
			  strerror(-error));
	}
	holder->save_error = error;
	return error == 0;
}

/* ---- telling the partner ------------------------------------------------------------------- */

static struct holder_told *find_told(struct holder *holder, uint32_t leg_ifindex)
{
	for (uint32_t i = 0; i < holder->told_count; i++) {
		if (holder->told[i].leg_ifindex == leg_ifindex) {
			return &holder->told[i];
		}
	}
	return NULL;
}

static void forget_told(struct holder *holder, uint32_t leg_ifindex)
{
	struct holder_told *told = find_told(holder, leg_ifindex);

	if (told != NULL) {
		*told = holder->told[--holder->told_count];
	}
}

/* False: there is nothing to tell, or no way to. */
static bool tell(struct holder *holder, const struct holder_leg *leg, uint64_t now_ns)
{
	uint16_t priority;

	if (!leg->lacp || holder->told_count == HOLDER_LEGS_MAX ||
	    holder->ops->get_priority(holder->user, leg->ifindex, &priority) < 0 ||
	    !add_record(holder, leg->ifindex, 0, priority)) {
		return false;
	}
	if (!save(holder) ||
	    holder->ops->set_priority(holder->user, leg->ifindex,
				      priority > 1 ? (uint16_t)(priority - 1) : 2) < 0) {
		log_warning("leg %s: its partner cannot be told: %s", leg->ifname,
			    holder->ops->error_text(holder->user));
		remove_record(holder, find_record(holder, leg->ifindex, 0));
		return false;
	}
	holder->told[holder->told_count].leg_ifindex = leg->ifindex;
	holder->told[holder->told_count++].down_ns = now_ns + HOLDER_TELL_NS;
	return true;
}

/* Nobody hears it while the links are down; what comes up says what we are. */
static bool give_priority_back(struct holder *holder, const struct holder_leg *leg)
{
	struct holder_record *record = find_record(holder, leg->ifindex, 0);
	int error;

	if (record == NULL) {
		return true;
	}
	error = holder->ops->set_priority(holder->user, leg->ifindex, record->priority);
	if (error < 0 && error != -ENODEV && error != -EINVAL) {
		log_warning("leg %s: %s; trying on", leg->ifname,
			    holder->ops->error_text(holder->user));
		return false;
	}
	remove_record(holder, record);
	return true;
}

/* ---- devices ------------------------------------------------------------------------------- */

static uint32_t up_count(const struct holder_leg *leg)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < leg->devices_count; i++) {
		count += leg->devices[i].is_up;
	}
	return count;
}

/* False when something is still to be done. */
static bool set_down(struct holder *holder, const struct holder_leg *leg)
{
	uint32_t records_count = holder->records_count;
	bool done = true;

	for (uint32_t i = 0; done && i < leg->devices_count; i++) {
		done = !leg->devices[i].is_up ||
		       add_record(holder, leg->ifindex, leg->devices[i].ifindex, 0);
	}
	if (!done || !save(holder)) {
		/* What is not done needs no giving back: somebody else may set it down meanwhile. */
		holder->records_count = records_count;
		return false;
	}
	for (uint32_t i = 0; i < leg->devices_count; i++) {
		int error;

		if (!leg->devices[i].is_up) {
			continue;
		}
		error = holder->ops->set_up(holder->user, leg->devices[i].ifindex, false);
		if (error < 0 && error != -ENODEV) {
			log_warning("leg %s cannot be held: %s; trying on", leg->ifname,
				    holder->ops->error_text(holder->user));
			done = false;
		}
	}
	return done;
}

static bool is_device_of(const struct holder_leg *leg, uint32_t ifindex)
{
	for (uint32_t i = 0; i < leg->devices_count; i++) {
		if (leg->devices[i].ifindex == ifindex) {
			return true;
		}
	}
	return false;
}

/* What somebody took from the leg meanwhile is his: only what is still there is set up. */
static bool set_up(struct holder *holder, const struct holder_leg *leg)
{
	bool done = true;
	uint32_t i = 0;

	while (i < holder->records_count) {
		struct holder_record *record = &holder->records[i];
		int error = 0;

		if (record->leg_ifindex != leg->ifindex || record->ifindex == 0) {
			i++;
			continue;
		}
		if (is_device_of(leg, record->ifindex)) {
			error = holder->ops->set_up(holder->user, record->ifindex, true);
		}
		if (error < 0 && error != -ENODEV) {
			log_warning("leg %s cannot be given back: %s; trying on", leg->ifname,
				    holder->ops->error_text(holder->user));
			done = false;
			i++;
			continue;
		}
		remove_record(holder, record);
	}
	return done;
}

#define HOLDER_RETRY_NS UINT64_C(1000000000)

static uint64_t hold(struct holder *holder, const struct holder_leg *leg, uint64_t now_ns)
{
	struct holder_told *told = find_told(holder, leg->ifindex);

	if (up_count(leg) > 0) {
		/* One that comes to a leg that is held already has no partner yet. */
		if (told == NULL && !holder_is_held(holder, leg->ifindex) &&
		    tell(holder, leg, now_ns)) {
			return now_ns + HOLDER_TELL_NS;
		}
		if (told != NULL && now_ns < told->down_ns) {
			return told->down_ns;
		}
		if (!set_down(holder, leg)) {
			return now_ns + HOLDER_RETRY_NS;
		}
		log_info("leg %s: out of service", leg->ifname);
	}
	forget_told(holder, leg->ifindex);
	if (find_record(holder, leg->ifindex, 0) == NULL) {
		return 0;
	}
	return give_priority_back(holder, leg) && save(holder) ? 0 : now_ns + HOLDER_RETRY_NS;
}

static uint64_t give_back(struct holder *holder, const struct holder_leg *leg, uint64_t now_ns)
{
	bool done = true;

	if (find_told(holder, leg->ifindex) != NULL) {
		/* Its partner may have left: it starts over. */
		(void)set_down(holder, leg);
		forget_told(holder, leg->ifindex);
	}
	if (find_record(holder, leg->ifindex, 0) == NULL && !holder_is_held(holder, leg->ifindex)) {
		return 0;
	}
	done = give_priority_back(holder, leg);
	done = set_up(holder, leg) && done;
	log_info("leg %s: in service again", leg->ifname);
	return save(holder) && done ? 0 : now_ns + HOLDER_RETRY_NS;
}

uint64_t holder_apply(struct holder *holder, const struct holder_leg *leg, uint64_t now_ns)
{
	return leg->hold ? hold(holder, leg, now_ns) : give_back(holder, leg, now_ns);
}

void holder_drop(struct holder *holder, uint32_t leg_ifindex, const char *ifname)
{
	const struct holder_leg leg = {.ifindex = leg_ifindex, .ifname = ifname};
	uint32_t i = 0;

	forget_told(holder, leg_ifindex);
	(void)give_priority_back(holder, &leg);
	while (i < holder->records_count) {
		if (holder->records[i].leg_ifindex == leg_ifindex) {
			remove_record(holder, &holder->records[i]);
		} else {
			i++;
		}
	}
	(void)save(holder);
}

bool holder_is_held(const struct holder *holder, uint32_t leg_ifindex)
{
	for (uint32_t i = 0; i < holder->records_count; i++) {
		if (holder->records[i].leg_ifindex == leg_ifindex &&
		    holder->records[i].ifindex != 0) {
			return true;
		}
	}
	return false;
}

uint32_t holder_next_leg(const struct holder *holder, uint32_t *cursor)
{
	return *cursor < holder->records_count ? holder->records[(*cursor)++].leg_ifindex : 0;
}

/* ---- life and death ------------------------------------------------------------------------ */

int holder_open(struct holder **ret, uint32_t records_max, const struct holder_ops *ops, void *user)
{
	struct holder *holder = calloc(1, sizeof(*holder) + records_max * sizeof(*holder->records));

	if (holder == NULL) {
		return -ENOMEM;
	}
	holder->ops = ops;
	holder->user = user;
	holder->records_max = records_max;
	*ret = holder;
	return 0;
}

void holder_close(struct holder *holder)
{
	free(holder);
}
