/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Two configurations compared: what a reload has to do, and what it must refuse.  Values in, values
 * out.
 */
#ifndef MLAGD_CONFIG_CHANGES_H
#define MLAGD_CONFIG_CHANGES_H

#include "config.h"

/**
 * struct config_changes - what a new configuration has that the old one had not, and the other way
 * @engine: priority, timers, backup path or last resort: what the engine is told
 * @last_resort: R31 was switched on or off
 * @datapath: another way to attach programs
 * @devices: names of the bridge, the peer link or of legs
 * @gateways: [gateway] sections came, went or changed
 * @channel: the ends of the session, or how it is protected
 * @security: the latter
 * @backup: the ends of the backup path
 * @removed_count, @removed: LAGs that went, by number; one whose number or device changed went and
 *	came
 * @added_count, @added: LAGs that came
 */
struct config_changes {
	bool engine;
	bool last_resort;
	bool datapath;
	bool devices;
	bool gateways;
	bool channel;
	bool security;
	bool backup;
	uint32_t removed_count;
	uint16_t removed[MLAG_LEGS_MAX];
	uint32_t added_count;
	uint16_t added[MLAG_LEGS_MAX];
};

/** config_compare() - what is to be done to come from one configuration to the other */
void config_compare(const struct config *old, const struct config *now,
		    struct config_changes *ret_changes);

/** config_changes_any() - is there anything to be done? */
bool config_changes_any(const struct config_changes *changes);

/**
 * config_describe() - the changes in words, a line each
 * @report: called with CONFIG_SEVERITY_NOTE
 */
void config_describe(const struct config_changes *changes, const struct config *old,
		     const struct config *now, config_error_fn *report, void *user);

/**
 * struct config_devices - the devices that are in use under the names of the old configuration
 * @bridge_ifindex, @link_ifindex: 0 while there is none
 * @find: the number of a device, 0 for none; as if_nametoindex()
 */
struct config_devices {
	uint32_t bridge_ifindex;
	uint32_t link_ifindex;
	unsigned int (*find)(const char *ifname);
};

/**
 * config_refuse() - name the keys that cannot change while mlagd runs
 * @path: the file, for messages
 * @old, @now: the configurations
 * @devices: a device that was renamed is no change, and one that is not there can be exchanged
 * @report: told an error a key, with the remedy; may be NULL
 *
 * Return: how many there are.
 */
uint32_t config_refuse(const char *path, const struct config *old, const struct config *now,
		       const struct config_devices *devices, config_error_fn *report, void *user);

#endif
