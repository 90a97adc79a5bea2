// Counts what this process asks of the allocator, by standing in front of glibc's functions.
#ifndef ALLOCATION_COUNT_H
#define ALLOCATION_COUNT_H

#include <stdint.h>

/// How often malloc, calloc, realloc, posix_memalign, aligned_alloc or memalign have been called, on all threads; 0
/// where the C library is not glibc, and nothing is counted.
uint64_t allocation_count(void);

#endif
