/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Hellos on their two paths: raw frames on the peer link's device, and UDP between the backup
 * addresses.  What they say, and when one is due, is the engine's.  NULL stands for no paths at all.
 */
#ifndef MLAGD_PEER_HELLOS_H
#define MLAGD_PEER_HELLOS_H

#include <stdbool.h>
#include <stdint.h>
#include <systemd/sd-event.h>

#include "peer/channel.h"
#include "types.h"

struct hellos;

/**
 * hellos_heard_fn - a hello came
 * @path: by which
 * @data: what may be a hello; borrowed for the call
 */
typedef void hellos_heard_fn(void *user, enum mlag_path path, const uint8_t *data, uint32_t size);

/**
 * hellos_open() - listen
 * @ret: the new object
 * @event: the loop; referenced
 * @backup: the ends of the backup path, copied; NULL for none.  An address or a device that is not
 *	there yet is waited for
 * @heard: called from the event loop and from hellos_read()
 *
 * Return: 0, -ENOMEM, or -errno of the event loop.
 */
int hellos_open(struct hellos **ret, sd_event *event, const struct channel_spec *backup,
		hellos_heard_fn *heard, void *user);

/** hellos_close() - stop listening and free; NULL is fine */
void hellos_close(struct hellos *hellos);

/**
 * hellos_set_peer_link() - which device the peer link is now
 * @ifindex: 0 for none
 * @incarnation: another one means another device, whatever its number
 */
void hellos_set_peer_link(struct hellos *hellos, uint32_t ifindex, uint32_t incarnation);

/** hellos_send() - send the same hello on every path; a path that fails is silent, which is seen */
void hellos_send(struct hellos *hellos, const uint8_t *data, uint32_t size);

/** hellos_read() - hand out what has come, until every path is dry */
void hellos_read(struct hellos *hellos);

#endif
