/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The parameters of the method `explain`: text in, values out.
 */
#ifndef MLAGD_CONTROL_QUESTION_H
#define MLAGD_CONTROL_QUESTION_H

#include "control/server.h"
#include "explain/explain.h"

#define QUESTION_ASSUMPTIONS_MAX 16

/**
 * struct question - what is asked
 * @in: the port, as it was written
 * @is_frame: @frame was given whole; otherwise it is to be made of what follows
 * @has_vlan, @has_source: given
 * @ip: addresses and hop limit; family 0 for no packet, @has_source_ip: its source was given
 * @assumptions: @assumptions_count of them, borrowed from the call
 */
struct question {
	const char *in;
	bool is_frame;
	bool has_vlan;
	bool has_source;
	bool has_source_ip;
	uint16_t vlan;
	struct mlag_mac destination;
	struct mlag_mac source;
	struct explain_ip ip;
	struct explain_frame frame;
	uint32_t assumptions_count;
	const char *assumptions[QUESTION_ASSUMPTIONS_MAX];
};

/**
 * question_read() - check the parameters of a call
 * @call: its params; told what is wrong
 * @ret: filled
 *
 * Return: 0, or as control_call_fail().
 */
int question_read(struct control_call *call, struct question *ret);

#endif
