/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What this machine answers to: the router MACs of its SVIs on the bridge, and its IP addresses in
 * all routing domains.  Kept up to date by link and address events, reported by callbacks.
 */
#ifndef MLAGD_KERNEL_ADDRESSES_H
#define MLAGD_KERNEL_ADDRESSES_H

#include <stdbool.h>
#include <stdint.h>
#include <systemd/sd-event.h>

#include "mlag.h"

struct addresses;
struct addressstate;

/**
 * struct addresses_handler - who hears of changes
 * @address: an address is there, or is there no more.  @domain, @ifindex: of a router MAC that is
 *	there: routing domain and device of its SVI; otherwise 0.  It comes again, present, when one
 *	of these two changed.  @ifindex is 0 of a macvlan's on an SVI, whose MAC is one more there
 * @changed: something changed of what addresses_state() shows; after the calls of @address
 *
 * Reported are: the MAC of every SVI that is up and gets frames of its VLAN, and of every macvlan on
 * one, which routes there too (a shared gateway, VRRP); every unicast IPv4 and
 * IPv6 address of a device that is up, but 127.0.0.0/8, ::1 and what DAD has not passed yet; and
 * link-local ones (169.254.0.0/16, fe80::/10) of SVIs, by VLAN; and, once more, every other IPv4
 * address of an SVI, by VLAN and domain.  An SVI is the bridge itself (in
 * its PVID, or 0 on a plain bridge), or on a VLAN-aware bridge an 802.1Q device on it whose VLAN
 * the bridge itself is a member of.
 *
 * What is gone comes before what is there when several things changed at once.
 *
 * Context: from the event loop, addresses_start() or addresses_set_bridge(); must not call
 * functions of this module but addresses_problems().
 */
struct addresses_handler {
	void (*address)(void *user, const struct mlag_address_key *key, bool present,
			uint32_t domain, uint32_t ifindex);
	void (*changed)(void *user);
};

/**
 * addresses_open() - open the event socket and subscribe; nothing is reported yet
 * @ret: the new object
 * @event: the loop it lives in; referenced
 * @handler: copied
 * @user: first argument of the callback
 *
 * Return: 0, or -errno of the socket.
 */
int addresses_open(struct addresses **ret, sd_event *event, const struct addresses_handler *handler,
		   void *user);

/**
 * addresses_close() - stop and free
 * @addresses: NULL is fine
 */
void addresses_close(struct addresses *addresses);

/**
 * addresses_start() - read all links and addresses, and report what there is
 * @addresses: from addresses_open()
 *
 * Return: 0, or -errno if the kernel did not answer.  An unclean dump is no error: what was read
 * is reported, and reading is tried again by itself.
 */
int addresses_start(struct addresses *addresses);

/**
 * addresses_set_bridge() - say which bridge is meant
 * @addresses: the object, started or not
 * @bridge_ifindex: 0 for none: there are no SVIs then, only IP addresses
 * @vlan_aware: it filters VLANs
 *
 * Its MAC, PVID and VLANs are found out here.  The same arguments again change nothing.
 */
void addresses_set_bridge(struct addresses *addresses, uint32_t bridge_ifindex, bool vlan_aware);

/**
 * addresses_state() - links and addresses as the kernel told them so far
 * @addresses: the object
 *
 * Return: the model (addressstate.h), to look at until the next event.
 */
const struct addressstate *addresses_state(const struct addresses *addresses);

/**
 * addresses_is_clean() - what addresses_state() does not show is not there
 * @addresses: the object
 *
 * Return: false as long as only dumps that came out unclean were read: what is there may be acted
 * upon, what is missing may not.
 */
bool addresses_is_clean(const struct addresses *addresses);

/**
 * struct addresses_problem - something that a person should put right
 * @code: "svi-without-vlan" (an 802.1Q device on the bridge gets nothing, for the bridge itself is
 *	no tagged member of its VLAN) or "too-many-addresses"; constant
 * @text: a sentence that names the device
 */
struct addresses_problem {
	const char *code;
	char text[160];
};

/**
 * addresses_problems() - what is wrong now with SVIs and addresses
 * @addresses: the object
 * @ret: room for @max problems
 * @max: how many are wanted
 *
 * Return: how many were written.
 */
uint32_t addresses_problems(const struct addresses *addresses, struct addresses_problem *ret,
			    uint32_t max);

#endif
