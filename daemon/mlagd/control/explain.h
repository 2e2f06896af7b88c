/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The method `explain`: what becomes of a frame, and why.
 */
#ifndef MLAGD_CONTROL_EXPLAIN_H
#define MLAGD_CONTROL_EXPLAIN_H

#include "control/server.h"

/** control_explain() - `begin` of the method; see struct control_method */
int control_explain(struct control_call *call, json_t **ret_result);

#endif
