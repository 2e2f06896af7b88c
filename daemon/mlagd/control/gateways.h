/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Shared gateways on the control socket: the list, and what is wrong with each.
 */
#ifndef MLAGD_CONTROL_GATEWAYS_H
#define MLAGD_CONTROL_GATEWAYS_H

#include "control/methods.h"

/* The method `gateways`, for the table of methods. */
int control_gateways_begin(struct control_call *call, json_t **ret_result);
int control_gateways_row(struct control_call *call, json_t **ret_row);

/**
 * struct control_gateway_problem - something that a person should put right
 * @code: "gateway-waiting", "gateway-conflict", "gateway-mismatch" or "redirects-on"; NULL for none
 * @text: a sentence that names the SVI
 */
struct control_gateway_problem {
	const char *code;
	char text[256];
};

/**
 * control_gateway_problem() - what is wrong with a gateway
 * @index: 0, 1, 2 … until it returns false
 * @proven: both members know each other's addresses: they can be compared
 */
bool control_gateway_problem(const struct control_context *context, uint32_t index, bool proven,
			     struct control_gateway_problem *ret_problem);

#endif
