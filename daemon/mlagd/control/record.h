/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * `record`: the last events of the engine, as a file in pieces of hexadecimal digits.
 */
#ifndef MLAGD_CONTROL_RECORD_H
#define MLAGD_CONTROL_RECORD_H

#include "control/server.h"

int control_record_begin(struct control_call *call, json_t **ret_result);
int control_record_row(struct control_call *call, json_t **ret_row);

#endif
