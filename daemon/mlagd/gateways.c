// SPDX-License-Identifier: BSD-2-Clause
/*
 * Shared gateways (see gateways.h).  kernel/gatewayplan.c says what is to be done next; here it is
 * done, whenever links or addresses changed, and tried again every second while something fails.
 *
 * Nothing is remembered across a restart: a device is recognised by its alias, its addresses by
 * their protocol number, and what a person added to it is none of our business.
 */
#include "gateways.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/announce.h"
#include "kernel/gatewaylink.h"
#include "kernel/knobs.h"
#include "log.h"
#include "svis.h"

#define NS_PER_US 1000
#define SECOND_NS UINT64_C(1000000000)
#define SYNC_INTERVAL_NS (20 * UINT64_C(1000000)) /* links change in crowds */
#define RETRY_NS SECOND_NS
#define CHECK_NS (10 * SECOND_NS) /* somebody may have changed a setting */
#define TIMER_ACCURACY_US 1000
#define STEPS_MAX 64 /* for one gateway in one go */
#define PATH_SIZE 96
#define ANNOUNCE_NS (30 * SECOND_NS)
#define ANNOUNCE_FIRST_COUNT 3 /* at once and in the two seconds after */
/* The first wait is shorter, for each gateway by more, so that they do not go on all at once. */
#define ANNOUNCE_SPREAD_NS (SECOND_NS / 5)
#define ANNOUNCE_SPREAD_MAX 64

/**
 * struct gateways_item - one [gateway] section
 * @active: as gatewayplan_judge() last said
 * @error, @error_text: of the step that failed last, 0 for none
 * @announced_ns: when it was announced last, 0 for never with this MAC
 * @announce_ns: when it is announced next
 * @announce_count: how often still in the short interval
 */
struct gateways_item {
	struct gatewayplan_wanted wanted;
	struct gatewayplan_seen seen;
	bool active;
	int error;
	char error_text[GATEWAYPLAN_REASON_SIZE];
	uint64_t announced_ns;
	uint64_t announce_ns;
	uint32_t announce_count;
};

struct gateways {
	struct gatewaylink *link;
	struct announce *announce;
	sd_event_source *sync_source;
	sd_event_source *announce_source;
	uint64_t synced_ns;
	char alias[LINKMSG_ALIAS_SIZE];
	uint32_t count;
	struct gateways_item *items;
};

/* ---- timers -------------------------------------------------------------------------------- */

static void arm(sd_event_source *source, uint64_t time_ns)
{
	(void)sd_event_source_set_time(source, time_ns / NS_PER_US);
	(void)sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
}

/* ---- announcements ------------------------------------------------------------------------- */

static void announce_item(struct gateways *gateways, const struct gateways_item *item)
{
	const struct gatewayplan_wanted *wanted = &item->wanted;

	for (uint32_t i = 0; i < wanted->addresses_count; i++) {
		int r = announce_send(gateways->announce, item->seen.device.ifindex,
				      wanted->addresses[i].family, wanted->addresses[i].octets,
				      &wanted->mac);

		if (r < 0) {
			log_debug("%s: not announced: %s", wanted->device, strerror(-r));
		}
	}
}

static void arm_announce(struct gateways *gateways)
{
	uint64_t next_ns = UINT64_MAX;

	for (uint32_t i = 0; i < gateways->count; i++) {
		if (gateways->items[i].active && gateways->items[i].announce_ns < next_ns) {
			next_ns = gateways->items[i].announce_ns;
		}
	}
	if (next_ns != UINT64_MAX) {
		arm(gateways->announce_source, next_ns);
	}
}

/* The second and third announcement soon after the first, then one every 30 seconds. */
static void set_next_announcement(struct gateways_item *item, uint32_t place, uint64_t now_ns)
{
	uint64_t wait_ns = ANNOUNCE_NS;

	item->announced_ns = now_ns;
	if (item->announce_count > 0) {
		item->announce_count--;
		wait_ns = item->announce_count > 0
				  ? SECOND_NS
				  : ANNOUNCE_NS - place % ANNOUNCE_SPREAD_MAX * ANNOUNCE_SPREAD_NS;
	}
	item->announce_ns = now_ns + wait_ns;
}

