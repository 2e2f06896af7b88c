/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What adapters call when they saw something.  The argument @user of each is the struct daemon.
 */
#ifndef MLAGD_EVENTS_H
#define MLAGD_EVENTS_H

#include "kernel/addresses.h"
#include "kernel/fdb.h"
#include "kernel/filters.h"
#include "kernel/links.h"
#include "kernel/neighbors.h"
#include "kernel/routes.h"
#include "mlag.h"
#include "peer/channel.h"

extern const struct links_handler events_of_links;
extern const struct filters_handler events_of_filters;
extern const struct addresses_handler events_of_addresses;
extern const struct routes_handler events_of_routes;
extern const struct fdb_handler events_of_fdb;
extern const struct neighbors_handler events_of_neighbors;
extern const struct channel_handler events_of_channel;

/** events_hello() - a hello was heard, for hellos_open() */
void events_hello(void *user, enum mlag_path path, const uint8_t *data, uint32_t size);

#endif
