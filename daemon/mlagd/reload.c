// SPDX-License-Identifier: BSD-2-Clause
/*
 * Reading the configuration again (see reload.h).  config_changes.c says what differs; here it is
 * done, and nothing else is touched.
 */
#include "reload.h"

#include <errno.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-daemon.h>

#include "config_changes.h"
#include "effects.h"
#include "fastpath.h"
#include "gateways.h"
#include "holds.h"
#include "log.h"
#include "setup.h"

void reload_links_spec(const struct config *config, struct links_spec *ret_spec)
{
	memset(ret_spec, 0, sizeof(*ret_spec));
	memcpy(ret_spec->bridge, config->bridge, IFNAMSIZ);
	memcpy(ret_spec->peer_link, config->link, IFNAMSIZ);
	ret_spec->lags_count = config->lags_count;
	for (uint32_t i = 0; i < config->lags_count; i++) {
		memcpy(ret_spec->lags[i].ifname, config->lags[i].ifname, IFNAMSIZ);
		ret_spec->lags[i].id = config->lags[i].id;
	}
}

void reload_configure_leg(struct daemon *daemon, enum mlag_event_type type, uint16_t lag_id)
{
	struct mlag_event event = {.type = type};

	event.leg_configure.lag_id = lag_id;
	if (type == MLAG_EVENT_LEG_CONFIGURE) {
		holds_configure_leg(daemon, config_lag_by_id(daemon->config, lag_id), &event);
	}
	effects_step(daemon, &event);
}

/* A new session in the place of the old one; without memory the old one goes on. */
static int change_channel(struct daemon *daemon)
{
	struct channel *old = daemon->channel;
	int r = daemon_open_channel(daemon);

	if (r < 0) {
		daemon->channel = old;
		return r;
	}
	channel_end(old, 0);
	channel_close(old);
	return 0;
}

static int change_hellos(struct daemon *daemon)
{
	hellos_close(daemon->hellos);
	daemon->hellos = NULL;
	return daemon_open_hellos(daemon);
}

static int change_devices(struct daemon *daemon, const struct config_changes *changes)
{
	static struct links_spec spec;
	int r;

	for (uint32_t i = 0; i < changes->removed_count; i++) {
		setup_forget_leg(daemon, changes->removed[i]);
		reload_configure_leg(daemon, MLAG_EVENT_LEG_REMOVE, changes->removed[i]);
	}
	for (uint32_t i = 0; i < changes->added_count; i++) {
		reload_configure_leg(daemon, MLAG_EVENT_LEG_CONFIGURE, changes->added[i]);
	}
	reload_links_spec(daemon->config, &spec);
	r = links_configure(daemon->links, &spec);
	holds_config(daemon);
	return r;
}

/* Tell engine and adapters what the new file has and the old one had not, and the other way. */
static int apply_changes(struct daemon *daemon, const struct config_changes *changes)
{
	struct mlag_config identity;
	struct mlag_event event = {.type = MLAG_EVENT_RECONFIGURE};
	int error = 0, r;

	if (changes->engine) {
		effects_identity(daemon->config, &identity);
		event.reconfigure = &identity;
		effects_step(daemon, &event);
	}
	if (changes->last_resort) {
		r = effects_last_resort(daemon);
		error = r < 0 ? r : error;
	}
	if (changes->datapath) {
		effects_shortcuts(daemon);
		fastpath_configure(daemon);
	}
	if (changes->devices) {
		r = change_devices(daemon, changes);
		error = r < 0 ? r : error;
	}
	if (changes->gateways) {
		gateways_configure(daemon);
	}
	if (changes->channel) {
		r = change_channel(daemon);
		error = r < 0 ? r : error;
	}
	if (changes->backup) {
		r = change_hellos(daemon);
		error = r < 0 ? r : error;
	}
	return error;
}

/* The new file, if it may take the place of the old one. */
static int load_anew(struct daemon *daemon, struct config *ret, config_error_fn *report,
		     void *report_user)
{
	const struct config_devices devices = {
		.bridge_ifindex = daemon->peer_link.bridge_ifindex,
		.link_ifindex = daemon->peer_link.ifindex,
		.find = if_nametoindex,
	};
	int r = config_load(daemon->config_path, ret, report, report_user, NULL);

	if (r == 0 && config_refuse(daemon->config_path, daemon->config, ret, &devices, report,
				    report_user) > 0) {
		r = -EINVAL;
	}
	return r;
}

int reload_config(void *user, config_error_fn *report, void *report_user)
{
	static struct config_changes changes;
	struct daemon *daemon = user;
	struct config *old = daemon->config;
	struct config *config;
	int r;

	if (daemon->leave != NULL) {
		return -ESHUTDOWN;
	}
	config = calloc(1, sizeof(*config));
	if (config == NULL) {
		return -ENOMEM;
	}
	r = load_anew(daemon, config, report, report_user);
	if (r < 0) {
		config_free(config);
		return r;
	}
	(void)sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%llu",
			 (unsigned long long)(daemon_now_ns() / 1000));
	config_compare(old, config, &changes);
	config_describe(&changes, old, config, report, report_user);
	if (config->macs_max != old->macs_max) {
		log_notice("[domain] macs-max: it will be %u after the next start",
			   config->macs_max);
	}
	daemon->config = config;
	daemon->control_context.config = config;
	r = apply_changes(daemon, &changes);
	config_free(old);
	(void)sd_notify(0, "READY=1");
	log_notice("configuration read again: %s", r < 0 ? strerror(-r)
						   : config_changes_any(&changes)
							   ? "applied"
							   : "nothing differs");
	return r;
}