static int on_announce(sd_event_source *source, uint64_t usec, void *user)
{
	struct daemon *daemon = user;
	struct gateways *gateways = daemon->gateways;
	uint64_t now_ns = daemon_now_ns();

	(void)source;
	(void)usec;
	for (uint32_t i = 0; i < gateways->count; i++) {
		struct gateways_item *item = &gateways->items[i];

		if (!item->active || item->announce_ns > now_ns) {
			continue;
		}
		announce_item(gateways, item);
		set_next_announcement(item, i, now_ns);
	}
	arm_announce(gateways);
	return 0;
}

static void announce_soon(struct gateways_item *item, uint32_t count)
{
	item->announce_ns = daemon_now_ns();
	item->announce_count = count;
	/* However often a leg comes and goes. */
	if (item->announced_ns != 0 && item->announce_ns < item->announced_ns + SECOND_NS) {
		item->announce_ns = item->announced_ns + SECOND_NS;
	}
}

void gateways_announce(struct daemon *daemon)
{
	struct gateways *gateways = daemon->gateways;

	if (gateways == NULL) {
		return;
	}
	for (uint32_t i = 0; i < gateways->count; i++) {
		if (gateways->items[i].active && gateways->items[i].announce_count == 0) {
			announce_soon(&gateways->items[i], 1);
		}
	}
	arm_announce(gateways);
}

/* ---- steps --------------------------------------------------------------------------------- */

static int set_knob(const struct gatewayplan_wanted *wanted, const char *family, const char *name,
		    int value)
{
	char path[PATH_SIZE];

	(void)snprintf(path, sizeof(path), "%s/conf/%s/%s", family, wanted->device, name);
	return knobs_write(path, value);
}

/* The route back to a host is by the SVI, so strict rp_filter would drop all it sends here. */
static void loosen_rp_filter(const struct gatewayplan_wanted *wanted)
{
	char path[PATH_SIZE];

	(void)snprintf(path, sizeof(path), "ipv4/conf/%s/rp_filter", wanted->device);
	if (knobs_read(path) == 1 || knobs_read("ipv4/conf/all/rp_filter") == 1) {
		(void)knobs_write(path, 2);
	}
}

/*
 * The settings of a new device; whoever changes one later has his reasons.  The SVI has addresses of
 * the same network: each of the two answers and asks for its own addresses only.
 */
static int set_up_device(struct gateways *gateways, struct gateways_item *item)
{
	static const struct {
		const char *family;
		const char *name;
		int value;
	} settings[] = {
		{"ipv4", "arp_ignore", 1},	  {"ipv4", "arp_announce", 2},
		{"ipv4", "send_redirects", 0},	  {"ipv4", "promote_secondaries", 1},
		{"ipv6", "accept_ra", 0},	  {"ipv6", "autoconf", 0},
		{"ipv6", "keep_addr_on_down", 1},
	};
	int r = gatewaylink_set_no_link_local(gateways->link, item->seen.device.ifindex);

	if (r < 0) {
		return r;
	}
	for (size_t i = 0; i < sizeof(settings) / sizeof(settings[0]); i++) {
		r = set_knob(&item->wanted, settings[i].family, settings[i].name,
			     settings[i].value);
		/* A kernel without IPv6 has none of its settings. */
		if (r < 0 && r != -ENOENT) {
			log_warning("%s: %s cannot be set: %s", item->wanted.device,
				    settings[i].name, strerror(-r));
		}
	}
	loosen_rp_filter(&item->wanted);
	r = gatewaylink_set_alias(gateways->link, item->seen.device.ifindex, gateways->alias);
	item->seen.device.marked = r == 0;
	return r;
}

static int create_device(struct gateways *gateways, struct gateways_item *item)
{
	struct gatewayplan_seen *seen = &item->seen;
	uint32_t ifindex;
	int r = gatewaylink_create(gateways->link, &item->wanted, seen->svi.ifindex, &ifindex);

	if (r < 0) {
		return r;
	}
	memset(&seen->device, 0, sizeof(seen->device));
	seen->device.present = true;
	seen->device.ours = true;
	seen->device.ifindex = ifindex;
	seen->device.lower = seen->svi.ifindex;
	seen->device.mac = item->wanted.mac;
	seen->there = 0;
	seen->stale_count = 0;
	return 0;
}

