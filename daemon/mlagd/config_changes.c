// SPDX-License-Identifier: BSD-2-Clause
/*
 * Comparing configurations (see config_changes.h).  main.c does at a reload what is said here, and
 * nothing else: what is the same in both files is not touched.
 */
#include "config_changes.h"

#include <stdarg.h>
#include <string.h>

#define LINE_SIZE 512
#define REMEDY \
	"it cannot change while mlagd runs: run 'mlagctl leave' and start mlagd again, or put "

/* ---- what is different --------------------------------------------------------------------- */

static bool same_address(const struct config_address *a, const struct config_address *b)
{
	return a->size == b->size && memcmp(&a->storage, &b->storage, a->size) == 0 &&
	       strcmp(a->scope, b->scope) == 0;
}

static bool same_prefix(const struct config_prefix *a, const struct config_prefix *b)
{
	if (a->family != b->family || a->length != b->length) {
		return false;
	}
	return a->family == AF_INET ? memcmp(&a->in, &b->in, sizeof(a->in)) == 0
				    : memcmp(&a->in6, &b->in6, sizeof(a->in6)) == 0;
}

static bool same_gateway(const struct config_gateway *a, const struct config_gateway *b)
{
	if (strcmp(a->ifname, b->ifname) != 0 || memcmp(&a->mac, &b->mac, sizeof(a->mac)) != 0 ||
	    a->addresses_count != b->addresses_count) {
		return false;
	}
	for (uint32_t i = 0; i < a->addresses_count; i++) {
		if (!same_prefix(&a->addresses[i], &b->addresses[i])) {
			return false;
		}
	}
	return true;
}

/* Also the order: it says in which order they are announced. */
static bool same_gateways(const struct config *a, const struct config *b)
{
	if (a->gateways_count != b->gateways_count) {
		return false;
	}
	for (uint32_t i = 0; i < a->gateways_count; i++) {
		if (!same_gateway(&a->gateways[i], &b->gateways[i])) {
			return false;
		}
	}
	return true;
}

static bool has_lag(const struct config *config, const struct config_lag *lag)
{
	const struct config_lag *there = config_lag_by_id(config, lag->id);

	return there != NULL && strcmp(there->ifname, lag->ifname) == 0;
}

/* The LAGs of one that the other has not; returns how many. */
static uint32_t only_in(const struct config *one, const struct config *other,
			uint16_t ret_ids[MLAG_LEGS_MAX])
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < one->lags_count; i++) {
		if (!has_lag(other, &one->lags[i])) {
			ret_ids[count++] = one->lags[i].id;
		}
	}
	return count;
}

void config_compare(const struct config *old, const struct config *now,
		    struct config_changes *ret_changes)
{
	struct config_changes *changes = ret_changes;

	memset(changes, 0, sizeof(*changes));
	changes->last_resort = old->last_resort != now->last_resort;
	changes->datapath = old->datapath != now->datapath;
	changes->gateways = !same_gateways(old, now);
	changes->security = old->security != now->security ||
			    (now->security == CONFIG_SECURITY_PSK &&
			     memcmp(&old->key, &now->key, sizeof(old->key)) != 0);
	changes->channel = !same_address(&old->local, &now->local) ||
			   !same_address(&old->remote, &now->remote) || changes->security;
	changes->backup = !same_address(&old->backup_local, &now->backup_local) ||
			  !same_address(&old->backup_remote, &now->backup_remote);
	changes->removed_count = only_in(old, now, changes->removed);
	changes->added_count = only_in(now, old, changes->added);
	changes->devices = strcmp(old->bridge, now->bridge) != 0 ||
			   strcmp(old->link, now->link) != 0 || changes->removed_count > 0 ||
			   changes->added_count > 0;
	changes->engine = old->priority != now->priority || old->domain_id != now->domain_id ||
			  memcmp(&old->system_mac, &now->system_mac, sizeof(old->system_mac)) !=
				  0 ||
			  old->hello_interval_ns != now->hello_interval_ns ||
			  old->dead_multiplier != now->dead_multiplier ||
			  old->restart_hold_ns != now->restart_hold_ns ||
			  old->startup_wait_ns != now->startup_wait_ns || changes->last_resort ||
			  (old->backup_local.size != 0) != (now->backup_local.size != 0);
}

bool config_changes_any(const struct config_changes *changes)
{
	return changes->engine || changes->datapath || changes->devices || changes->gateways ||
	       changes->channel || changes->backup;
}

/* ---- in words ------------------------------------------------------------------------------ */

