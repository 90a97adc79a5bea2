#ifndef CNGTCP2_MEMORY_H
#define CNGTCP2_MEMORY_H

#include "internal.h"

/// The largest piece has 2 KiB, as ngtcp2's own buffers have.
#define PIECE_CLASSES 34
#define FRONTS 2

/// The memory of one connection, for ngtcp2.
///
/// ngtcp2 takes its objects from a dozen pools, each of which asks for room for 16 or 64 at once, 4 to 12 KiB, and an idle
/// connection uses the first one or two of them. A pool is laid so that its first sixth ends a page and the rest begins
/// one: the pages behind stay untouched, and cost nothing, until the other objects are used. What is left of the first
/// page serves small pieces, in the first pools, which ngtcp2 keeps as long as the connection.
typedef struct {
    ngtcp2_mem functions;
    /// Freed pieces of the fronts by size, each the link to the next.
    void *free_pieces[PIECE_CLASSES];
    struct {
        /// The run of pages; freed with the connection.
        void *run;
        size_t page_count;
        char *next, *end;
    } fronts[FRONTS];
} connection_memory;

/// Makes `memory` ready. Answers what to give to ngtcp2; it stays where it is until ``cngtcp2_memory_end``.
const ngtcp2_mem *cngtcp2_memory_start(connection_memory *memory);
/// When ngtcp2 has freed all else.
void cngtcp2_memory_end(connection_memory *memory);

#endif
