/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Writing the route and the rules of the last resort (R31).
 */
#ifndef MLAGD_KERNEL_ROUTESWRITE_H
#define MLAGD_KERNEL_ROUTESWRITE_H

#include <stdbool.h>
#include <stdint.h>

#include "kernel/routesmsg.h"

struct routeswrite;

/** routeswrite_open() - open a socket; 0 or -errno */
int routeswrite_open(struct routeswrite **ret);

/** routeswrite_close() - NULL is fine; what was written stays */
void routeswrite_close(struct routeswrite *writer);

/**
 * routeswrite_set_route() - the default route of our table
 * @writer: the writer
 * @family: 4 or 6
 * @octets: the next hop, an address of this family
 * @ifindex: the device it is behind, on the link, whatever prefixes we have there
 *
 * One of ours that is there is replaced without a gap.  A device that does not exist is no error:
 * nothing is added.
 *
 * Return: 0 or -errno; routeswrite_error() says more.
 */
int routeswrite_set_route(struct routeswrite *writer, uint8_t family, const uint8_t octets[16],
			  uint32_t ifindex);

/**
 * routeswrite_delete_route() - take it away; one that is not there is no error
 * @writer: the writer
 * @family: 4 or 6
 *
 * Return: as routeswrite_set_route().
 */
int routeswrite_delete_route(struct routeswrite *writer, uint8_t family);

/**
 * routeswrite_set_rule() - add or take away the rule for what comes in by a device
 * @writer: the writer
 * @family: 4 or 6
 * @ifname: the device
 * @present: it should be there; one that is there, or is not, is no error
 *
 * Return: as routeswrite_set_route().
 */
int routeswrite_set_rule(struct routeswrite *writer, uint8_t family, const char *ifname,
			 bool present);

/**
 * routeswrite_set_return_rule() - add or take away the rule for what would go back to the peer
 * @writer: the writer
 * @family: 4 or 6
 * @present: it should be there; one that is there, or is not, is no error
 *
 * Return: as routeswrite_set_route().
 */
int routeswrite_set_return_rule(struct routeswrite *writer, uint8_t family, bool present);

/**
 * routeswrite_delete_rule() - take a rule away that has our protocol number but is not as ours are
 * @writer: the writer
 * @rule: as it was told
 *
 * Return: as routeswrite_set_route().
 */
int routeswrite_delete_rule(struct routeswrite *writer, const struct routesmsg_rule *rule);

/** routeswrite_error() - what went wrong last, in the kernel's words; valid until the next call */
const char *routeswrite_error(const struct routeswrite *writer);

#endif