static int delete_device(struct gateways *gateways, struct gateways_item *item)
{
	int r = gatewaylink_delete(gateways->link, item->seen.device.ifindex);

	if (r == 0) {
		memset(&item->seen.device, 0, sizeof(item->seen.device));
		item->seen.there = 0;
		item->seen.stale_count = 0;
	}
	return r;
}

static void let_go(struct daemon *daemon, struct gatewayplan_hold *hold)
{
	(void)fdb_hold_local(daemon->fdb, hold->vlan, &hold->mac, false);
	memset(hold, 0, sizeof(*hold));
}

static int hold_entry(struct daemon *daemon, struct gateways_item *item)
{
	struct gatewayplan_seen *seen = &item->seen;
	struct gatewayplan_hold hold = {true, seen->svi.vlan, item->wanted.mac};
	int r = fdb_hold_local(daemon->fdb, hold.vlan, &hold.mac, true);

	if (r < 0) {
		(void)fdb_hold_local(daemon->fdb, hold.vlan, &hold.mac, false);
		return r;
	}
	if (seen->old_hold.present) {
		let_go(daemon, &seen->old_hold);
	}
	seen->old_hold = seen->hold;
	seen->hold = hold;
	return 0;
}

static int add_address(struct gateways *gateways, struct gateways_item *item, uint32_t index)
{
	const struct gatewayplan_address *address = &item->wanted.addresses[index];
	int r;

	if (address->family == 6) {
		/* New devices may come without IPv6, by conf/default. */
		(void)set_knob(&item->wanted, "ipv6", "disable_ipv6", 0);
	}
	r = gatewaylink_add_address(gateways->link, item->seen.device.ifindex, address);
	if (r == 0) {
		item->seen.there |= UINT32_C(1) << index;
	}
	return r;
}

static int remove_address(struct gateways *gateways, struct gateways_item *item, uint32_t index)
{
	struct gatewayplan_seen *seen = &item->seen;
	int r = gatewaylink_remove_address(gateways->link, seen->device.ifindex,
					   &seen->stale[index]);

	if (r == 0) {
		seen->stale[index] = seen->stale[--seen->stale_count];
	}
	return r;
}

static int set_up(struct gateways *gateways, struct gateways_item *item, bool up)
{
	int r = gatewaylink_set_up(gateways->link, item->seen.device.ifindex, up);

	if (r == 0) {
		item->seen.device.up = up;
	}
	return r;
}

static int set_mac(struct gateways *gateways, struct gateways_item *item)
{
	int r = gatewaylink_set_mac(gateways->link, item->seen.device.ifindex, &item->wanted.mac);

	if (r == 0) {
		item->seen.device.mac = item->wanted.mac;
		item->active = false; /* to be announced afresh */
		item->announced_ns = 0;
	}
	return r;
}

static int enslave(struct gateways *gateways, struct gateways_item *item)
{
	uint32_t vrf = item->seen.svi.vrf_ifindex;
	int r = gatewaylink_set_master(gateways->link, item->seen.device.ifindex, vrf);

	if (r == 0) {
		item->seen.device.master = vrf;
	}
	return r;
}

/* 0, or -errno with the words in @item. */
static int do_step(struct daemon *daemon, struct gateways_item *item,
		   const struct gatewayplan_step *step)
{
	struct gateways *gateways = daemon->gateways;
	const char *words = NULL;
	int r = 0;

	switch (step->verb) {
	case GATEWAYPLAN_NONE:
		break;
	case GATEWAYPLAN_DELETE:
		r = delete_device(gateways, item);
		break;
	case GATEWAYPLAN_CREATE:
		r = create_device(gateways, item);
		break;
	case GATEWAYPLAN_MARK:
		r = set_up_device(gateways, item);
		break;
	case GATEWAYPLAN_ENSLAVE:
		r = enslave(gateways, item);
		break;
	case GATEWAYPLAN_HOLD:
		r = hold_entry(daemon, item);
		words = "the bridge refuses its local FDB entry";
		break;
	case GATEWAYPLAN_SET_MAC:
		r = set_mac(gateways, item);
		break;
	case GATEWAYPLAN_LET_OLD:
		let_go(daemon, &item->seen.old_hold);
		break;
	case GATEWAYPLAN_ADD:
		r = add_address(gateways, item, step->index);
		break;
	case GATEWAYPLAN_REMOVE:
		r = remove_address(gateways, item, step->index);
		break;
	case GATEWAYPLAN_SET_UP:
		r = set_up(gateways, item, true);
		break;
	case GATEWAYPLAN_SET_DOWN:
		r = set_up(gateways, item, false);
		break;
	case GATEWAYPLAN_LET:
		let_go(daemon, &item->seen.hold);
		break;
	}
	if (r < 0) {
		(void)snprintf(item->error_text, sizeof(item->error_text), "%s: %.200s",
			       item->wanted.device,
			       words != NULL ? words : gatewaylink_error(gateways->link));
	}
	return r;
}