__attribute__((format(printf, 4, 5))) static void
say(config_error_fn *report, void *user, enum config_severity severity, const char *format, ...)
{
	char text[LINE_SIZE];
	va_list list;

	if (report == NULL) {
		return;
	}
	va_start(list, format);
	(void)vsnprintf(text, sizeof(text), format, list);
	va_end(list);
	report(user, severity, text);
}

static void describe_lags(const struct config_changes *changes, const struct config *old,
			  const struct config *now, config_error_fn *report, void *user)
{
	for (uint32_t i = 0; i < changes->removed_count; i++) {
		const struct config_lag *lag = config_lag_by_id(old, changes->removed[i]);

		say(report, user, CONFIG_SEVERITY_NOTE, "LAG %u (%s) removed", lag->id,
		    lag->ifname);
	}
	for (uint32_t i = 0; i < changes->added_count; i++) {
		const struct config_lag *lag = config_lag_by_id(now, changes->added[i]);

		say(report, user, CONFIG_SEVERITY_NOTE, "LAG %u (%s) added", lag->id, lag->ifname);
	}
}

void config_describe(const struct config_changes *changes, const struct config *old,
		     const struct config *now, config_error_fn *report, void *user)
{
	describe_lags(changes, old, now, report, user);
	if (strcmp(old->bridge, now->bridge) != 0) {
		say(report, user, CONFIG_SEVERITY_NOTE, "bridge: %s instead of %s", now->bridge,
		    old->bridge);
	}
	if (strcmp(old->link, now->link) != 0) {
		say(report, user, CONFIG_SEVERITY_NOTE, "peer link: %s instead of %s", now->link,
		    old->link);
	}
	if (changes->gateways) {
		say(report, user, CONFIG_SEVERITY_NOTE,
		    "shared gateways: %u instead of %u, or "
		    "other addresses",
		    now->gateways_count, old->gateways_count);
	}
	if (changes->last_resort) {
		say(report, user, CONFIG_SEVERITY_NOTE, "last-resort: %s",
		    now->last_resort ? "on" : "off");
	}
	if (changes->engine && !changes->last_resort) {
		say(report, user, CONFIG_SEVERITY_NOTE, "priority, timers or backup path");
	}
	if (changes->datapath) {
		say(report, user, CONFIG_SEVERITY_NOTE, "datapath");
	}
	if (changes->security) {
		say(report, user, CONFIG_SEVERITY_NOTE,
		    "security, or the key, of the session: it begins anew; the peer needs the same");
	} else if (changes->channel) {
		say(report, user, CONFIG_SEVERITY_NOTE, "addresses of the session: it begins anew");
	}
	if (changes->backup) {
		say(report, user, CONFIG_SEVERITY_NOTE, "addresses of the backup path");
	}
}

/* ---- what cannot change -------------------------------------------------------------------- */

/* Another device, and not the same one under another name. */
static bool is_exchanged(const char *old, const char *now, uint32_t ifindex,
			 const struct config_devices *devices)
{
	return strcmp(old, now) != 0 && ifindex != 0 && devices->find(now) != ifindex;
}

uint32_t config_refuse(const char *path, const struct config *old, const struct config *now,
		       const struct config_devices *devices, config_error_fn *report, void *user)
{
	const uint8_t *mac = old->system_mac.octets;
	uint32_t count = 0;

	if (memcmp(&old->system_mac, &now->system_mac, sizeof(old->system_mac)) != 0) {
		count++;
		say(report, user, CONFIG_SEVERITY_ERROR,
		    "%s:%u: [domain] system-mac: every LACP leg would lose its partner, so " REMEDY
		    "back %02x:%02x:%02x:%02x:%02x:%02x",
		    path, now->system_mac_line, mac[0], mac[1], mac[2], mac[3], mac[4], mac[5]);
	}
	if (old->domain_id != now->domain_id) {
		count++;
		say(report, user, CONFIG_SEVERITY_ERROR,
		    "%s:%u: [domain] id: this would be another pair, so " REMEDY "back %u", path,
		    now->domain_id_line, old->domain_id);
	}
	if (is_exchanged(old->bridge, now->bridge, devices->bridge_ifindex, devices)) {
		count++;
		say(report, user, CONFIG_SEVERITY_ERROR,
		    "%s:%u: [domain] bridge: %s is another device, so " REMEDY "back %s", path,
		    now->bridge_line, now->bridge, old->bridge);
	}
	if (is_exchanged(old->link, now->link, devices->link_ifindex, devices)) {
		count++;
		say(report, user, CONFIG_SEVERITY_ERROR,
		    "%s:%u: [peer] link: %s is another device, and the member id with it, "
		    "so " REMEDY "back %s",
		    path, now->link_line, now->link, old->link);
	}
	return count;
}
