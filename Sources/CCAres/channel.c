#include "CCAres.h"

#include <ares.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/time.h>
#include <unistd.h>

// c-ares 1.28 deprecates what takes and gives plain messages; 1.18 has nothing else.
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"

/// What most paths take without fragments (RFC 9715).
#define LARGEST_DATAGRAM 1232

/// A question, which c-ares hands back, and then its answer.
typedef struct answer_node {
    struct answer_node *next;
    ccares *owner;
    ccares_answer answer;
} answer_node;

struct ccares {
    ares_channel channel;
    int wake;
    /// What c-ares wants to know about its sockets. The first entry is `wake`.
    struct pollfd *sockets;
    size_t count, capacity;
    answer_node *first, **last;
    bool is_ended;
};

static pthread_once_t library_once = PTHREAD_ONCE_INIT;
static void library_init(void) { ares_library_init(ARES_LIB_INIT_ALL); }

static void on_socket(void *data, ares_socket_t descriptor, int readable, int writable) {
    ccares *self = data;
    size_t at = 1;
    while (at < self->count && self->sockets[at].fd != descriptor) at++;
    if (!readable && !writable) {
        if (at < self->count) self->sockets[at] = self->sockets[--self->count];
        return;
    }
    if (at == self->count) {
        if (self->count == self->capacity) {
            size_t capacity = self->capacity * 2;
            struct pollfd *sockets = realloc(self->sockets, capacity * sizeof(*sockets));
            // The question on this socket then ends by its time-out.
            if (sockets == NULL) return;
            self->sockets = sockets;
            self->capacity = capacity;
        }
        self->count++;
    }
    self->sockets[at] = (struct pollfd){
        .fd = descriptor,
        .events = (short)((readable ? POLLIN : 0) | (writable ? POLLOUT : 0)),
    };
}

static void on_answer(void *data, int status, int timeouts, unsigned char *bytes, int count) {
    (void)timeouts;
    answer_node *node = data;
    ccares *self = node->owner;
    if (self->is_ended) {
        free(node);
        return;
    }
    node->answer.status = status;
    if (bytes != NULL && count > 0) {
        node->answer.bytes = malloc((size_t)count);
        if (node->answer.bytes != NULL) {
            memcpy(node->answer.bytes, bytes, (size_t)count);
            node->answer.count = (size_t)count;
        }
    }
    *self->last = node;
    self->last = &node->next;
}

ccares *ccares_new(const char *servers, const char *settings, int timeout_ms, int tries, int *status) {
    pthread_once(&library_once, library_init);
    *status = ARES_ENOMEM;
    ccares *self = calloc(1, sizeof(*self));
    if (self == NULL) return NULL;
    self->last = &self->first;
    self->capacity = 8;
    self->sockets = calloc(self->capacity, sizeof(*self->sockets));
    self->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (self->sockets == NULL || self->wake < 0) {
        ccares_free(self);
        return NULL;
    }
    self->sockets[0] = (struct pollfd){.fd = self->wake, .events = POLLIN};
    self->count = 1;

    struct ares_options options = {
        .flags = ARES_FLAG_EDNS,
        .timeout = timeout_ms,
        .tries = tries,
        .sock_state_cb = on_socket,
        .sock_state_cb_data = self,
        .ednspsz = LARGEST_DATAGRAM,
        .resolvconf_path = (char *)settings,
    };
    int mask = ARES_OPT_FLAGS | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_SOCK_STATE_CB | ARES_OPT_EDNSPSZ |
               ARES_OPT_RESOLVCONF;
#ifdef ARES_OPT_QUERY_CACHE
    // Whoever asks again wants to know anew.
    options.qcache_max_ttl = 0;
    mask |= ARES_OPT_QUERY_CACHE;
#endif
    *status = ares_init_options(&self->channel, &options, mask);
    if (*status != ARES_SUCCESS) {
        self->channel = NULL;
        ccares_free(self);
        return NULL;
    }
    if (servers != NULL) *status = ares_set_servers_ports_csv(self->channel, servers);
    if (*status != ARES_SUCCESS) {
        ccares_free(self);
        return NULL;
    }
    return self;
}

void ccares_free(ccares *self) {
    self->is_ended = true;
    if (self->channel != NULL) ares_destroy(self->channel);
    ccares_answer answer;
    while (ccares_take(self, &answer)) ccares_release(&answer);
    if (self->wake >= 0) close(self->wake);
    free(self->sockets);
    free(self);
}

bool ccares_ask(ccares *self, uint64_t id, const char *name, int type) {
    answer_node *node = calloc(1, sizeof(*node));
    if (node == NULL) return false;
    node->owner = self;
    node->answer.id = id;
    ares_query(self->channel, name, 1, type, on_answer, node);
    return true;
}

void ccares_run(ccares *self, int most_ms) {
    struct timeval most = {.tv_sec = most_ms / 1000, .tv_usec = (most_ms % 1000) * 1000}, left;
    struct timeval *wait = ares_timeout(self->channel, &most, &left);
    // Rounded up: a time-out that is not quite over would make this spin.
    int milliseconds = wait == NULL ? most_ms : (int)(wait->tv_sec * 1000 + (wait->tv_usec + 999) / 1000);
    int ready = poll(self->sockets, self->count, milliseconds);
    if (ready > 0) {
        uint64_t times;
        if (self->sockets[0].revents != 0 && read(self->wake, &times, sizeof(times)) < 0) { /* Nobody woke us. */ }
        // Handling one socket may change the list.
        size_t count = self->count;
        struct pollfd *sockets = malloc(count * sizeof(*sockets));
        if (sockets != NULL) {
            memcpy(sockets, self->sockets, count * sizeof(*sockets));
            for (size_t at = 1; at < count; at++) {
                short events = sockets[at].revents;
                if (events == 0) continue;
                ares_socket_t descriptor = sockets[at].fd;
                ares_process_fd(self->channel, events & ~POLLOUT ? descriptor : ARES_SOCKET_BAD,
                                events & POLLOUT ? descriptor : ARES_SOCKET_BAD);
            }
            free(sockets);
        }
    }
    ares_process_fd(self->channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
}

bool ccares_take(ccares *self, ccares_answer *answer) {
    answer_node *node = self->first;
    if (node == NULL) return false;
    self->first = node->next;
    if (self->first == NULL) self->last = &self->first;
    *answer = node->answer;
    free(node);
    return true;
}

void ccares_release(ccares_answer *answer) {
    free(answer->bytes);
    answer->bytes = NULL;
}

int ccares_wake_descriptor(const ccares *self) { return self->wake; }

void ccares_wake(int descriptor) {
    uint64_t once = 1;
    if (write(descriptor, &once, sizeof(once)) < 0) { /* Full: it is awake. */ }
}

bool ccares_is_answer(int status) {
    return status == ARES_SUCCESS || status == ARES_ENODATA || status == ARES_ENOTFOUND;
}

bool ccares_is_timeout(int status) { return status == ARES_ETIMEOUT; }

bool ccares_is_refused(int status) {
    return status == ARES_ECONNREFUSED || status == ARES_ESERVFAIL || status == ARES_EREFUSED;
}

const char *ccares_message(int status) { return ares_strerror(status); }
