/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Every maximum of the protocol engine and of the wire, in one place.  A queue, table, loop or
 * message without a number here is a bug.
 */
#ifndef MLAG_MLAG_LIMITS_H
#define MLAG_MLAG_LIMITS_H

#define MLAG_VLANS_MAX 4096	       /* VLAN ids 0..4095; 0 stands for "a plain bridge" */
#define MLAG_VLAN_WORDS 64	       /* the same as 64-bit words */
#define MLAG_LEGS_MAX 256	       /* LAGs of a domain */
#define MLAG_MACS_DEFAULT (128 * 1024) /* rows of the MAC table */
#define MLAG_MACS_MAX (1024 * 1024)
#define MLAG_ADDRESSES_MAX 16384	/* router MACs and IP addresses of both members */
#define MLAG_HOPS_MAX 32		/* next hops of a default route that are looked at */
#define MLAG_NEIGHBORS_MAX (128 * 1024) /* neighbours of both members */

#define MLAG_WIRE_HEADER_SIZE 8	      /* bytes before every message's payload */
#define MLAG_WIRE_PAYLOAD_MAX 65528   /* payload bytes of one message */
#define MLAG_WIRE_MESSAGE_MAX 65536   /* header and payload */
#define MLAG_HELLO_SIZE_MAX 1408      /* bytes of one hello, its HMAC included */
#define MLAG_ROWS_PER_MESSAGE_MAX 256 /* rows of one ROWS message; one slice */
#define MLAG_FDB_BATCH_MAX 256	      /* FDB operations handed out at once; one slice */
#define MLAG_NEIGHBOR_BATCH_MAX 256   /* the same of neighbours */
#define MLAG_TEXT_MAX 64	      /* bytes of a text field on the wire, with its NUL here */
#define MLAG_EFFECTS_MAX 64	      /* effects of one step; surplus notices are counted */

#endif
