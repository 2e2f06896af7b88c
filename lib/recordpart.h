/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What records are made of: keys, observations and programs to bytes and back, by bounds-checked
 * cursors.  A writer or reader that failed stays so; where a getter returns a bool it is false for
 * what cannot be, too.  Only record.c includes this.
 */
#ifndef MLAG_RECORDPART_H
#define MLAG_RECORDPART_H

#include "record.h"
#include "wire.h"

void recordpart_put_octets(struct buf_writer *writer, const uint8_t *octets, uint32_t size);
void recordpart_get_octets(struct buf_reader *reader, uint8_t *ret_octets, uint32_t size);
bool recordpart_get_bool(struct buf_reader *reader);
void recordpart_put_config(struct buf_writer *writer, const struct mlag_config *config);
void recordpart_get_config(struct buf_reader *reader, struct mlag_config *ret_config);
bool recordpart_config_is_possible(const struct mlag_config *config);
void recordpart_put_peer_link(struct buf_writer *writer, const struct mlag_peer_link *link);
bool recordpart_get_peer_link(struct buf_reader *reader, struct mlag_peer_link *ret_link);
void recordpart_put_leg(struct buf_writer *writer, const struct mlag_leg_observation *leg);
bool recordpart_get_leg(struct buf_reader *reader, struct mlag_leg_observation *ret_leg);
void recordpart_put_route(struct buf_writer *writer, const struct mlag_default_route *route);
void recordpart_get_route(struct buf_reader *reader, struct mlag_default_route *ret_route);
void recordpart_put_mac_key(struct buf_writer *writer, const struct mlag_mac_key *key);
void recordpart_get_mac_key(struct buf_reader *reader, struct mlag_mac_key *ret_key);
void recordpart_put_address_key(struct buf_writer *writer, const struct mlag_address_key *key);
void recordpart_get_address_key(struct buf_reader *reader, struct mlag_address_key *ret_key);
void recordpart_put_neighbor_key(struct buf_writer *writer, const struct mlag_neighbor_key *key);
void recordpart_get_neighbor_key(struct buf_reader *reader, struct mlag_neighbor_key *ret_key);
void recordpart_put_question(struct buf_writer *writer, const struct mlag_question *question);
bool recordpart_get_question(struct buf_reader *reader, struct mlag_question *ret_question);
void recordpart_put_resume(struct buf_writer *writer, const struct mlag_resume *resume);
bool recordpart_get_resume(struct buf_reader *reader, struct mlag_resume *ret_resume);
void recordpart_put_leg_program(struct buf_writer *writer, const struct mlag_leg_program *program);
bool recordpart_get_leg_program(struct buf_reader *reader, struct mlag_leg_program *ret_program);
void recordpart_put_address_program(struct buf_writer *writer,
				    const struct mlag_address_program *program);
bool recordpart_get_address_program(struct buf_reader *reader,
				    struct mlag_address_program *ret_program);

#endif