/* ---- all of them --------------------------------------------------------------------------- */

static void note_error(struct gateways_item *item, int error)
{
	if (error != 0 && error != item->error && error != -EEXIST) {
		log_warning("gateway %s: %s; trying again", item->wanted.svi, item->error_text);
	}
	item->error = error;
}

static void note_state(struct gateways_item *item)
{
	char reason[GATEWAYPLAN_REASON_SIZE];
	enum gatewayplan_state state = gatewayplan_judge(&item->wanted, &item->seen, reason);
	bool active = item->seen.device.present && item->seen.device.ours && item->seen.device.up &&
		      item->seen.svi.running && item->error == 0;

	if (active && !item->active) {
		log_notice("gateway %s: %s answers", item->wanted.svi, item->wanted.device);
		announce_soon(item, ANNOUNCE_FIRST_COUNT);
	} else if (!active && item->active) {
		log_notice("gateway %s: %s does not answer now: %s", item->wanted.svi,
			   item->wanted.device,
			   state != GATEWAYPLAN_STATE_ACTIVE ? reason : item->error_text);
	}
	item->active = active;
}

static void advance(struct daemon *daemon, uint32_t place)
{
	struct gateways_item *item = &daemon->gateways->items[place];
	struct gatewayplan_step step;
	int r = 0;

	gatewayplan_look(addresses_state(daemon->addresses), &item->wanted, &item->seen);
	for (uint32_t i = 0; i < STEPS_MAX && r == 0; i++) {
		gatewayplan_next(&item->wanted, &item->seen, &step);
		if (step.verb == GATEWAYPLAN_NONE) {
			break;
		}
		r = do_step(daemon, item, &step);
	}
	note_error(item, r);
	note_state(item);
}

static bool is_wanted(const struct gateways *gateways, const char *device)
{
	for (uint32_t i = 0; i < gateways->count; i++) {
		if (strcmp(gateways->items[i].wanted.device, device) == 0) {
			return true;
		}
	}
	return false;
}

/* What an earlier daemon has left: the device, then its FDB entry, which nobody here has wanted. */
static void delete_stray(struct daemon *daemon, const struct addressstate_link *link)
{
	const struct addressstate *state = addresses_state(daemon->addresses);
	bool delivers;
	uint16_t vlan;

	log_notice("%s: a shared gateway that is not configured any more: deleted", link->ifname);
	if (gatewaylink_delete(daemon->gateways->link, link->ifindex) < 0) {
		log_warning("%s: %s", link->ifname, gatewaylink_error(daemon->gateways->link));
	} else if (addressstate_role(state, link, &vlan, &delivers) != ADDRESSSTATE_ROLE_NONE) {
		(void)fdb_hold_local(daemon->fdb, vlan, &link->mac, false);
	}
}

static void delete_strays(struct daemon *daemon)
{
	struct gateways *gateways = daemon->gateways;
	const struct addressstate_link *link;
	uint32_t cursor = 0;

	while ((link = gatewayplan_stray(addresses_state(daemon->addresses), gateways->alias,
					 &cursor)) != NULL) {
		if (!is_wanted(gateways, link->ifname)) {
			delete_stray(daemon, link);
		}
	}
}

