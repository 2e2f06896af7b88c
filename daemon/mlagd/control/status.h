/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The method `status`: what the pair is now, and every reason why it is not healthy.
 */
#ifndef MLAGD_CONTROL_STATUS_H
#define MLAGD_CONTROL_STATUS_H

#include "control/methods.h"

/**
 * control_status() - `begin` of the method; see struct control_method
 */
int control_status(struct control_call *call, json_t **ret_result);

/**
 * control_mac_json() - a MAC as a JSON string, or null when it is all zero
 *
 * Return: a new reference.
 */
json_t *control_mac_json(const struct mlag_mac *mac);

#endif
