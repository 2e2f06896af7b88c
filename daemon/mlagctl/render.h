/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Answers of mlagd as text for people.  It may change with any release; the JSON may not.
 */
#ifndef MLAGCTL_RENDER_H
#define MLAGCTL_RENDER_H

#include <jansson.h>
#include <stdio.h>

/**
 * render_status() - the answer of `status`: the pair at a glance, and each problem with its remedy
 */
void render_status(FILE *out, const json_t *status);

/**
 * render_row_fn - prints one row of a list; @row is NULL for the heading
 */
typedef void render_row_fn(FILE *out, const json_t *row);

render_row_fn render_lag;
render_row_fn render_mac;
render_row_fn render_neighbor;
render_row_fn render_address;
render_row_fn render_gateway;
render_row_fn render_counter;
render_row_fn render_leave;
render_row_fn render_difference; /* renderdiff.c */
render_row_fn render_nothing;	 /* of what goes into a file (save.c) */

/**
 * render_reload() - the answer of `reload`
 */
void render_reload(FILE *out, const json_t *result);
void render_role(FILE *out, const json_t *result);
void render_drain(FILE *out, const json_t *result);

/**
 * render_remedy() - what to do about a problem
 * @code: of the problem
 *
 * Return: a sentence, or NULL for a code that is not known.
 */
const char *render_remedy(const char *code);

#endif