static int on_sync(sd_event_source *source, uint64_t usec, void *user)
{
	struct daemon *daemon = user;
	struct gateways *gateways = daemon->gateways;
	bool failed;

	(void)source;
	(void)usec;
	gateways->synced_ns = daemon_now_ns();
	if (!addresses_is_clean(daemon->addresses)) {
		/* An SVI that was not read is no reason to take its gateway down. */
		arm(gateways->sync_source, gateways->synced_ns + RETRY_NS);
		return 0;
	}
	delete_strays(daemon);
	for (uint32_t i = 0; i < gateways->count; i++) {
		advance(daemon, i);
	}
	failed = svis_sync(daemon) < 0;
	for (uint32_t i = 0; i < gateways->count; i++) {
		failed = failed || gateways->items[i].error != 0;
	}
	arm_announce(gateways);
	arm(gateways->sync_source, gateways->synced_ns + (failed ? RETRY_NS : CHECK_NS));
	return 0;
}

void gateways_want(struct daemon *daemon)
{
	struct gateways *gateways = daemon->gateways;

	if (gateways != NULL) {
		arm(gateways->sync_source, gateways->synced_ns + SYNC_INTERVAL_NS);
	}
}

/* ---- configuration ------------------------------------------------------------------------- */

static void want_of(const struct config_gateway *section, const char *alias,
		    struct gatewayplan_wanted *ret)
{
	memset(ret, 0, sizeof(*ret));
	memcpy(ret->svi, section->ifname, sizeof(ret->svi));
	gatewayplan_name(section->ifname, ret->device);
	memcpy(ret->alias, alias, sizeof(ret->alias));
	ret->mac = section->mac;
	ret->addresses_count = section->addresses_count;
	for (uint32_t i = 0; i < section->addresses_count; i++) {
		const struct config_prefix *from = &section->addresses[i];
		struct gatewayplan_address *to = &ret->addresses[i];

		to->family = from->family == AF_INET ? 4 : 6;
		to->length = (uint8_t)from->length;
		memcpy(to->octets, &from->in6, to->family == 4 ? 4 : 16);
	}
}

static struct gateways_item *find_item(const struct gateways *gateways, const char *svi)
{
	for (uint32_t i = 0; i < gateways->count; i++) {
		if (strcmp(gateways->items[i].wanted.svi, svi) == 0) {
			return &gateways->items[i];
		}
	}
	return NULL;
}

/* Nothing of a gateway is left: the device goes first, then the FDB entry. */
static void end_item(struct daemon *daemon, struct gateways_item *item)
{
	struct gatewayplan_step step;
	int r = 0;

	gatewayplan_look(addresses_state(daemon->addresses), &item->wanted, &item->seen);
	for (uint32_t i = 0; i < STEPS_MAX && r == 0; i++) {
		gatewayplan_end(&item->seen, &step);
		if (step.verb == GATEWAYPLAN_NONE) {
			break;
		}
		r = do_step(daemon, item, &step);
	}
	if (r < 0) {
		log_warning("gateway %s: it cannot be removed: %s", item->wanted.svi,
			    item->error_text);
	}
}

void gateways_configure(struct daemon *daemon)
{
	struct gateways *gateways = daemon->gateways;
	const struct config *config = daemon->config;
	struct gateways fresh = *gateways;

	gatewayplan_alias(config->bridge, fresh.alias);
	fresh.count = config->gateways_count;
	fresh.items = calloc(fresh.count + 1, sizeof(*fresh.items));
	if (fresh.items == NULL) {
		log_error("no memory for %u gateways; those of before stay", fresh.count);
		return;
	}
	for (uint32_t i = 0; i < fresh.count; i++) {
		const struct gateways_item *old = find_item(gateways, config->gateways[i].ifname);

		if (old != NULL && strcmp(fresh.alias, gateways->alias) == 0) {
			fresh.items[i] = *old;
		}
		want_of(&config->gateways[i], fresh.alias, &fresh.items[i].wanted);
	}
	for (uint32_t i = 0; i < gateways->count; i++) {
		if (strcmp(fresh.alias, gateways->alias) != 0 ||
		    find_item(&fresh, gateways->items[i].wanted.svi) == NULL) {
			end_item(daemon, &gateways->items[i]);
		}
	}
	free(gateways->items);
	*gateways = fresh;
	gateways_want(daemon);
}

