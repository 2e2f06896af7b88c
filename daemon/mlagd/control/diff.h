/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * `diff`: a key or a table as both members see it.  The peer's view is asked for over the session.
 */
#ifndef MLAGD_CONTROL_DIFF_H
#define MLAGD_CONTROL_DIFF_H

#include "control/server.h"

#define CONTROL_DIFF_PATIENCE_NS UINT64_C(5000000000) /* for one answer of the peer */

int control_diff_begin(struct control_call *call, json_t **ret_result);
int control_diff_row(struct control_call *call, json_t **ret_row);

#endif
