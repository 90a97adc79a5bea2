// Where ngtcp2's memory comes from (memory.h says why).
#include "memory.h"

#include <sys/mman.h>

#define PAGE ((size_t)4096)
#define MAX_RUN_PAGES 8
/// Pages are asked of the kernel so many at a time.
#define REGION_PAGES ((size_t)256)
/// So many free runs keep their pages; of those that are freed beyond, the kernel gets all but the first back.
#define MAX_WARM_RUNS 512
/// Whatever is as large, and not cleared at once, is a pool.
#define MIN_POOL ((size_t)4096)
#define PIECE_STEP ((size_t)64)

// MARK: Runs of pages

// Shared by all threads, for a connection may be freed on another thread than it began on.
static struct {
    pthread_mutex_t lock;
    struct free_run {
        struct free_run *next;
    } *warm[MAX_RUN_PAGES + 1], *cold[MAX_RUN_PAGES + 1];
    size_t warm_count;
    char *next, *end;
} pages = {.lock = PTHREAD_MUTEX_INITIALIZER};

static void *take_run(size_t count) {
    pthread_mutex_lock(&pages.lock);
    struct free_run *run = pages.warm[count];
    if (run != NULL) {
        pages.warm[count] = run->next;
        pages.warm_count--;
    } else if ((run = pages.cold[count]) != NULL) {
        pages.cold[count] = run->next;
    } else {
        if ((size_t)(pages.end - pages.next) < count * PAGE) {
            // What is left of the last region stays untouched.
            void *region = mmap(NULL, REGION_PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
            if (region != MAP_FAILED) {
                // A huge page would be there as a whole.
                (void)madvise(region, REGION_PAGES * PAGE, MADV_NOHUGEPAGE);
                pages.next = region;
                pages.end = pages.next + REGION_PAGES * PAGE;
            }
        }
        if ((size_t)(pages.end - pages.next) >= count * PAGE) {
            run = (struct free_run *)pages.next;
            pages.next += count * PAGE;
        }
    }
    pthread_mutex_unlock(&pages.lock);
    return run;
}

static void give_run(void *base, size_t count) {
    struct free_run *run = base;
    pthread_mutex_lock(&pages.lock);
    struct free_run **list = &pages.warm[count];
    if (pages.warm_count < MAX_WARM_RUNS) {
        pages.warm_count++;
    } else {
        list = &pages.cold[count];
        // The first page holds the link.
        (void)madvise((char *)base + PAGE, (count - 1) * PAGE, MADV_DONTNEED);
    }
    run->next = *list;
    *list = run;
    pthread_mutex_unlock(&pages.lock);
}

// MARK: Blocks

/// In front of whatever ngtcp2 gets.
typedef struct {
    size_t size;
    /// The pages of a pool's run. 0 for a piece of a front, and `HEAP` for memory of malloc.
    uint32_t page_count;
    uint32_t is_front;
} block;

#define HEAP UINT32_MAX

_Static_assert(sizeof(block) == 16, "keeps what follows aligned");

static block *block_of(void *pointer) { return (block *)pointer - 1; }

static void *start_block(block *at, size_t size, uint32_t page_count) {
    at->size = size;
    at->page_count = page_count;
    at->is_front = 0;
    return at + 1;
}

static void *heap_block(size_t size, bool is_cleared) {
    if (size > SIZE_MAX - sizeof(block)) return NULL;
    block *made = is_cleared ? calloc(1, size + sizeof(block)) : malloc(size + sizeof(block));
    return made == NULL ? NULL : start_block(made, size, HEAP);
}

/// Where in its run a pool's block begins.
static size_t pool_offset(size_t size) {
    size_t beginning = (sizeof(block) + size / 6 + 63) & ~(size_t)63;
    return PAGE - (beginning < PAGE ? beginning : PAGE);
}

static void *pool_block(connection_memory *memory, size_t size) {
    size_t offset = pool_offset(size);
    size_t page_count = (offset + sizeof(block) + size + PAGE - 1) / PAGE;
    if (page_count > MAX_RUN_PAGES) return heap_block(size, false);
    char *run = take_run(page_count);
    if (run == NULL) return NULL;
    block *at = (block *)(run + offset);
    void *made = start_block(at, size, (uint32_t)page_count);
    for (int i = 0; i < FRONTS; i++) {
        if (memory->fronts[i].run != NULL) continue;
        memory->fronts[i].run = run;
        memory->fronts[i].page_count = page_count;
        memory->fronts[i].next = run;
        memory->fronts[i].end = (char *)at;
        at->is_front = 1;
        break;
    }
    return made;
}

static size_t piece_class(size_t size) { return (size + sizeof(block) + PIECE_STEP - 1) / PIECE_STEP; }

static void *piece(connection_memory *memory, size_t size) {
    size_t class = piece_class(size);
    size_t room = class * PIECE_STEP;
    void *freed = memory->free_pieces[class];
    if (freed != NULL) {
        memory->free_pieces[class] = *(void **)freed;
        return start_block(block_of(freed), size, 0);
    }
    for (int i = 0; i < FRONTS; i++) {
        if ((size_t)(memory->fronts[i].end - memory->fronts[i].next) < room) continue;
        block *at = (block *)memory->fronts[i].next;
        memory->fronts[i].next += room;
        return start_block(at, size, 0);
    }
    return heap_block(size, false);
}

// MARK: What ngtcp2 calls

static void *allocate(size_t size, void *user_data) {
    if (size >= MIN_POOL) return pool_block(user_data, size);
    if (piece_class(size) < PIECE_CLASSES) return piece(user_data, size);
    return heap_block(size, false);
}

static void release(void *pointer, void *user_data) {
    connection_memory *memory = user_data;
    if (pointer == NULL) return;
    block *freed = block_of(pointer);
    if (freed->page_count == HEAP) {
        free(freed);
    } else if (freed->page_count == 0) {
        size_t class = piece_class(freed->size);
        *(void **)pointer = memory->free_pieces[class];
        memory->free_pieces[class] = pointer;
    } else if (!freed->is_front) {
        give_run((char *)freed - pool_offset(freed->size), freed->page_count);
    }
}

static void *allocate_cleared(size_t count, size_t size, void *user_data) {
    size_t total;
    if (__builtin_mul_overflow(count, size, &total)) return NULL;
    // All of it is touched: nothing is gained by pages of its own.
    if (total >= MIN_POOL) return heap_block(total, true);
    void *made = allocate(total, user_data);
    if (made != NULL) memset(made, 0, total);
    return made;
}

static void *reallocate(void *pointer, size_t size, void *user_data) {
    if (pointer == NULL) return allocate(size, user_data);
    size_t old = block_of(pointer)->size;
    if (size <= old) return pointer;
    void *made = allocate(size, user_data);
    if (made == NULL) return NULL;
    memcpy(made, pointer, old);
    release(pointer, user_data);
    return made;
}

const ngtcp2_mem *cngtcp2_memory_start(connection_memory *memory) {
#if defined(__has_feature)
#if __has_feature(address_sanitizer)
    // It watches what malloc gives out.
    return NULL;
#endif
#endif
    memory->functions.user_data = memory;
    memory->functions.malloc = allocate;
    memory->functions.free = release;
    memory->functions.calloc = allocate_cleared;
    memory->functions.realloc = reallocate;
    return &memory->functions;
}

void cngtcp2_memory_end(connection_memory *memory) {
    for (int i = 0; i < FRONTS; i++) {
        if (memory->fronts[i].run != NULL) give_run(memory->fronts[i].run, memory->fronts[i].page_count);
    }
}
