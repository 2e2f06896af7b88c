/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The configuration while the daemon runs: SIGHUP and `mlagctl reload`.
 */
#ifndef MLAGD_RELOAD_H
#define MLAGD_RELOAD_H

#include "daemon.h"

/**
 * reload_config() - read the file again and apply the difference, or nothing when it is wrong
 * @user: the daemon
 * @report: told errors, warnings, and what was changed
 * @report_user: for @report
 *
 * Return: 0; -EINVAL when the file is wrong, or has what cannot change while the daemon runs;
 * -ESHUTDOWN when the daemon leaves; another -errno when the file cannot be read.
 */
int reload_config(void *user, config_error_fn *report, void *report_user);

/** reload_links_spec() - the devices that a configuration names */
void reload_links_spec(const struct config *config, struct links_spec *ret_spec);

/** reload_configure_leg() - tell the engine that a LAG came (or went) */
void reload_configure_leg(struct daemon *daemon, enum mlag_event_type type, uint16_t lag_id);

#endif
