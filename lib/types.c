/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The words for the enumerations of types.h and mlag.h, expanded from the same X-macros as the
 * values.
 */
#include "mlag.h"

#define MLAG_ENUM_TEXT(symbol, text) \
	case symbol:                 \
		return text;

#define MLAG_ENUM_TEXT_FUNCTION(function, type, LIST)   \
	const char *function(type value)                \
	{                                               \
		switch (value) {                        \
			LIST(MLAG_ENUM_TEXT)            \
		}                                       \
		return "?"; /* a number from outside */ \
	}

MLAG_ENUM_TEXT_FUNCTION(mlag_role_text, enum mlag_role, MLAG_ROLES)
MLAG_ENUM_TEXT_FUNCTION(mlag_verdict_text, enum mlag_verdict, MLAG_VERDICTS)
MLAG_ENUM_TEXT_FUNCTION(mlag_path_finding_text, enum mlag_path_finding, MLAG_PATH_FINDINGS)
MLAG_ENUM_TEXT_FUNCTION(mlag_peer_finding_text, enum mlag_peer_finding, MLAG_PEER_FINDINGS)
MLAG_ENUM_TEXT_FUNCTION(mlag_session_state_text, enum mlag_session_state, MLAG_SESSION_STATES)
MLAG_ENUM_TEXT_FUNCTION(mlag_leg_state_text, enum mlag_leg_state, MLAG_LEG_STATES)
MLAG_ENUM_TEXT_FUNCTION(mlag_hold_text, enum mlag_hold, MLAG_HOLDS)
MLAG_ENUM_TEXT_FUNCTION(mlag_close_reason_text, enum mlag_close_reason, MLAG_CLOSE_REASONS)
MLAG_ENUM_TEXT_FUNCTION(mlag_fdb_kind_text, enum mlag_fdb_kind, MLAG_FDB_KINDS)
MLAG_ENUM_TEXT_FUNCTION(mlag_address_kind_text, enum mlag_address_kind, MLAG_ADDRESS_KINDS)
MLAG_ENUM_TEXT_FUNCTION(mlag_neighbor_device_text, enum mlag_neighbor_device, MLAG_NEIGHBOR_DEVICES)
MLAG_ENUM_TEXT_FUNCTION(mlag_neighbor_state_text, enum mlag_neighbor_state, MLAG_NEIGHBOR_STATES)
MLAG_ENUM_TEXT_FUNCTION(mlag_notice_text, enum mlag_notice, MLAG_NOTICES)
MLAG_ENUM_TEXT_FUNCTION(mlag_last_resort_state_text, enum mlag_last_resort_state, MLAG_LAST_RESORTS)
MLAG_ENUM_TEXT_FUNCTION(mlag_difference_text, enum mlag_difference_kind, MLAG_DIFFERENCES)

const char *mlag_table_text(enum mlag_table table)
{
	switch (table) {
		MLAG_TABLES(MLAG_ENUM_TEXT)
	case MLAG_TABLES_COUNT:
		break;
	}
	return "?";
}
