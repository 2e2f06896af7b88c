// SPDX-License-Identifier: BSD-2-Clause
/*
 * Any bytes as a configuration file: no crash, and what is accepted keeps its promises.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What the configuration calls of the engine's library may assert. */
_Noreturn void mlag_assert_failed(const char *expression, const char *file, int line);

_Noreturn void mlag_assert_failed(const char *expression, const char *file, int line)
{
	(void)expression;
	(void)file;
	(void)line;
	abort();
}

static void on_report(void *user, enum config_severity severity, const char *text)
{
	unsigned int *errors = user;

	if (strchr(text, '\n') != NULL || strncmp(text, "fuzz:", 5) != 0) {
		abort();
	}
	*errors += severity == CONFIG_SEVERITY_ERROR;
}

static void check_accepted(const struct config *config)
{
	for (uint32_t i = 0; i < config->lags_count; i++) {
		const struct config_lag *lag = &config->lags[i];

		if (lag->id == 0 || config_lag_by_id(config, lag->id) != lag ||
		    strcmp(lag->ifname, config->link) == 0) {
			abort();
		}
	}
	if (config->lags_count > MLAG_LEGS_MAX || config->gateways_count > CONFIG_GATEWAYS_MAX ||
	    config->local.size == 0 || config->remote.size == 0 || config->bridge[0] == '\0' ||
	    (config->system_mac.octets[0] & 1) != 0 || config->security == CONFIG_SECURITY_NONE) {
		abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct config config;
	unsigned int errors = 0, errors_told = 0;
	int r = config_parse("fuzz", (const char *)data, size, &config, on_report, &errors_told,
			     &errors);

	if ((r == 0) != (errors == 0) || errors_told > errors) {
		abort();
	}
	if (r == 0) {
		check_accepted(&config);
	}
	return 0;
}