int gateways_leave(struct daemon *daemon)
{
	struct gateways *gateways = daemon->gateways;
	const struct addressstate *state = addresses_state(daemon->addresses);
	const struct addressstate_link *link;
	uint32_t cursor = 0;
	int error = 0;

	daemon->config->gateways_count = 0;
	for (uint32_t i = 0; i < gateways->count; i++) {
		end_item(daemon, &gateways->items[i]);
	}
	gateways->count = 0;
	/* What is ours and is still there: what refused to go, and what nobody has told of yet. */
	while ((link = gatewayplan_stray(state, gateways->alias, &cursor)) != NULL) {
		int r = gatewaylink_delete(gateways->link, link->ifindex);

		error = r < 0 && r != -ENODEV ? r : error;
	}
	(void)sd_event_source_set_enabled(gateways->sync_source, SD_EVENT_OFF);
	(void)sd_event_source_set_enabled(gateways->announce_source, SD_EVENT_OFF);
	return error;
}

/* ---- for others to see --------------------------------------------------------------------- */

bool gateways_is_on(const struct daemon *daemon, uint32_t ifindex)
{
	const struct gateways *gateways = daemon->gateways;

	for (uint32_t i = 0; i < gateways->count; i++) {
		const struct gatewayplan_seen *seen = &gateways->items[i].seen;

		if (seen->svi.present && seen->svi.role && seen->svi.ifindex == ifindex) {
			return true;
		}
	}
	return false;
}

static bool sends_redirects(const char *ifname)
{
	char path[PATH_SIZE];

	(void)snprintf(path, sizeof(path), "ipv4/conf/%s/send_redirects", ifname);
	return knobs_read(path) > 0;
}

bool gateways_view(void *user, uint32_t index, struct gatewayplan_view *ret_view)
{
	const struct daemon *daemon = user;
	const struct gateways *gateways = daemon->gateways;
	const struct gateways_item *item;

	if (index >= gateways->count) {
		return false;
	}
	item = &gateways->items[index];
	ret_view->wanted = &item->wanted;
	ret_view->seen = &item->seen;
	ret_view->state = gatewayplan_judge(&item->wanted, &item->seen, ret_view->reason);
	if (item->error != 0 && ret_view->state != GATEWAYPLAN_STATE_CONFLICT) {
		ret_view->state = item->error == -EADDRINUSE || item->error == -EBUSY
					  ? GATEWAYPLAN_STATE_CONFLICT
					  : GATEWAYPLAN_STATE_WAITING;
		memcpy(ret_view->reason, item->error_text, sizeof(ret_view->reason));
	}
	ret_view->redirects_off = !sends_redirects("all") && !sends_redirects(item->wanted.svi) &&
				  !sends_redirects(item->wanted.device);
	return true;
}

/* ---- life and death ------------------------------------------------------------------------ */

static int open_parts(struct daemon *daemon, struct gateways *gateways)
{
	int r = gatewaylink_open(&gateways->link);

	if (r == 0) {
		r = announce_open(&gateways->announce);
	}
	if (r == 0) {
		r = sd_event_add_time(daemon->event, &gateways->sync_source, CLOCK_MONOTONIC, 0,
				      TIMER_ACCURACY_US, on_sync, daemon);
	}
	if (r >= 0) {
		r = sd_event_add_time(daemon->event, &gateways->announce_source, CLOCK_MONOTONIC, 0,
				      TIMER_ACCURACY_US, on_announce, daemon);
	}
	if (r < 0) {
		return r;
	}
	(void)sd_event_source_set_enabled(gateways->sync_source, SD_EVENT_OFF);
	(void)sd_event_source_set_enabled(gateways->announce_source, SD_EVENT_OFF);
	return 0;
}

int gateways_open(struct daemon *daemon)
{
	int r;

	daemon->gateways = calloc(1, sizeof(*daemon->gateways));
	if (daemon->gateways == NULL) {
		return -ENOMEM;
	}
	r = open_parts(daemon, daemon->gateways);
	if (r < 0) {
		return r;
	}
	gateways_configure(daemon);
	(void)sd_event_source_set_enabled(daemon->gateways->sync_source, SD_EVENT_OFF);
	return 0;
}

void gateways_close(struct daemon *daemon)
{
	struct gateways *gateways = daemon->gateways;

	if (gateways == NULL) {
		return;
	}
	sd_event_source_disable_unref(gateways->sync_source);
	sd_event_source_disable_unref(gateways->announce_source);
	announce_close(gateways->announce);
	gatewaylink_close(gateways->link);
	free(gateways->items);
	free(gateways);
	daemon->gateways = NULL;
}
