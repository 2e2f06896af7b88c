/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What is wrong with [gateway] sections that are right one by one.
 */
#ifndef MLAGD_CONFIG_GATEWAYS_H
#define MLAGD_CONFIG_GATEWAYS_H

#include "config.h"

/**
 * config_judge_gateways() - look at all sections at once
 * @config: with lags, gateways and [domain]
 * @tell: called for each finding
 * @user: for @tell
 */
void config_judge_gateways(const struct config *config,
			   void (*tell)(void *user, enum config_severity severity, uint32_t line,
					const char *where, const char *text),
			   void *user);

#endif
